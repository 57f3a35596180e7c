"""rclpy: ROS 2's own where it is installed, the embedded one where it is not.

Import this module before rclpy or any message package; afterwards both are there, whichever it is.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

EMBEDDED = find_spec("rclpy") is None

if EMBEDDED:
    from gar_ssl_ros import embedded_ros

    embedded_ros.install()


def described() -> str:
    """Which of the two it is, in words."""
    if EMBEDDED:
        return "not installed: the nodes speak ROS 2 through embedded_ros, on Cyclone DDS"
    return f"{os.environ.get('ROS_DISTRO', 'installed')}, RMW {os.environ.get('RMW_IMPLEMENTATION', 'the default one')}"
