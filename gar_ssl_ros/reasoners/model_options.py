"""What is said about the model of `omni`: refused, by one sentence everywhere, where no `omni` answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gar_ssl_ros.errors import UsageError

ASKS_A_MODEL = "omni"
# Each option of it, as the command line's destinations and the localizer's parameters name it, with its default.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "model": None,
        "device": "auto",
        "dtype": "auto",
        "quantize": "none",
        "attention": "sdpa",
        "compile": False,
        "seed": 0,
        "off_screen": False,
        "grounded": False,
        "early": False,
    }
)


def said(values: Mapping[str, Any]) -> list[str]:
    """The names of those in `values` that are not at their defaults; an empty text is none."""
    return [name for name, usual in DEFAULTS.items() if (values.get(name) or usual) != usual]


def refuse_unused(reasoner: str, fallback: str | None, values: Mapping[str, Any]) -> None:
    """Raises UsageError where `values` say something about a model, and neither of both asks one.

    values: by name, whatever else they hold. fallback: nobody where None or empty.
    """
    names = said(values)
    if names and ASKS_A_MODEL not in (reasoner, fallback):
        who = f"{reasoner} or {fallback}" if fallback else reasoner
        leave = "it" if len(names) == 1 else "them"
        raise UsageError(
            f"{', '.join(names)}: only the reasoner {ASKS_A_MODEL} asks a model, and {who} answers here: "
            f"choose {ASKS_A_MODEL} as the reasoner, or leave {leave} out"
        )
