"""rclpy: ROS 2's own where it is installed, the embedded one where it is not.

Import this module before rclpy or any message package; afterwards both are there, whichever it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gar_ssl_ros

MARKER = Path("msg", "SoundSourceArray.msg")


def interfaces() -> Path:
    """The folder with this project's msg/ and srv/: beside the sources, or where pip or colcon has installed them.

    Raises FileNotFoundError where they are nowhere.
    """
    for folder in (Path(gar_ssl_ros.__file__).parents[1], *_installed()):
        if (folder / MARKER).is_file():
            return folder
    raise FileNotFoundError(f"{MARKER} is not where gar_ssl_ros is installed: install it again")


def _installed() -> Iterator[Path]:
    with suppress(PackageNotFoundError):
        for one in files("gar_ssl_ros") or ():
            if one.match(str(MARKER)):
                yield Path(str(one.locate())).resolve().parents[1]
    with suppress(LookupError, ImportError):
        yield Path(import_module("ament_index_python").get_package_share_directory("gar_ssl_ros"))


EMBEDDED = find_spec("rclpy") is None

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
