"""Pages need messages, which need rclpy: ROS 2's own, or the embedded one."""

from __future__ import annotations

import gar_ssl_ros.messages.ros  # noqa: F401
