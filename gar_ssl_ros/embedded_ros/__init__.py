"""rclpy on Cyclone DDS, for machines without ROS 2.

`install()` makes `import rclpy` and `from sensor_msgs.msg import Image` work where they do not, so that a node written
for rclpy runs as it is and joins the graph of other machines. What it has and what not: docs/embedded_ros.md. This
package needs nothing of the project around it but its neighbour `interfaces`.
"""

from __future__ import annotations

from .finder import install, installed

__all__ = ["install", "installed"]
