"""The time a window may take, and a way to stop it: checked between stages, and between tokens where there are any."""

from __future__ import annotations

from threading import Event
from time import monotonic


class DeadlineExceeded(Exception):
    """The window took longer than it may."""


class Cancelled(Exception):
    """Nobody waits for this window any more."""


class Deadline:
    """Runs from its making. Thread-safe."""

    def __init__(self, seconds: float | None = None) -> None:
        """`seconds` from now, or no limit."""
        self._end = None if seconds is None else monotonic() + seconds
        self._cancelled = Event()

    def cancel(self) -> None:
        """Make every later `check` raise Cancelled."""
        self._cancelled.set()

    def check(self) -> None:
        """Return if there is time left. Raises Cancelled or DeadlineExceeded."""
        if self._cancelled.is_set():
            raise Cancelled
        if self._end is not None and monotonic() > self._end:
            raise DeadlineExceeded

    def without_limit(self) -> Deadline:
        """One that takes as long as it likes, and is cancelled with this one."""
        other = Deadline()
        other._cancelled = self._cancelled
        return other

    @property
    def left(self) -> float | None:
        """Seconds, None where there is no limit."""
        return None if self._end is None else max(0.0, self._end - monotonic())
