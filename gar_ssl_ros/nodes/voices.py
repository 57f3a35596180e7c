"""Who speaks, on ROS4HRI's topics (REP-155): the voices, how they sound, where they are, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any
from uuid import uuid4

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from numpy.typing import NDArray
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool, Header
from tf2_msgs.msg import TFMessage

from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Window
from gar_ssl_ros.messages.answers import OUTCOMES
from gar_ssl_ros.messages.audio.installed import audio_class
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.messages.voices import ids_message, match_message, sound_message, transform_message
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.perception.voice_features import MAX_PITCH_HZ, VoiceFeatures, voice_features
from gar_ssl_ros.work.voices import Match, VoiceTracker, heard_voices, humans_of, is_voice

REPEAT_S = 1.0  # from one time that what stands is told to the next, for those who come late
SLACK_S = 5.0  # beyond what an answer may take, after which no more are expected
IDS_TYPE, MATCH_TYPE, FEATURES_TYPE = (f"hri_msgs/msg/{name}" for name in ("IdsList", "IdsMatch", "AudioFeatures"))
SOUND_TYPE = "audio_common_msgs/msg/AudioData"
QUEUE_DEPTH, TRANSFORMS_DEPTH = 10, 100  # messages that may wait for their subscriber; as tf2's


class Voices:
    """From one activation to the next deactivation. Thread-safe."""

    def __init__(self, node: Any, patience: float) -> None:
        """patience: from one answer to the next, s, at most. Without hri_msgs nothing is told, but that."""
        self._node = node
        self._patience = patience + SLACK_S
        self._guard = Lock()
        self._closed = False
        self._tracker = VoiceTracker(lambda: f"v{uuid4().hex[:6]}")
        self._topics: dict[str, _VoiceTopics] = {}
        self._told: tuple[str, ...] | None = None  # the ids on `tracked`
        self._repeated = self._answered = monotonic()
        self._missing = self._soundless = ""
        try:
            ids, match, _ = map(message_type, (IDS_TYPE, MATCH_TYPE, FEATURES_TYPE))
        except LookupError as problem:
            self._missing = f"voices are not told: {problem}"
            node.get_logger().warning(self._missing)
            return
        try:
            audio_class(SOUND_TYPE)
        except LookupError as problem:
            self._soundless = f"the sound of voices is not told: {problem}"
            node.get_logger().warning(self._soundless)
        kept = QoSProfile(depth=QUEUE_DEPTH)
        self._tracked_out = node.create_publisher(ids, "/humans/voices/tracked", kept)
        self._matches_out = node.create_publisher(match, "/humans/candidate_matches", kept)
        self._transforms_out = node.create_publisher(TFMessage, "/tf", QoSProfile(depth=TRANSFORMS_DEPTH))

    def take(self, answer: SoundSourceArray, window: Window, humans: Mapping[str, Sequence[str]]) -> None:
        """An answer to a window has been published. humans: ids of faces and bodies, as of `humans_of`."""
        if self._missing or answer.stage != SoundSourceArray.FINAL:
            return
        heard = heard_voices(answer)
        known = OUTCOMES[answer.outcome].conclusive or bool(answer.label and not is_voice(answer.label))
        mono = window.audio.mono(SPEECH_RATE_HZ) if heard and window.audio is not None else np.empty(0, np.float32)
        features = voice_features(mono) if len(mono) else None
        with self._guard:
            if not self._can_tell:
                return
            self._answered, stamp = monotonic(), window.center.stamp
            self._tell(self._tracker.hear(heard, humans_of(humans, window.sightings), stamp, known))
            sources = {source.id: source for source in answer.sources}
            speaking = [one for one in self._tracker.voices if one.heard == stamp and one.source in sources]
            moved = [transform_message(answer.header, one.id, sources[one.source]) for one in speaking]
            if any(moved):
                self._transforms_out.publish(TFMessage(transforms=[one for one in moved if one is not None]))
            if features is not None:
                for voice in speaking:
                    self._topics[voice.id].tell_sound(mono, window.end, features)

    def repeat(self) -> None:
        """Tell what stands, once a second, for those who come late; nothing does, where answers stay away."""
        with self._guard:
            now = monotonic()
            if not self._can_tell or now - self._repeated < REPEAT_S:
                return
            self._repeated = now
            self._told = None
            self._tell(self._tracker.forget() if now - self._answered > self._patience else [])
            for voice in self._tracker.voices:
                self._topics[voice.id].tell_speaking(voice.speaking, again=True)

    def close(self) -> None:
        """Tell that there are no voices any more, and tell nothing after that."""
        with self._guard:
            if self._closed:
                return
            if self._can_tell:
                self._tell(self._tracker.forget())
            self._closed = True
            if not self._missing:
                for one in (self._tracked_out, self._matches_out, self._transforms_out):
                    self._node.destroy_publisher(one)

    def status(self) -> Status:
        """Of all voices."""
        with self._guard:
            voices = self._tracker.voices
            problem = self._missing or self._soundless or self._tracker.problem
        level = DiagnosticStatus.WARN if problem else DiagnosticStatus.OK
        values = {
            "tracked": len(voices),
            "speaking": sum(one.speaking for one in voices),
            "matched": sum(bool(one.matches) for one in voices),
        }
        return Status("voices", level, problem or "told", values)

    @property
    def _can_tell(self) -> bool:
        return not self._missing and not self._closed and bool(self._node.context.ok())

    def _tell(self, matches: Sequence[Match]) -> None:
        """Who there is, who speaks, and these matches."""
        voices = {voice.id: voice for voice in self._tracker.voices}
        for identity in voices.keys() - self._topics.keys():
            self._topics[identity] = _VoiceTopics(self._node, identity, not self._soundless)
        if self._told != tuple(voices):
            self._told = tuple(voices)
            now = Header(stamp=self._node.get_clock().now().to_msg())
            self._tracked_out.publish(ids_message(now, voices))
        for gone in self._topics.keys() - voices.keys():
            self._topics.pop(gone).close()
        for identity, voice in voices.items():
            self._topics[identity].tell_speaking(voice.speaking)
        for match in matches:
            self._matches_out.publish(match_message(match.voice, match.kind, match.human, match.likelihood))


class _VoiceTopics:
    """What one voice's topics are told. sound: True if its sound is, too."""

    def __init__(self, node: Any, identity: str, sound: bool) -> None:
        features = message_type(FEATURES_TYPE)
        kinds = {"is_speaking": Bool, "features": features, **({"audio": audio_class(SOUND_TYPE)} if sound else {})}
        self._node = node
        self._out = {
            name: node.create_publisher(kind, f"/humans/voices/{identity}/{name}", QoSProfile(depth=QUEUE_DEPTH))
            for name, kind in kinds.items()
        }
        self._speaking: bool | None = None
        self._end = 0  # ns: of the sound that is told

    def tell_speaking(self, speaking: bool, again: bool = False) -> None:
        """Where it is new, or again."""
        if again or speaking != self._speaking:
            self._speaking = speaking
            self._out["is_speaking"].publish(Bool(data=speaking))

    def tell_sound(self, mono: NDArray[np.float32], end: int, features: VoiceFeatures) -> None:
        """Of a window: its features, and as much of its sound, at SPEECH_RATE_HZ, as has not been told. end: ns."""
        new = end - self._end
        count = len(mono) if new < 0 or new * SPEECH_RATE_HZ > len(mono) * SECOND else new * SPEECH_RATE_HZ // SECOND
        self._end = end
        message = self._out["features"].msg_type(
            zcr=features.zcr,
            rms=features.rms,
            pitch=features.pitch / MAX_PITCH_HZ,  # hri_msgs has it of 500 Hz
            hnr=features.hnr,
            mfcc=list(features.mfcc),
        )
        self._out["features"].publish(message)
        if "audio" in self._out and count:
            self._out["audio"].publish(sound_message(mono[-count:]))

    def close(self) -> None:
        """There are no such topics any more."""
        for one in self._out.values():
            self._node.destroy_publisher(one)
