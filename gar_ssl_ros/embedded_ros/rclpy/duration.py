"""Stretches of time, to the nanosecond."""

from __future__ import annotations

from functools import total_ordering
from typing import Any

from ..classes import message_class

S_TO_NS = 10**9
_LIMIT_NS = 2**63


@total_ordering
class Duration:
    """A stretch of time, which may be negative."""

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0) -> None:
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if not -_LIMIT_NS <= total < _LIMIT_NS:
            raise OverflowError("Total nanoseconds value is too large to store in C duration.")
        self._nanoseconds = total

    @property
    def nanoseconds(self) -> int:
        """All of it in ns."""
        return self._nanoseconds

    def __repr__(self) -> str:
        return f"Duration(nanoseconds={self.nanoseconds})"

    def __str__(self) -> str:
        return "Infinite" if self == Infinite else f"{self.nanoseconds} nanoseconds"

    def __eq__(self, other: object) -> bool:
        return self.nanoseconds == other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.nanoseconds < other.nanoseconds if isinstance(other, Duration) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # as in rclpy

    def to_msg(self) -> Any:
        """A builtin_interfaces/msg/Duration."""
        seconds, rest = divmod(self.nanoseconds, S_TO_NS)
        return message_class("builtin_interfaces/msg/Duration")(sec=seconds, nanosec=rest)

    @classmethod
    def from_msg(cls, msg: Any) -> Duration:
        """The stretch in a builtin_interfaces/msg/Duration."""
        if not isinstance(msg, message_class("builtin_interfaces/msg/Duration")):
            raise TypeError("Must pass a builtin_interfaces.msg.Duration object")
        return cls(seconds=msg.sec, nanoseconds=msg.nanosec)


Infinite = Duration(nanoseconds=_LIMIT_NS - 1)
