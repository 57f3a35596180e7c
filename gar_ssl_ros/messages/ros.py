"""rclpy: ROS 2's own where it is installed, the embedded one where it is not.

Import this module before rclpy or any message package; afterwards both are there, whichever it is.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gar_ssl_ros
from gar_ssl_ros.messages.interfaces import interfaces


def _embedded() -> bool:
    """True if there is no rclpy but the embedded one, be that importable already or not."""
    found = find_spec("rclpy")
    return found is None or Path(found.origin or "/").is_relative_to(Path(gar_ssl_ros.__file__).parent)


EMBEDDED = _embedded()

if EMBEDDED:
    from gar_ssl_ros import embedded_ros

    embedded_ros.install({"gar_ssl_ros": interfaces()})


def message_type(name: str) -> Any:
    """The class of a message by its name, sensor_msgs/msg/Image. Raises LookupError where it is not installed."""
    package, _, kind = name.partition("/msg/")
    try:
        return getattr(import_module(f"{package}.msg"), kind)
    except (ImportError, AttributeError):
        raise LookupError(f"{name} is not installed: install the package {package}") from None


def described() -> str:
    """Which of the two it is, in words."""
    if EMBEDDED:
        return "not installed: the nodes speak ROS 2 through embedded_ros, on Cyclone DDS"
    return f"{os.environ.get('ROS_DISTRO', 'installed')}, RMW {os.environ.get('RMW_IMPLEMENTATION', 'the default one')}"
