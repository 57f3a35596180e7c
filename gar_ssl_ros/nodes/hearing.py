"""From where sound comes, on the graph: what a microphone array hears, or a device tells, and where that is in view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.media.window import Audio, Window
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.messages.device_directions import DIRECTION_TYPES, DeviceDirectionError, directions_from_message
from gar_ssl_ros.messages.direction_markers import direction_markers
from gar_ssl_ros.messages.directions import direction_frame, directions_message, pose_message
from gar_ssl_ros.msg import SoundDirectionArray, SoundSourceArray
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.nodes.beam import Beam
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.input_stream import InputStream
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.options import from_values
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.hearing.catalog import array_of
from gar_ssl_ros.spatial.hearing.channels import own_sound
from gar_ssl_ros.spatial.hearing.mounting import camera_in_array
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.sight import COLUMNS, ROWS, Sight
from gar_ssl_ros.spatial.transforms import Transform, TransformError
from gar_ssl_ros.spatial.view import View
from gar_ssl_ros.work.complaints import Complaints
from gar_ssl_ros.work.hearing import ArrayHearing, DeviceHearing, Heard, Hearing

QUEUE_DEPTH, TRANSFORMS_DEPTH = 10, 100  # messages that may wait for their subscriber; as tf2's
MAX_MESSAGE_BYTES = 2**16  # of a device's directions

Lookup = Callable[[str, str, int], Transform]


class HearingTopics:
    """From one activation to the next deactivation. Nothing is there where neither an array nor a device is named."""

    def __init__(
        self,
        node: Any,
        parameters: NodeParameters,
        sound: Callable[[int, int], Audio | None],
        lookup: Lookup,
        publish_markers: Callable[[MarkerArray], None],
        group: Any,
    ) -> None:
        """sound: of an interval, as of WindowBuffer. lookup: what takes points of one frame to another at a time."""
        self._node, self._lookup, self._publish_markers = node, lookup, publish_markers
        self._options = options = from_values(HearingOptions, parameters.values)
        self._complaints = Complaints(NodeLog(node).error)
        self._wrong = ""  # with the parameters
        self._unplaced = ""  # why directions are not placed in the newest window's picture
        self._camera_frame = ""  # of the newest window
        self._sources: dict[int, int] = {}  # ids of the newest answer's sources, by those of directions
        self._sight: Sight | None = None
        self._hearing: Hearing | None = None
        self._device: _Device | None = None
        self._beam: Beam | None = None
        self._publishers: list[Any] = []
        try:
            self._mounted = camera_in_array(options.array_to_camera) if options.array_to_camera.strip() else None
            array = array_of(options)
        except UserError as problem:
            self._wrong = f"no directions are told: {problem}"
            self._complaints.tell(f"hearing: {self._wrong}")
            return
        device = bool(parameters.values["device_directions"])
        if array is None and not device:
            return
        self._name = "" if device or array is None else array.name
        self._directions_out = self._publisher(SoundDirectionArray, "~/directions")
        self._pose_out = self._publisher(PoseStamped, "~/sound_localization")
        frames = bool(parameters.values["direction_frames"])
        self._frames_out = self._publisher(TFMessage, "/tf", TRANSFORMS_DEPTH) if frames else None
        if device or array is None:
            self._hearing = heard = DeviceHearing(options.array_directions, self._tell)
            self._device = _Device(node, heard, str(parameters.values["reliability"]), group)
        else:
            self._beam = Beam(node, array, options.array_frame, lambda: str(parameters.values["beam"]))
            self._hearing = ArrayHearing(
                array, options, sound, self._tell, lambda told: NodeLog(node).warning(f"hearing: {told}")
            )

    def take(self, audio: Audio, frame_id: str) -> None:
        """Sound has come."""
        if isinstance(self._hearing, ArrayHearing):
            self._hearing.take(audio, frame_id)

    def poll_graph(self) -> None:
        """Listen to whoever publishes now."""
        if self._device is not None:
            self._device.input.poll_graph()

    def answered(self, answer: SoundSourceArray) -> None:
        """An answer has been published: whose the directions are."""
        if answer.stage == SoundSourceArray.FINAL:
            self._sources = {one.direction_id: one.id for one in answer.sources if one.direction_id}

    def hear(self, window: Window, view: View) -> Window:
        """A window with the array's sound alone, and its directions beside its picture, where they can be placed there.

        From any thread. view: of its center frame.
        """
        if self._hearing is None:
            return window
        self._camera_frame = window.center.frame_id.lstrip("/")
        try:
            directions = self._hearing.of_window(window)
            if window.audio is not None and isinstance(self._hearing, ArrayHearing):
                window = replace(window, audio=own_sound(window.audio, self._hearing.array))
            if directions is not None:
                window = replace(window, heard=self._sight_of(view, window).heard(directions, self._options.gate))
            self._unplaced = ""
        except Exception as problem:  # the window is answered without
            self._unplaced = f"what is heard is not placed in the picture: {sentence(problem)}"
        return window

    def retire(self) -> None:
        """Tell nothing more. From any thread but the hearing's own."""
        if self._hearing is not None:
            self._hearing.close()
        if self._beam is not None:
            self._beam.close()
        for one in self._publishers:
            self._node.destroy_publisher(one)
        self._publishers.clear()

    def close(self) -> None:
        """Listen to no device; from a callback of the same group."""
        if self._device is not None:
            self._device.input.close()

    @property
    def problem(self) -> str:
        """What is wrong, a sentence; empty where nothing is."""
        if self._wrong or self._hearing is None:
            return self._wrong
        return self._hearing.problem or self._unplaced or ("" if self._beam is None else self._beam.problem)

    @property
    def problems(self) -> dict[str, str]:
        """The same for the log, and of the device's stream."""
        return {
            "hearing": self.problem,
            **({} if self._device is None else {"directions_in": self._device.input.problem}),
        }

    def statuses(self, seconds: float) -> list[Status]:
        """Of what is heard, and of a device's stream, since they were told last, so many seconds ago."""
        if self._hearing is None:
            return [Status("hearing", DiagnosticStatus.ERROR, self._wrong, {})] if self._wrong else []
        level = DiagnosticStatus.WARN if self.problem else DiagnosticStatus.OK
        values: dict[str, object] = {
            "array": self._name,
            "frame": self._frame(self._hearing),
            "told": self._hearing.hops,
        }
        if isinstance(self._hearing, ArrayHearing):
            values["skipped"] = self._hearing.skipped
        told = [] if self._device is None else [self._device.statistics(seconds, self._device.input, {})]
        return [*told, Status("hearing", level, self.problem or "listening", values)]

    def _publisher(self, kind: Any, topic: str, depth: int = QUEUE_DEPTH) -> Any:
        self._publishers.append(self._node.create_publisher(kind, topic, QoSProfile(depth=depth)))
        return self._publishers[-1]

    def _frame(self, heard: Hearing | Heard) -> str:
        """The array's."""
        return self._options.array_frame.lstrip("/") or heard.frame_id.lstrip("/")

    def _tell(self, heard: Heard) -> None:
        """On the hearing's thread, or a callback's."""
        try:
            self._publish(heard)
        except Exception:
            if self._node.context.ok():  # else it was told to stop while it published
                raise

    def _publish(self, heard: Heard) -> None:
        frame = self._frame(heard)
        header = Header(stamp=time_message(heard.stamp), frame_id=frame)
        told = directions_message(heard.directions, header, heard.duration, self._name, heard.problem, self._sources)
        self._directions_out.publish(told)
        if heard.directions:
            self._pose_out.publish(pose_message(heard.directions[0], header))
        if heard.directions and self._mounted is not None and self._camera_frame:  # tf need not know the array's
            self._publish_markers(direction_markers(told, self._camera_frame, self._mounted.inverse()))
        elif heard.directions and frame:
            self._publish_markers(direction_markers(told, frame))
        if heard.directions and frame and self._frames_out is not None:
            moved = [direction_frame(one, header) for one in heard.directions]
            self._frames_out.publish(TFMessage(transforms=moved))
        if self._beam is not None and heard.audio is not None:
            self._beam.take(heard, self._sources)

    def _sight_of(self, view: View, window: Window) -> Sight:
        """Raises UserError where the camera is not known, or where it is beside the array."""
        if view.camera is None:
            raise TransformError(view.problem or "directions is off: leave it on, so that the camera is known")
        to_array = self._mounted or self._looked_up(view.camera, window)
        distances = view.distances(ROWS, COLUMNS)
        known = self._sight
        if known is None or distances is not None or (known.camera, known.to_array) != (view.camera, to_array):
            self._sight = known = Sight(view.camera, to_array, distances)
        return known

    def _looked_up(self, camera: Camera, window: Window) -> Transform:
        assert self._hearing is not None
        ours, theirs = window.center.frame_id.lstrip("/") or camera.frame_id, self._frame(self._hearing)
        if not (ours and theirs):
            whose = "the sound" if ours else "the images"
            raise TransformError(f"{whose} have no frame_id: set array_to_camera, or have tf and frame_ids published")
        try:
            return self._lookup(theirs, ours, window.center.stamp)
        except TransformError as problem:
            raise TransformError(f"{problem}, or set array_to_camera") from None


class _Device(InputStream):
    """Whoever tells directions by itself on `directions_in`."""

    def __init__(self, node: Any, hearing: DeviceHearing, reliability: str, group: Any) -> None:
        super().__init__("directions_in", node)
        self._hearing = hearing
        self.input = AdaptiveSubscription(
            node,
            topics=[node.resolve_topic_name("directions_in")],
            types=[*DIRECTION_TYPES],
            depth=QUEUE_DEPTH,
            most=MAX_MESSAGE_BYTES,
            reliability=reliability,
            callback=self._on_message,
            refuse=self.refuse,
            group=group,
            remedy="remap `directions_in` to respeaker_ros's sound_localization or odas_ros's sst",
        )

    def _on_message(self, message: Any) -> None:
        self.receive(message.header)
        offer = self.input.offer
        try:
            directions, stamp, frame_id = directions_from_message(
                "" if offer is None else offer.type, message, self.now()
            )
        except DeviceDirectionError as problem:
            self.monitor.refuse(str(problem))
            return
        self._hearing.take(directions, stamp, frame_id)
        self.use()
