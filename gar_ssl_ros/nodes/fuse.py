"""What sounds, of several cameras: the answers of their localizers in, one answer out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import NameValidationException
from rclpy.node import Node
from rclpy.qos import QoSProfile

from gar_ssl_ros.errors import UsageError, UserError
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.input_stream import InputStream
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.parameters import FUSE
from gar_ssl_ros.work.fusion import Fusion

GRAPH_POLL_S = 0.5  # s from one look at the graph to the next
ANSWER_TYPE = "gar_ssl_ros/msg/SoundSourceArray"
MAX_CAMERAS = 8
MAX_ANSWER_BYTES = 2**20  # of a message, its reasoning and all
QUEUE_DEPTH = 10  # messages that may wait for their callback


class FuseNode(Node):
    """The node. `close` it before it is destroyed."""

    def __init__(self, name: str = "fuse", **options: Any) -> None:
        """options: as of rclpy's Node. Raises UsageError where topics are too many, or misnamed."""
        super().__init__(name, **options)
        self._chosen = NodeParameters(self, FUSE)
        try:
            self._named = [self.resolve_topic_name(one) for one in self._chosen.values["topics"].split()]
        except NameValidationException as problem:
            raise UsageError(f"topics: {' '.join(str(problem).split())}") from None
        if len(self._named) > MAX_CAMERAS:
            raise UsageError(f"topics names {len(self._named)} localizers: name at most {MAX_CAMERAS}")
        self._fusion = Fusion(self._chosen.values["target_frame"])
        self._cameras: dict[str, _Camera] = {}
        self._sounds = 0  # in the last answer
        self._out = self.create_publisher(SoundSourceArray, "~/sources", QoSProfile(depth=QUEUE_DEPTH))
        self.diagnostics = DiagnosticUpdater(self, self._statuses)
        self.create_timer(GRAPH_POLL_S, self._poll_graph, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> None:
        """Listen to nobody any more."""
        for one in [*self._cameras.values()]:
            one.input.close()

    def _poll_graph(self) -> None:
        """Listen to whoever publishes now. Where no topics are named, who is gone makes room for who is new."""
        there = self._named or self._discovered()
        gone = [topic for topic in self._cameras if topic not in there]
        for topic in there:
            if topic not in self._cameras and len(self._cameras) >= MAX_CAMERAS and gone:
                self._cameras.pop(oldest := gone.pop(0)).input.close()
                self._fusion.forget(oldest)
            if topic not in self._cameras and len(self._cameras) < MAX_CAMERAS:
                self._cameras[topic] = _Camera(topic, self, self._on_answer)
        for one in self._cameras.values():
            one.input.poll_graph()

    def _discovered(self) -> list[str]:
        ours = self._out.topic_name
        return sorted(
            topic
            for topic, kinds in self.get_topic_names_and_types()
            if ANSWER_TYPE in kinds and topic != ours and self.count_publishers(topic)  # others only listen
        )

    def _on_answer(self, camera: _Camera, message: SoundSourceArray) -> None:
        camera.receive(message.header)
        now = monotonic()
        try:
            final = self._fusion.take(camera.name, message, now)
        except UserError as problem:
            camera.monitor.refuse(str(problem))
            return
        camera.use()
        fused = self._fusion.fused(now, self._chosen.values["timeout"]) if final else None
        if fused is not None:
            self._sounds = len(fused.sources)
            self._out.publish(fused)

    def _statuses(self) -> list[Status]:
        cameras = [one.status(self._chosen.values["timeout"]) for one in self._cameras.values()]
        silent = sum(one.level != DiagnosticStatus.OK for one in cameras)
        problem = (
            self._fusion.problem if cameras else "no localizer publishes its sources: start one, or name its topic"
        )
        level = DiagnosticStatus.WARN if problem else DiagnosticStatus.OK
        values = {"cameras": len(cameras), "troubled": silent, "sounds": self._sounds}
        return [*cameras, Status("fuse", level, problem or "fused", values)]


class _Camera(InputStream):
    """One localizer. Its name is its topic."""

    def __init__(self, topic: str, node: FuseNode, take: Callable[[_Camera, SoundSourceArray], None]) -> None:
        super().__init__(topic, node)
        self._refused = 0
        self.input = AdaptiveSubscription(
            node,
            topics=[topic],
            types=[ANSWER_TYPE],
            depth=QUEUE_DEPTH,
            most=MAX_ANSWER_BYTES,
            reliability="auto",
            callback=partial(take, self),
            refuse=self.refuse,
            group=None,
        )

    def status(self, timeout: float) -> Status:
        """WARN where it does not count now, s after which it does not, or part of what it sent cannot be used."""
        came, before, self._refused = self.monitor.statistics, self._refused, self.monitor.statistics.refused
        problem = self.input.problem
        if came.idle is not None and came.idle > timeout:
            problem = f"nothing has come for {came.idle:.0f} s: its sounds count no more"
        elif came.refused > before:
            problem = f"{came.refused - before} left out: {came.problem}"
        level = DiagnosticStatus.WARN if problem else DiagnosticStatus.OK
        idle = "" if came.idle is None else came.idle
        values = {"received": came.received, "refused": came.refused, "idle_s": idle}
        return Status(self.name, level, problem or "comes", values)
