"""What `gar-ssl check` looks into: whether what is to be run on, and with, is as it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fact. remedy: what to do where it is not as it should be. needed: True if nothing works without."""

    subject: str
    fact: str
    remedy: str = ""
    needed: bool = False

    @property
    def mark(self) -> str:
        """How it stands before the line."""
        return "ok" if not self.remedy else "PROBLEM" if self.needed else "note"
