"""rclpy and the messages, before any test of a page imports them: ROS 2's own, or the embedded ones."""

import os

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import gar_ssl_ros.messages.ros  # noqa: F401
