"""The hash by which two sides know that a type is the same (REP-2011, REP-2016)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TypeHash:
    """version: -1 for none."""

    version: int = -1
    value: bytes = bytes(32)

    @classmethod
    def from_text(cls, text: str) -> TypeHash:
        """The hash in `RIHS01_…`; none where it is no such text."""
        version, _, digits = text.partition("_")
        if not version.startswith("RIHS") or not version[4:].isdigit() or len(digits) != 64:
            return cls()
        try:
            return cls(int(version[4:]), bytes.fromhex(digits))
        except ValueError:
            return cls()

    def __str__(self) -> str:
        return "INVALID" if self.version <= 0 else f"RIHS{self.version:02}_{self.value.hex()}"
