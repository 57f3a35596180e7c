"""What `gar-ssl check` looks into: whether what it is to run on, and with, is as it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked into.

    right: whether it is as it should be; None where that cannot be told, or is for the reader to judge. text: what was
    found, and what to do where it is not right.
    """

    about: str
    right: bool | None
    text: str
