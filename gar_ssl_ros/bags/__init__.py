"""rosbag2 bags: read, written, localized."""

import gar_ssl_ros.messages.ros  # noqa: F401  # before whatever here needs rclpy or a message
