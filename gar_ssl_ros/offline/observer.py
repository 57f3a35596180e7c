"""Who watches the graph while a clip is played: which nodes are there, what is answered, and whether all of it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from gar_ssl_ros.messages.answers import answer_in_words
from gar_ssl_ros.msg import SoundSourceArray

ANSWERS_TOPIC = "/localizer/sources"
SPIN_S = 0.1  # that a look waits for the next message
WORK_KEYS = ("windows_offered", "windows_waiting", "busy_s")  # of the localizer's status `inference`


class Observer:
    """A node of ROS_DOMAIN_ID's graph, until it is closed. `look` as often as something may have changed."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """tell: given each final answer in words, as it comes. Raises what rclpy.init raises."""
        self._tell = tell
        self._reports: list[list[str]] = []  # WORK_KEYS, each time that the localizer told it
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node("observer", context=self._context, start_parameter_services=False, enable_rosout=False)
        self._node.create_subscription(SoundSourceArray, ANSWERS_TOPIC, self._on_answer, QoSProfile(depth=100))
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, QoSProfile(depth=100))
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def look(self) -> None:
        """Take what comes next, waiting for it at most SPIN_S."""
        self._executor.spin_once(timeout_sec=SPIN_S)

    @property
    def records(self) -> bool:
        """True if the recorder listens to the localizer's answers: both are there."""
        listeners = self._node.get_subscriptions_info_by_topic(ANSWERS_TOPIC)
        return "recorder" in {one.node_name for one in listeners}

    def forget(self) -> None:
        """What the localizer has told of its work until now counts no more."""
        self._reports.clear()

    @property
    def idle(self) -> bool:
        """True if the localizer told twice that no window came, waits, or is in hand."""
        return len(self._reports) > 1 and self._reports[-1] == self._reports[-2] == [self._reports[-1][0], "0", "0"]

    def _on_answer(self, message: Any) -> None:
        if message.stage == SoundSourceArray.FINAL:
            self._tell(answer_in_words(message))

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.name == "localizer: inference":
                values = {one.key: one.value for one in status.values}
                self._reports.append([values.get(key, "") for key in WORK_KEYS])
