"""Logs what makes the sound, as the localizer finds it: a consumer of its topic in plain rclpy, with ROS 2 or without.

    python examples/log_sources.py [--ros-args -r localizer/sources:=/robot/localizer/sources]

Ends with status 0 at SIGINT (Ctrl-C) and SIGTERM.
"""

from __future__ import annotations

import sys

from gar_ssl_ros import embedded_ros

embedded_ros.install()  # rclpy and all messages, this project's too, where ROS 2 is not installed; else nothing

# isort: split
import rclpy
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

OUTCOMES = {
    SoundSourceArray.LOCALIZED: "localized",
    SoundSourceArray.SILENT: "silent",
    SoundSourceArray.OFF_SCREEN: "off screen",
    SoundSourceArray.UNCERTAIN: "uncertain",
}


class LogSources(Node):
    """The node."""

    def __init__(self) -> None:
        super().__init__("log_sources")
        self.create_subscription(SoundSourceArray, "localizer/sources", self.log, 10)
        self.get_logger().info("waiting for the localizer's answers")

    def log(self, found: SoundSourceArray) -> None:
        """One line for each source of a window; why there is none, where there is none."""
        if found.stage != SoundSourceArray.FINAL:  # the first boxes of a window, which may still change
            return
        for source in found.sources:
            center = getattr(source.box.center, "position", source.box.center)  # vision_msgs before 4: the point itself
            self.get_logger().info(
                f"#{source.id} {source.label} at {center.x:.0f}, {center.y:.0f} of {found.image_width}x"
                f"{found.image_height}, {source.box.size_x:.0f}x{source.box.size_y:.0f} pixels: {source.description}"
            )
        if not found.sources:  # a failure is an outcome too, and never looks like silence
            self.get_logger().info(f"{OUTCOMES.get(found.outcome, 'failed')}: {found.detail or found.label}")


def main() -> None:
    """Spin until told to stop."""
    rclpy.init(args=sys.argv)
    node = LogSources()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass  # SIGINT, SIGTERM
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
