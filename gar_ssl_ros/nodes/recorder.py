"""The recorder: topics of the graph into a new rosbag2 as they come, and what makes the sound onto the console."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from gar_ssl_ros.bags.pieces import PieceWriter
from gar_ssl_ros.bags.rosbag import BagError, qos
from gar_ssl_ros.bags.topics import CAMERA_INFO_TYPE
from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.messages.answers import answer_in_words
from gar_ssl_ros.messages.audio.families import INFO_TYPES
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.parameters import RECORDER
from gar_ssl_ros.work.complaints import Complaints

GRAPH_POLL_S = 0.1  # from one look at the graph to the next
ANSWER_TYPE = "gar_ssl_ros/msg/SoundSourceArray"
QUEUE_DEPTH = 200  # messages that may wait for the disk


class RecorderNode(Node):
    """The node. `close` it before it is destroyed: the bag is whole from then on."""

    def __init__(self, name: str = "recorder", **options: Any) -> None:
        """options: as of rclpy's Node. Raises BagError where the bag cannot be made, UsageError where none is named."""
        super().__init__(name, **options)
        chosen = NodeParameters(self, RECORDER).values
        if not (chosen["bag"] and chosen["topics"].split()):
            raise UsageError("name the bag and its topics: --ros-args -p bag:=FOLDER -p topics:='image audio'")
        self._wanted = [self.resolve_topic_name(topic) for topic in chosen["topics"].split()]
        self._complaints = Complaints(NodeLog(self).warning)
        path = Path(chosen["bag"]).expanduser()
        self._writer = PieceWriter(path, chosen["piece"], chosen["keep"], self._complaints.tell)
        self._messages = 0
        self.broken = ""  # why it had to end early
        self.ended = Event()
        self.diagnostics = DiagnosticUpdater(self, self._statuses)
        self.create_timer(GRAPH_POLL_S, self._poll_graph, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> None:
        """Write what is left. Raises BagError where that fails."""
        self._wanted.clear()
        self._writer.close()

    def _poll_graph(self) -> None:
        """Listen to what is published by now, as it is offered."""
        for topic in list(self._wanted):
            try:
                self._listen(topic)
            except Exception as problem:  # the other topics are recorded all the same
                self.diagnostics.failed(problem)

    def _listen(self, topic: str) -> None:
        offers = self.get_publishers_info_by_topic(topic)
        kind = self._usable(topic, [offer.topic_type for offer in offers])
        if kind is None:
            return
        reliable = all(offer.qos_profile.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
        latched = all(offer.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
        wanted = QoSProfile(
            depth=QUEUE_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        repeated = latched or kind == CAMERA_INFO_TYPE or kind in INFO_TYPES
        self._writer.add_topic(topic, kind, qos(QUEUE_DEPTH, reliable, latched), repeated)
        self.create_subscription(message_type(kind), topic, partial(self._keep, topic, kind), wanted, raw=True)
        self._wanted.remove(topic)
        print(f"recording {topic} ({kind})", flush=True)

    def _usable(self, topic: str, kinds: list[str]) -> str | None:
        """The first type of which there are messages here."""
        for kind in kinds:
            try:
                message_type(kind)
            except LookupError as problem:
                self._complaints.tell(f"{topic}: {problem}")
            else:
                return kind
        return None

    def _keep(self, topic: str, kind: str, data: bytes) -> None:
        try:
            self._writer.write(topic, self.get_clock().now().nanoseconds, bytes(data))
        except BagError as problem:  # no message's fault, and nothing is recorded any more
            self.broken = str(problem)
            self.ended.set()
            return
        self._messages += 1
        if kind == ANSWER_TYPE:
            message = deserialize_message(bytes(data), SoundSourceArray)
            if message.stage == SoundSourceArray.FINAL:
                print(answer_in_words(message), flush=True)

    def _statuses(self) -> list[Status]:
        level = DiagnosticStatus.ERROR if self.broken else DiagnosticStatus.OK
        written = self._writer
        values = {
            "messages": self._messages,
            "bytes": written.size,
            "pieces": written.pieces,
            "seconds": written.seconds,
        }
        return [Status("recorder", level, self.broken or "recording", values)]
