"""The answers of several localizers to one: what sounds, wherever it is seen. No rclpy, no clock."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from geometry_msgs.msg import Point
from std_msgs.msg import Header

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.messages.answers import OUTCOMES
from gar_ssl_ros.messages.stamps import checked_ns, ns_of
from gar_ssl_ros.msg import SoundSource, SoundSourceArray
from gar_ssl_ros.spatial.fusion import FusedIds, SeenSource, same_sounds
from gar_ssl_ros.spatial.view import UNKNOWN

MAX_SOURCES = 16  # of one answer, the surest, as a localizer's parameter `sources` has it
MAX_FRAMES = 2**32 - 1  # that the message holds
MAX_DETAIL_CHARACTERS = 200  # of one camera's
# What is said of all cameras, the first that one of them says. OFF_SCREEN takes that no camera failed.
STRONGEST_FIRST = (
    Outcome.LOCALIZED,
    Outcome.UNCERTAIN,
    Outcome.OFF_SCREEN,
    Outcome.SILENT,
    Outcome.TIMEOUT,
    Outcome.UNPARSEABLE,
    Outcome.BACKEND_ERROR,
)


class FusionError(UserError):
    """An answer that is no localizer's: one sentence that says why."""


@dataclass(frozen=True)
class _Answer:
    """The newest one of a camera. came: s, by a steady clock."""

    message: SoundSourceArray
    came: float
    outcome: Outcome


class Fusion:
    """Keeps the newest final answer of each camera, and makes one of those that are not too old. Not thread-safe."""

    def __init__(self, target_frame: str) -> None:
        """target_frame: in which places are compared; that of most cameras where empty."""
        self.problem = ""  # of the last that was fused: whose places cannot be compared, a sentence
        self._target_frame = target_frame
        self._answers: dict[str, _Answer] = {}
        self._ids = FusedIds()

    def take(self, camera: str, message: SoundSourceArray, now: float) -> bool:
        """One has come; False where it changes nothing, as it is not final. camera: its topic. now: s, steady.

        Raises FusionError or StampError where it cannot be used.
        """
        if message.stage != SoundSourceArray.FINAL:
            return False
        if message.outcome not in OUTCOMES:
            raise FusionError(f"its outcome {message.outcome} is none: have it sent by a localizer of this release")
        if not message.image_width:
            raise FusionError("it is of no image, so of no localizer: leave out what a fuse node publishes")
        for time in (message.header.stamp, message.window_start, message.window_end):
            checked_ns(time)
        self._answers[camera] = _Answer(message, now, OUTCOMES[message.outcome])
        return True

    def forget(self, camera: str) -> None:
        """It is listened to no more."""
        self._answers.pop(camera, None)

    def fused(self, now: float, timeout: float) -> SoundSourceArray | None:
        """What sounds, of all cameras; None where no answer is younger than `timeout`, s. now: s, steady."""
        fresh = {camera: one for camera, one in sorted(self._answers.items()) if now - one.came <= timeout}
        if not fresh:
            return None
        frames = Counter(one.message.target_frame for one in fresh.values() if one.message.target_frame)
        frame = self._target_frame or min(frames, key=lambda name: (-frames[name], name), default="")
        odd = [camera for camera, one in fresh.items() if not frame or one.message.target_frame != frame]
        self.problem = ""
        if odd and len(fresh) > 1:
            told = f"{odd[0]} tells no places in {shortened(repr(frame))}" if frame else "no camera tells places"
            self.problem = f"{told}: its sounds are compared by name only; set the localizers' target_frame alike"
        seen = {
            (camera, source.id): source for camera, one in fresh.items() for source in one.message.sources[:MAX_SOURCES]
        }
        sounds = same_sounds([_seen(camera, source, fresh[camera], frame) for (camera, _), source in seen.items()])
        stamp = max((one.message.header.stamp for one in fresh.values()), key=ns_of)
        sources = []
        for identity, sound in zip(self._ids.follow(sounds, ns_of(stamp)), sounds, strict=True):
            best = sound[0]
            source = deepcopy(seen[best.camera, best.identity])
            source.id, source.seen_by = identity, [one.camera for one in sound]
            source.camera_frame = fresh[best.camera].message.header.frame_id
            x, y, z = next((one.position for one in sound if one.has_position), UNKNOWN)
            source.target_position = Point(x=x, y=y, z=z)
            sources.append(source)
        return _message(list(fresh.items()), Header(stamp=stamp, frame_id=frame), sources)


def _message(answers: Sequence[tuple[str, _Answer]], header: Header, sources: list[SoundSource]) -> SoundSourceArray:
    outcomes = {one.outcome for _, one in answers}
    outcome = next(one for one in STRONGEST_FIRST if one in outcomes)
    if outcome is Outcome.OFF_SCREEN and any(one.failed for one in outcomes):
        outcome = Outcome.UNCERTAIN
    messages = [one.message for _, one in answers]
    loudest = max(messages, key=lambda one: one.audio_confidence)
    details = [f"{camera}: {shortened(one.message.detail, MAX_DETAIL_CHARACTERS)}" for camera, one in answers]
    return SoundSourceArray(
        header=header,
        target_frame=header.frame_id,
        target_camera=Point(**dict.fromkeys("xyz", math.nan)),
        outcome=getattr(SoundSourceArray, outcome.name),
        stage=SoundSourceArray.FINAL,
        detail="; ".join(told for told, (_, one) in zip(details, answers, strict=True) if one.message.detail),
        label=loudest.label,
        audio_confidence=loudest.audio_confidence,
        sources=sources if outcome is Outcome.LOCALIZED else [],
        window_start=min((one.window_start for one in messages), key=ns_of),
        window_end=max((one.window_end for one in messages), key=ns_of),
        frames=min(sum(one.frames for one in messages), MAX_FRAMES),
        frame_gap=max(one.frame_gap for one in messages),
        audio_gap=max(one.audio_gap for one in messages),
        reasoner=", ".join(dict.fromkeys(one.reasoner for one in messages)),
        model=", ".join(dict.fromkeys(one.model for one in messages if one.model)),
        fallback=any(one.fallback for one in messages),
        latency=max(one.latency for one in messages),
        inference=max(one.inference for one in messages),
    )


def _seen(camera: str, source: SoundSource, answer: _Answer, frame: str) -> SeenSource:
    """frame: of what is compared; where the answer's is another, nothing is known of its place."""
    begin, end = ns_of(answer.message.window_start), ns_of(answer.message.window_end)
    told = camera, source.id, source.label, source.av_consistency, begin, end
    if not frame or answer.message.target_frame != frame:
        return SeenSource(*told)
    camera_at, place = answer.message.target_camera, source.target_position
    return SeenSource(
        *told,
        (camera_at.x, camera_at.y, camera_at.z),
        source.target_bearing,
        source.target_elevation,
        (place.x, place.y, place.z),
    )
