"""`import rclpy` where there is none."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

ENTRY_POINT_GROUP = "embedded_ros.interfaces"  # a package's name, and the function that gives its folder
_OUR_RCLPY = f"{__package__}.rclpy"
# Of rclpy, and not here.
_MISSING = {
    "rclpy.logging_service": "logger service",
    "rclpy.parameter_client": "AsyncParameterClient",
    "rclpy.parameter_event_handler": "ParameterEventHandler",
    "rclpy.qos_overriding_options": "QoS overrides by parameters",
    "rclpy.service_introspection": "service introspection",
    "rclpy.type_description_service": "type description service",
    "rclpy.waitable": "waitables of one's own",
}


class RclpyFinder(MetaPathFinder, Loader):
    """Answers for rclpy and its modules with those of this package.

    packages: those whose messages were made importable with it.
    """

    def __init__(self) -> None:
        self.packages: dict[str, Path] | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of rclpy is; None for other modules, and for those that rclpy has not either."""
        del path, target
        if fullname != "rclpy" and not fullname.startswith("rclpy."):
            return None
        if fullname in _MISSING:
            raise NotImplementedError(f"embedded_ros has no {_MISSING[fullname]} ({fullname})")
        ours = _OUR_RCLPY + fullname.removeprefix("rclpy")
        found = find_spec(ours)
        if found is None:
            return None
        return spec_from_loader(
            fullname, self, origin=found.origin, is_package=found.submodule_search_locations is not None
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself, under its second name."""
        module = import_module(_OUR_RCLPY + spec.name.removeprefix("rclpy"))
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it is imported already, and keeps the name that it has."""
        module.__spec__ = self._spec


def install(packages: Mapping[str, Path] | None = None) -> bool:
    """Make rclpy and its messages importable, unless a real rclpy is. Returns True if ours is used.

    packages: folders with msg/*.msg, srv/*.srv and action/*.action of further packages, by their names; those of
    earlier calls stay, and those are there that installed packages declare by entry points of the group
    `embedded_ros.interfaces`. Raises DDSError where Cyclone DDS is missing, InterfaceError where a file cannot be read.
    """
    finder = _installed()
    if finder is None:
        if find_spec("rclpy") is not None:
            return False
        from .dds.library import library  # noqa: PLC0415 (only now are Cyclone DDS and rosbags needed)

        library()
        finder = RclpyFinder()
        sys.meta_path.insert(0, finder)  # before the one that would find files by rclpy.__path__
    from .. import interfaces  # noqa: PLC0415

    wanted = {**_declared(), **(finder.packages or {}), **(packages or {})}
    if wanted != finder.packages:  # else classes that are in use already would be made anew
        interfaces.install(wanted)
        finder.packages = wanted
    return True


def _declared() -> dict[str, Path]:
    """The folders that installed packages declare, by the package whose messages they hold. Raises InterfaceError."""
    found = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            found[entry.name] = Path(entry.load()())
        except Exception as problem:
            from ..interfaces import InterfaceError  # noqa: PLC0415

            raise InterfaceError(
                f"{entry.value}, which should tell where the messages of {entry.name} are, failed ({problem}): install "
                "its package again, or uninstall it"
            ) from problem
    return found


def installed() -> bool:
    """True if `import rclpy` gives ours."""
    return _installed() is not None


def _installed() -> RclpyFinder | None:
    return next((finder for finder in sys.meta_path if isinstance(finder, RclpyFinder)), None)
