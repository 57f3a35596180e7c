"""Who answers the three stages of GAR, by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner

NAMES = ("signal",)


def reasoner(name: str) -> Reasoner:
    """The reasoner of that name, ready to be asked; only what it needs is imported. Raises ValueError for no name.

    `module:factory` is one's own: what `factory()` of that module gives.
    """
    if name == "signal":
        from gar_ssl_ros.reasoners.signal import SignalReasoner

        return SignalReasoner()
    if ":" in name:
        return _own(*name.split(":", 1))
    raise ValueError(f"there is no reasoner {name!r}: choose one of {', '.join(NAMES)}")


def _own(module: str, factory: str) -> Reasoner:
    try:
        make = getattr(import_module(module), factory)
    except (ImportError, AttributeError, ValueError) as problem:
        raise ValueError(f"there is no reasoner {module}:{factory}: {problem}") from None
    made: Reasoner = make()
    return made
