"""Logs who spoke when: of each voice in view its id, its name by the robot's own detector, begin and end.

    python examples/who_spoke.py [--ros-args -r localizer/sources:=/robot/localizer/sources]

Names come with the localizer's parameter `humans` or `detections`. A turn is as exact as windows are long. Ends with
status 0 at SIGINT (Ctrl-C) and SIGTERM.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from gar_ssl_ros import embedded_ros

embedded_ros.install()  # rclpy and all messages, this project's too, where ROS 2 is not installed; else nothing

# isort: split
import rclpy
from builtin_interfaces.msg import Time
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.executors import ExternalShutdownException
from rclpy.logging import get_logger
from rclpy.node import Node


@dataclass
class Turn:
    """Of one voice, s."""

    name: str
    begin: float
    end: float


class WhoSpoke(Node):
    """The node."""

    def __init__(self) -> None:
        super().__init__("who_spoke")
        self._log = get_logger("turns")  # not the node's, whose topic is gone when Ctrl-C ends the last turns
        self._turns: dict[int, Turn] = {}  # those that may go on, by the ids of their sources
        self.create_subscription(SoundSourceArray, "localizer/sources", self.hear, 100)
        self.get_logger().info("waiting for the localizer's answers")

    def hear(self, found: SoundSourceArray) -> None:
        """Windows overlap: a turn goes on in each that holds its voice, and is over at one that begins after it."""
        if found.stage != SoundSourceArray.FINAL:  # the first boxes of a window, which may still change
            return
        begin, end = seconds(found.window_start), seconds(found.window_end)
        self.tell(before=begin)
        for source in found.sources:
            if "speech" in source.label.lower():
                turn = self._turns.setdefault(source.id, Turn("", begin, end))
                turn.name, turn.end = source.detection_id or turn.name, end

    def tell(self, before: float = float("inf")) -> None:
        """One line for each turn that ended before that, s."""
        for identity, turn in list(self._turns.items()):
            if turn.end < before:
                del self._turns[identity]
                self._log.info(f"#{identity} {turn.name or '-'} spoke from {turn.begin:.1f} to {turn.end:.1f} s")


def seconds(time: Time) -> float:
    """Of a stamp."""
    return float(time.sec + time.nanosec * 1e-9)


def main() -> None:
    """Spin until told to stop."""
    rclpy.init(args=sys.argv)
    node = WhoSpoke()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass  # SIGINT, SIGTERM
    finally:
        node.tell()  # those who were still speaking
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
