"""The robot's own eyes: what is listened to of its detectors, where its user wants that, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from diagnostic_msgs.msg import DiagnosticStatus

from gar_ssl_ros.media.window import Detections
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.messages.sightings import SightingError, detections_from_array, detections_from_region, ids_from_list
from gar_ssl_ros.messages.stamps import StampError, stamp_of
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.nodes.diagnostics import Status, stream_status
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.work.stream_monitor import StreamMonitor
from gar_ssl_ros.work.window_assembler import WindowAssembler

DETECTIONS_TYPE = "vision_msgs/msg/Detection2DArray"
IDS_TYPE, REGION_TYPE = "hri_msgs/msg/IdsList", "hri_msgs/msg/NormalizedRegionOfInterest2D"
KINDS = {"faces": "face", "bodies": "person"}  # of ROS4HRI's humans, and what a detector would call one
AT_A_LOOK = 4  # new faces, or bodies, whose publisher is looked for: that takes about a millisecond each
WAITING = 10  # messages that may wait for their callback
# Bytes of a message: some 1000 detections of one hypothesis each, 1000 ids, a frame_id and five numbers.
DETECTIONS_BYTES, IDS_BYTES, REGION_BYTES = 2**19, 2**15, 2**12

Listen: TypeAlias = Callable[..., AdaptiveSubscription]


class DetectorInputs:
    """From one activation to the next deactivation. Its callbacks and `poll_graph` are called one at a time."""

    def __init__(
        self, node: Any, assembler: WindowAssembler, detections: bool, humans: bool, reliability: str, group: Any
    ) -> None:
        """assembler: given what is seen. detections, humans, reliability: the parameters of these names."""
        listen = partial(AdaptiveSubscription, node, depth=WAITING, reliability=reliability, group=group)
        self._streams: list[_Detector | _Humans] = []
        self._missing = ""
        if detections:
            self._streams.append(_Detector(node, assembler, listen))
        if humans:
            try:
                message_type(IDS_TYPE)
            except LookupError as problem:
                self._missing = f"faces and bodies are not listened to: {problem}"
                node.get_logger().warning(self._missing)
            else:
                self._streams += [_Humans(kind, node, assembler, listen) for kind in KINDS]

    def poll_graph(self) -> None:
        """Listen to whoever publishes now."""
        for one in self._streams:
            one.poll_graph()

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each stream; empty where nothing is."""
        return {one.name: one.input.problem for one in self._streams}

    def close(self) -> None:
        """Listen no more."""
        for one in self._streams:
            one.close()

    def statuses(self, seconds: float) -> list[Status]:
        """Of each stream, since they were last told, so many seconds ago: WARN at worst, since the node needs none."""
        told = [one.status(seconds) for one in self._streams]
        if self._missing:
            told.append(Status("humans", DiagnosticStatus.WARN, self._missing, {}))
        return [replace(one, level=min(one.level, DiagnosticStatus.WARN)) for one in told]


class _Stream:
    """The messages of one kind, counted."""

    input: AdaptiveSubscription

    def __init__(self, name: str, node: Any, assembler: WindowAssembler) -> None:
        self.name = name
        self._node = node
        self._assembler = assembler
        self._monitor = StreamMonitor(name, NodeLog(node).warning)
        self._before = self._monitor.statistics

    def _told(self, seconds: float, heard: AdaptiveSubscription, more: Mapping[str, object]) -> Status:
        came, before = self._monitor.statistics, self._before
        self._before = came
        return stream_status(self.name, came, before, seconds, heard, more)

    def _receive(self, header: Any) -> int:
        """A message has come; the time that it is about, ns."""
        try:
            stamp = stamp_of(header)
        except StampError:
            self._monitor.receive(None)
            return self._now()
        self._monitor.receive(stamp)
        return stamp or self._now()

    def _refuse(self, problem: str) -> None:
        """A message has come that cannot be read."""
        self._monitor.receive(None)
        self._monitor.refuse(problem)

    def _use(self, problem: str) -> None:
        """What has come could be used, but for that."""
        self._monitor.use()
        if problem:
            self._monitor.refuse(problem, whole=False)

    def _now(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)


class _Detector(_Stream):
    """Whoever publishes a Detection2DArray on `detections_in`."""

    def __init__(self, node: Any, assembler: WindowAssembler, listen: Listen) -> None:
        super().__init__("detections", node, assembler)
        self._topic = node.resolve_topic_name("detections_in")
        self.input = listen(
            topics=[self._topic],
            types=[DETECTIONS_TYPE],
            most=DETECTIONS_BYTES,
            callback=self._on_array,
            refuse=self._refuse,
        )

    def poll_graph(self) -> None:
        self.input.poll_graph()

    def close(self) -> None:
        self.input.close()

    def status(self, seconds: float) -> Status:
        return self._told(seconds, self.input, {})

    def _on_array(self, message: Any) -> None:
        self._receive(message.header)
        try:
            seen, problem = detections_from_array(message, self._topic, self._assembler.frame, self._now())
        except SightingError as refusal:
            self._monitor.refuse(str(refusal))
            return
        self._assembler.take_detections(seen)
        self._use(problem)


class _Humans(_Stream):
    """ROS4HRI's faces or bodies: a list of those that are tracked, and a topic for each."""

    def __init__(self, kind: str, node: Any, assembler: WindowAssembler, listen: Listen) -> None:
        super().__init__(kind, node, assembler)
        self._label = KINDS[kind]
        self._listen = listen
        self._ids: tuple[str, ...] = ()
        self._regions: dict[str, AdaptiveSubscription] = {}
        self.input = listen(
            topics=[f"/humans/{kind}/tracked"],
            types=[IDS_TYPE],
            most=IDS_BYTES,
            callback=self._on_ids,
            refuse=self._refuse,
        )

    def poll_graph(self) -> None:
        """Also at who has come and gone: not in a callback, so that no list makes more work than a look does."""
        self.input.poll_graph()
        for gone in self._regions.keys() - set(self._ids):
            self._regions.pop(gone).close()
        for identity in self._ids:
            if identity not in self._regions:
                self._regions[identity] = self._listen(
                    topics=[self._topic(identity)],
                    types=[REGION_TYPE],
                    most=REGION_BYTES,
                    callback=partial(self._on_region, identity),
                    refuse=self._refuse,
                )
        for identity in [name for name, one in self._regions.items() if one.offer is None][:AT_A_LOOK]:
            self._regions[identity] = region = self._regions.pop(identity)  # to the end: each has its turn
            region.poll_graph()

    def close(self) -> None:
        for one in (self.input, *self._regions.values()):
            one.close()

    def status(self, seconds: float) -> Status:
        heard = sum(one.offer is not None for one in self._regions.values())
        return self._told(seconds, self.input, {"tracked": len(self._ids), "heard": heard})

    def _topic(self, identity: str) -> str:
        return f"/humans/{self.name}/{identity}/roi"

    def _on_ids(self, message: Any) -> None:
        stamp = self._receive(message.header)
        ids, problem = ids_from_list(message)
        for gone in set(self._ids) - set(ids):
            self._assembler.take_detections(Detections(stamp, self._topic(gone)))
        self._ids = ids
        self._use(problem)

    def _on_region(self, identity: str, message: Any) -> None:
        self._receive(message.header)
        try:
            seen = detections_from_region(
                message, self._topic(identity), self._label, identity, self._assembler.frame, self._now()
            )
        except SightingError as refusal:
            self._monitor.refuse(str(refusal))
            return
        self._assembler.take_detections(seen)
