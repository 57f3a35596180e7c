"""A node's part of /diagnostics, and what holds of every node: what its callbacks raised, and who has its name."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile

from gar_ssl_ros.errors import place, sentence, shortened
from gar_ssl_ros.nodes.diagnostics import Status, diagnostics
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.work.complaints import REPEAT_AFTER_S, Complaints

PERIOD_S = 1.0  # s
MAX_PROBLEM_CHARACTERS = 300  # characters of what a callback raised


class DiagnosticUpdater:
    """Publishes a node's statuses until the node is destroyed. Thread-safe."""

    def __init__(self, node: Any, statuses: Callable[[], list[Status]], group: Any = None) -> None:
        """statuses: the node's own, asked for each time. group: the callback group of the timer."""
        self._node = node
        self._statuses = statuses
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", QoSProfile(depth=10))
        self._complaints = Complaints(NodeLog(node).error)
        self._guard = Lock()
        self._raised = 0
        self._newest = (-REPEAT_AFTER_S, "")  # monotonic s of what was raised last, and what it was
        self._namesakes = 0
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # goes on while simulated time is paused
        node.create_timer(PERIOD_S, self.publish, callback_group=group, clock=steady)

    @property
    def raised(self) -> int:
        """How often a callback raised something."""
        return self._raised

    def failed(self, problem: Exception) -> None:
        """A callback raised this: count it, tell it, go on."""
        told = shortened(f"{sentence(problem)} ({place(problem)})", MAX_PROBLEM_CHARACTERS)
        with self._guard:
            self._raised += 1
            self._newest = (monotonic(), told)
            self._complaints.tell(f"a callback failed, and the node goes on: {told}")

    def publish(self) -> None:
        """Publish them now."""
        if not self._node.context.ok():
            return
        try:
            statuses = self._statuses()
        except Exception as problem:  # the others are told all the same
            self.failed(problem)
            statuses = []
        self._publisher.publish(diagnostics(self._node, [*statuses, self._own_status()]))

    def _own_status(self) -> Status:
        self._look_for_namesakes()
        at, told = self._newest
        if monotonic() - at < REPEAT_AFTER_S:
            level, message = DiagnosticStatus.ERROR, f"a callback failed: {told}"
        elif self._namesakes:
            level, message = DiagnosticStatus.WARN, self._namesakes_told()
        else:
            level, message = DiagnosticStatus.OK, ""
        values = {"callback_errors": self._raised, "last_error": told, "namesakes": self._namesakes}
        return Status("node", level, message, values)

    def _look_for_namesakes(self) -> None:
        own = (self._node.get_name(), self._node.get_namespace())
        try:
            found = sum(tuple(one) == own for one in self._node.get_node_names_and_namespaces())
        except Exception as problem:  # of a graph with names that are no text, say
            self.failed(problem)
            return
        before, self._namesakes = self._namesakes, max(0, found - 1)
        if self._namesakes > before:
            self._node.get_logger().warning(self._namesakes_told())

    def _namesakes_told(self) -> str:
        name = self._node.get_fully_qualified_name()
        many = "another node is" if self._namesakes == 1 else f"{self._namesakes} other nodes are"
        return f"{many} called {name}, and their topics are mixed up: rename one with --ros-args -r __node:=NAME"
