"""Who answers the three stages of GAR, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner

NAMES = ("signal",)


def reasoner(name: str) -> Reasoner:
    """The reasoner of that name, ready to be asked; only what it needs is imported. Raises ValueError for no name."""
    if name == "signal":
        from gar_ssl_ros.reasoners.signal import SignalReasoner

        return SignalReasoner()
    raise ValueError(f"there is no reasoner {name!r}: choose one of {', '.join(NAMES)}")
