"""Where this project's own messages, services and actions are, for whoever makes them importable without ROS 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import gar_ssl_ros

MARKER = Path("msg", "SoundSourceArray.msg")


def interfaces() -> Path:
    """The folder with msg/, srv/ and action/: beside the sources, or where pip or colcon has installed them.

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
