"""Keeps a server that fails from costing each window its time."""

from __future__ import annotations

from time import monotonic

FAILURES = 3  # in a row, from which on it is left alone
FIRST_REST_S, MAX_REST_S = 5.0, 60.0  # each rest is twice as long as the one before


class Breaker:
    """Closed while a server answers; open, once it has failed so often in a row, for a rest; then half open."""

    def __init__(self) -> None:
        self._failures = 0
        self._rest = FIRST_REST_S
        self._until = 0.0  # monotonic s
        self._occasion: object = None  # of the last failure

    @property
    def rest(self) -> float:
        """How long it is left alone from now, s; 0 where it is not."""
        return max(0.0, self._until - monotonic())

    @property
    def half_open(self) -> bool:
        """True if it has rested and not answered since: one cheap question decides."""
        return self._failures >= FAILURES and not self.rest

    def succeeded(self) -> None:
        """It has answered."""
        self._failures, self._rest, self._until, self._occasion = 0, FIRST_REST_S, 0.0, None

    def failed(self, occasion: object) -> None:
        """It has not answered. Failures of one occasion in a row, as of requests in parallel, count as one."""
        if occasion == self._occasion:
            return
        self._occasion = occasion
        self._failures += 1
        if self._failures >= FAILURES:
            self._until = monotonic() + self._rest
            self._rest = min(2 * self._rest, MAX_REST_S)
