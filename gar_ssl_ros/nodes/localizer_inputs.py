"""What the localizer listens to while it is active, and the windows that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from visualization_msgs.msg import MarkerArray

from gar_ssl_ros.gar.noise_gate import NoiseGateOptions, held
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.media.level import LevelMeter
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import Audio, Frame, Window
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, INFO_TYPES
from gar_ssl_ros.messages.audio.installed import audio_class
from gar_ssl_ros.messages.images import IMAGE_TYPES
from gar_ssl_ros.messages.levels import level_message
from gar_ssl_ros.messages.stamps import MAX_FRAME_ID_CHARACTERS
from gar_ssl_ros.msg import SoundLevel
from gar_ssl_ros.nodes.adaptive_subscription import (
    MAX_CHUNK_BYTES,
    MAX_IMAGE_BYTES,
    MAX_INFO_BYTES,
    AdaptiveSubscription,
)
from gar_ssl_ros.nodes.detector_inputs import DetectorInputs
from gar_ssl_ros.nodes.diagnostics import Status, buffer_values, stream_problem, stream_status
from gar_ssl_ros.nodes.hearing import HearingTopics
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.spatial_inputs import SpatialInputs
from gar_ssl_ros.options import from_values
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.work.complaints import StandingProblems
from gar_ssl_ros.work.schedule import look_ahead
from gar_ssl_ros.work.window_assembler import Cut, WindowAssembler
from gar_ssl_ros.work.worker import Request

# Messages that may wait for their callback: about a second of a usual camera.
IMAGE_DEPTH, CHUNK_DEPTH, INFO_DEPTH = 30, 100, 1
REMEDIES = {
    "image": "start `gar-ssl run camera`, another driver or `gar-ssl run player`, or remap `image` to its topic",
    "audio": "start `gar-ssl run microphone`, or remap `audio` to its topic",
}


class LocalizerInputs:
    """From one activation to the next deactivation. Its callbacks and `poll_graph` are called one at a time."""

    def __init__(
        self,
        node: Any,
        parameters: NodeParameters,
        offer: Callable[[Callable[[], Request]], None],
        prepare: Callable[[Callable[[], Window | None]], bool],
        publish_level: Callable[[SoundLevel], None],
        group: Any,
        seen: Callable[[Frame], None] = lambda _: None,
        publish_markers: Callable[[MarkerArray], None] = lambda _: None,
    ) -> None:
        """offer: given, as often as a window is due, what makes the request of the newest one. prepare: given, in
        between, what has come of the next one; True if somebody looks at it. publish_level: given the sound's level, as
        often as it is measured. seen: given each image that can be used. publish_markers: given those of directions.
        """
        self._node = node
        self._parameters = parameters
        self._offer = offer
        self._prepare = prepare
        self._looked: tuple[int, int] | None = None  # when the window that was looked at is due, and which look it was
        self._publish_level = publish_level
        self._meter = LevelMeter()
        self._retired = False
        log = NodeLog(node)
        self._assembler = WindowAssembler(self._windows(), log.warning, self._measure, seen)
        self._seen = (self._assembler.images.statistics, self._assembler.sound.statistics)
        image = node.resolve_topic_name("image")
        compressed = f"{image.removesuffix('/compressed')}/compressed"  # beside it, or it itself
        images = (image, node.resolve_topic_name("image/compressed"), compressed)
        audio, info = node.resolve_topic_name("audio"), node.resolve_topic_name("audio_info")
        reliability = str(parameters.values["reliability"])
        assembler = self._assembler
        make = partial(AdaptiveSubscription, node, group=group)
        self._image_input = make(
            images,
            IMAGE_TYPES,
            IMAGE_DEPTH,
            MAX_IMAGE_BYTES,
            reliability,
            self._on_image,
            assembler.refuse_image,
            remedy=REMEDIES["image"],
        )
        self._audio_input = make(
            [audio],
            [*AUDIO_TYPES],
            CHUNK_DEPTH,
            MAX_CHUNK_BYTES,
            reliability,
            self._on_audio,
            assembler.refuse_audio,
            load=audio_class,
            remedy=REMEDIES["audio"],
        )
        self._info_input = make(
            [info],
            [*INFO_TYPES],
            INFO_DEPTH,
            MAX_INFO_BYTES,
            "auto",
            assembler.take_info,
            assembler.refuse_audio,
            latched=True,  # audio_capture keeps it for late comers, and repeats it every 5 s only
        )
        self._detectors = DetectorInputs(
            node,
            assembler,
            bool(parameters.values["detections"]),
            bool(parameters.values["humans"]),
            bool(parameters.values["voices"]),
            reliability,
            group,
        )
        spatial = from_values(SpatialOptions, parameters.values)
        hears = any(parameters.values[name] for name in ("array", "array_positions", "device_directions"))
        by_tf = hears and not parameters.values["array_to_camera"]
        self._spatial = SpatialInputs(node, spatial, self._windows(), images, reliability, group, by_tf)
        self.hearing = HearingTopics(node, parameters, assembler.audio, self._spatial.lookup, publish_markers, group)
        self._problems = StandingProblems(log.warning, log.info)

    def poll_graph(self) -> None:
        """Listen to whoever publishes now."""
        for one in (self._image_input, self._audio_input):
            if one.poll_graph() and one.offer is not None:
                self._node.get_logger().info(f"listening to {one.offer.told}")
        if self._described_apart:
            self._info_input.poll_graph()
        self._detectors.poll_graph()
        self._spatial.poll_graph()
        self.hearing.poll_graph()
        self._tell_problems()
        if self._windows() != self._assembler.windows:
            self._assembler.begin(self._windows())
            self._spatial.keep(self._windows())

    def _tell_problems(self) -> None:
        """Say in the log what is wrong, when it begins and when it is over."""
        problems = {
            "image": stream_problem(self._assembler.images.statistics, self._image_input),
            "audio": stream_problem(self._assembler.sound.statistics, self._audio_input) or self._meter.problem,
            "audio_info": self._info_input.problem if self._described_apart else "",
            **self._detectors.problems,
            **self._spatial.problems,
            **self.hearing.problems,
        }
        for name, problem in problems.items():
            self._problems.look(name, problem)

    @property
    def _described_apart(self) -> bool:
        """True if the sound's messages do not describe themselves."""
        heard = self._audio_input.offer
        return heard is not None and AUDIO_TYPES[heard.type].info is not None

    def retire(self) -> None:
        """Offer nothing more. From any thread."""
        self._retired = True
        self.hearing.retire()

    def close(self) -> None:
        """Listen no more; from a callback of the same group, so that none of them is at work."""
        self._retired = True
        for one in (
            self._image_input,
            self._audio_input,
            self._info_input,
            self._detectors,
            self._spatial,
            self.hearing,
        ):
            one.close()

    def newest(self, ago: int = 0, since: int | None = None) -> Cut | None:
        """As of WindowAssembler. From any thread."""
        return self._assembler.newest(ago, since)

    @property
    def end(self) -> int | None:
        """Where a window up to now ends, ns; None where there is no image. From any thread."""
        return self._assembler.end

    @property
    def window_ns(self) -> int:
        """How long a window is."""
        return self._assembler.windows.length_ns

    def options(self, sources: int = 0) -> GarOptions:
        """As the parameters say, but for so many sources, unless that is 0. Raises OptionError."""
        return from_values(GarOptions, {**self._parameters.values, **({"sources": sources} if sources else {})})

    def request(self, cut: Cut, asked: float | None = None, sources: int = 0) -> Request:
        """What the worker is asked about a window. sources: as of `options`.

        asked: as of Request; then the noise gate holds nothing back.
        """
        chosen, offer = self._parameters.values, self._image_input.offer
        view = self._spatial.view(cut.window.center, "" if offer is None else offer.topic)
        window = replace(cut.window, calibrated=view.camera is not None)
        request = Request(window, self.options(sources), chosen["deadline"], cut.refusal, asked, view)
        if not cut.refusal and asked is None:
            request = replace(request, held=held(cut.window.audio, from_values(NoiseGateOptions, chosen)))
        if cut.refusal or request.held:
            return request
        return replace(request, window=self.hearing.hear(window, view))

    @property
    def humans(self) -> dict[str, tuple[str, ...]]:
        """The ids of faces and bodies that are tracked, by what their sightings are called. From any thread."""
        return self._detectors.humans

    @property
    def left_out(self) -> int:
        """Messages that came and are in no window."""
        return self._assembler.left_out

    def statuses(self, seconds: float) -> list[Status]:
        """Of all streams, since they were last told, so many seconds ago."""
        images, sound = self._assembler.images.statistics, self._assembler.sound.statistics
        before_images, before_sound = self._seen
        self._seen = (images, sound)
        frame = self._assembler.frame
        size = "" if frame is None else f"{frame.width}x{frame.height}"
        more = {"size": size, **buffer_values(self._assembler.counts)}
        return [
            stream_status("image", images, before_images, seconds, self._image_input, more),
            stream_status(
                "audio",
                sound,
                before_sound,
                seconds,
                self._audio_input,
                {"samples": sound.samples, "audio_info": self._assembler.described, **self._meter.values},
                self._meter.problem,
            ),
            *self._detectors.statuses(seconds),
            *self._spatial.statuses(seconds),
            *self.hearing.statuses(seconds),
        ]

    def _windows(self) -> WindowOptions:
        return from_values(WindowOptions, self._parameters.values)

    def _on_image(self, message: Any) -> None:
        cut = self._assembler.take_image(message, self._now())
        self._due(cut)
        if cut is None:
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Have what has come of the next window looked at, where it is time for that."""
        if self._retired or (coming := self._assembler.left) is None:
            return
        due, left = coming
        look = look_ahead(left)
        if look is not None and self._looked != (due, look) and self._prepare(self._assembler.coming):
            self._looked = (due, look)

    def _on_audio(self, message: Any) -> None:
        self._due(self._assembler.take_audio(message, self._now()))

    def _measure(self, audio: Audio, frame_id: str) -> None:
        self.hearing.take(audio, frame_id[:MAX_FRAME_ID_CHARACTERS])
        level = self._meter.add(audio)
        if level is not None and not self._retired:
            self._publish_level(level_message(level, frame_id[:MAX_FRAME_ID_CHARACTERS]))

    def _due(self, cut: Cut | None) -> None:
        if cut is not None and not self._retired:
            self._offer(lambda: self.request(self._assembler.renewed(cut)))

    def _now(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
