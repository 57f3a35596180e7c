"""The robot's own eyes: what is listened to of its detectors, where its user wants that, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from diagnostic_msgs.msg import DiagnosticStatus

from gar_ssl_ros.media.window import Detections
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.messages.sightings import SightingError, detections_from_array, detections_from_region, ids_from_list
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.input_stream import InputStream
from gar_ssl_ros.work.window_assembler import WindowAssembler

DETECTIONS_TYPE = "vision_msgs/msg/Detection2DArray"
IDS_TYPE, REGION_TYPE = "hri_msgs/msg/IdsList", "hri_msgs/msg/NormalizedRegionOfInterest2D"
KINDS = {"faces": "face", "bodies": "person"}  # of ROS4HRI's humans, and what a detector would call one
MAX_NEW_AT_A_POLL = 4  # new faces, or bodies, whose publisher is looked for: that takes about a millisecond each
QUEUE_DEPTH = 10  # messages that may wait for their callback
# Bytes of a message: some 1000 detections of one hypothesis each, 1000 ids, a frame_id and five numbers.
DETECTIONS_BYTES, IDS_BYTES, REGION_BYTES = 2**19, 2**15, 2**12

Listen: TypeAlias = Callable[..., AdaptiveSubscription]


class DetectorInputs:
    """From one activation to the next deactivation. Its callbacks and `poll_graph` are called one at a time."""

    def __init__(
        self,
        node: Any,
        assembler: WindowAssembler,
        detections: bool,
        humans: bool,
        voices: bool,
        reliability: str,
        group: Any,
    ) -> None:
        """assembler: given what is seen. The rest are the parameters of these names.

        Voices are matched with faces and bodies where there are any; only `humans` asks for them.
        """
        listen = partial(AdaptiveSubscription, node, depth=QUEUE_DEPTH, reliability=reliability, group=group)
        self._streams: list[_Detector | _Humans] = []
        self._missing = ""
        if detections:
            self._streams.append(_Detector(node, assembler, listen))
        if humans or voices:
            try:
                message_type(IDS_TYPE)
            except LookupError as problem:
                if humans:  # of voices it is told already
                    self._missing = f"faces and bodies are not listened to: {problem}"
                    node.get_logger().warning(self._missing)
            else:
                self._streams += [_Humans(kind, node, assembler, listen, optional=not humans) for kind in KINDS]

    def poll_graph(self) -> None:
        """Listen to whoever publishes now."""
        for one in self._streams:
            one.poll_graph()

    @property
    def humans(self) -> dict[str, tuple[str, ...]]:
        """The ids that are tracked, by what their sightings are called; empty where they are not listened to."""
        return {one.label: one.ids for one in self._streams if isinstance(one, _Humans)}

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each stream that was asked for; empty where nothing is."""
        return {one.name: one.input.problem for one in self._streams if not one.optional}

    def close(self) -> None:
        """Listen no more."""
        for one in self._streams:
            one.close()

    def statuses(self, seconds: float) -> list[Status]:
        """Of each stream, since they were last told, so many seconds ago: WARN at worst, since the node needs none."""
        told = [one.status(seconds) for one in self._streams if not one.silent]
        return [*told, Status("humans", DiagnosticStatus.WARN, self._missing, {})] if self._missing else told


class _Detector(InputStream):
    """Whoever publishes a Detection2DArray on `detections_in`."""

    def __init__(self, node: Any, assembler: WindowAssembler, listen: Listen) -> None:
        super().__init__("detections", node)
        self._assembler = assembler
        self._topic = node.resolve_topic_name("detections_in")
        self.input = listen(
            topics=[self._topic],
            types=[DETECTIONS_TYPE],
            most=DETECTIONS_BYTES,
            callback=self._on_array,
            refuse=self.refuse,
        )

    def poll_graph(self) -> None:
        self.input.poll_graph()

    def close(self) -> None:
        self.input.close()

    def status(self, seconds: float) -> Status:
        return self.statistics(seconds, self.input, {})

    def _on_array(self, message: Any) -> None:
        self.receive(message.header)
        try:
            seen, problem = detections_from_array(message, self._topic, self._assembler.frame, self.now())
        except SightingError as refusal:
            self.monitor.refuse(str(refusal))
            return
        self._assembler.take_detections(seen)
        self.use(problem)


class _Humans(InputStream):
    """ROS4HRI's faces or bodies: a list of those that are tracked, and a topic for each."""

    def __init__(
        self, kind: str, node: Any, assembler: WindowAssembler, listen: Listen, optional: bool = False
    ) -> None:
        super().__init__(kind, node, optional)
        self._assembler = assembler
        self.label = KINDS[kind]
        self._listen = listen
        self.ids: tuple[str, ...] = ()
        self._regions: dict[str, AdaptiveSubscription] = {}
        self.input = listen(
            topics=[f"/humans/{kind}/tracked"],
            types=[IDS_TYPE],
            most=IDS_BYTES,
            callback=self._on_ids,
            refuse=self.refuse,
        )

    def poll_graph(self) -> None:
        """Also at who has come and gone: not in a callback, so that no list makes more work than a look does."""
        self.input.poll_graph()
        for gone in self._regions.keys() - set(self.ids):
            self._regions.pop(gone).close()
        for identity in self.ids:
            if identity not in self._regions:
                self._regions[identity] = self._listen(
                    topics=[self._topic(identity)],
                    types=[REGION_TYPE],
                    most=REGION_BYTES,
                    callback=partial(self._on_region, identity),
                    refuse=self.refuse,
                )
        for identity in [name for name, one in self._regions.items() if one.offer is None][:MAX_NEW_AT_A_POLL]:
            self._regions[identity] = region = self._regions.pop(identity)  # to the end: each has its turn
            region.poll_graph()

    def close(self) -> None:
        for one in (self.input, *self._regions.values()):
            one.close()

    def status(self, seconds: float) -> Status:
        heard = sum(one.offer is not None for one in self._regions.values())
        return self.statistics(seconds, self.input, {"tracked": len(self.ids), "heard": heard})

    def _topic(self, identity: str) -> str:
        return f"/humans/{self.name}/{identity}/roi"

    def _on_ids(self, message: Any) -> None:
        stamp = self.receive(message.header)
        ids, problem = ids_from_list(message)
        for gone in set(self.ids) - set(ids):
            self._assembler.take_detections(Detections(stamp, self._topic(gone)))
        self.ids = ids
        self.use(problem)

    def _on_region(self, identity: str, message: Any) -> None:
        self.receive(message.header)
        try:
            seen = detections_from_region(
                message, self._topic(identity), self.label, identity, self._assembler.frame, self.now()
            )
        except SightingError as refusal:
            self.monitor.refuse(str(refusal))
            return
        self._assembler.take_detections(seen)
