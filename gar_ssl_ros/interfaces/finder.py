"""`import sensor_msgs.msg` and the like, for interfaces that no real ROS package provides."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from rosbags.typesys.store import Typestore

from .library import Interfaces


class InterfaceFinder(MetaPathFinder, Loader):
    """Makes the modules of interfaces, their classes when they are first asked for."""

    def __init__(self, interfaces: Interfaces) -> None:
        self.interfaces = interfaces

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module of that name, where it is one of ours."""
        del path, target
        if not self.interfaces.has_module(fullname):
            return None
        return spec_from_loader(fullname, self, origin="made by embedded_ros", is_package=fullname.count(".") < 2)

    def exec_module(self, module: ModuleType) -> None:
        """Let the module answer for its classes and its own modules."""
        names = sorted(self.interfaces.classes(module.__name__))

        def get(name: str) -> Any:
            if self.interfaces.has_module(f"{module.__name__}.{name}"):
                return import_module(f"{module.__name__}.{name}")
            if name not in names:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            made = self.interfaces.class_in(module.__name__, name)
            setattr(module, name, made)
            return made

        module.__all__ = names  # type: ignore[attr-defined]
        module.__getattr__ = get  # type: ignore[method-assign]
        module.__dir__ = lambda: [*module.__dict__, *names]  # type: ignore[method-assign]


def install(packages: Mapping[str, Path] | None = None) -> None:
    """Make the standard interfaces importable, and those of further packages, wherever no real package provides them.

    packages: folders with msg/*.msg, srv/*.srv and action/*.action, by the package's name. Installing again replaces
    the interfaces, and classes that were imported before stay those of before. Raises InterfaceError where a file
    cannot be read.
    """
    finder = InterfaceFinder(Interfaces(packages or {}))
    uninstall()
    sys.meta_path.append(finder)


def typestore(name: str = "", packages: Mapping[str, Path] | None = None) -> Typestore:
    """Every message as rosbags has them, in a Typestore of its own: to read and write bags with.

    name: where several packages share a name, those count to which this message belongs, such as
    audio_common_msgs/msg/AudioStamped. packages: as for `install`; by default those that are installed.
    Raises InterfaceError where a file cannot be read.
    """
    installed = next((finder for finder in sys.meta_path if isinstance(finder, InterfaceFinder)), None)
    interfaces = installed.interfaces if installed and packages is None else Interfaces(packages or {})
    store = Typestore()
    store.register(interfaces.fields(name))
    return store


def uninstall() -> None:
    """Take back what `install` did."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, InterfaceFinder)]
    for name, module in list(sys.modules.items()):
        if isinstance(getattr(module, "__loader__", None), InterfaceFinder):
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if getattr(sys.modules.get(parent), child, None) is module:
                delattr(sys.modules[parent], child)
