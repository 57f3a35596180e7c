"""Waiting for those who are to see and hear a recording from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from time import monotonic
from typing import Any

SETTLE_S = 0.3  # s for listeners that have just come to be ready
POLL_S = 0.05  # s from one look at the graph to the next


def wait_for_listeners(counts: Callable[[], list[int]], chosen: Mapping[str, Any], stopping: Event) -> None:
    """Until as many listen to each topic as the parameter `listeners` says, `wait` is over, or it is told to stop.

    counts: how many listen to each.
    """
    end = monotonic() + chosen["wait"]
    while monotonic() < end and not stopping.wait(POLL_S):
        if min(counts()) >= chosen["listeners"]:
            stopping.wait(SETTLE_S)
            return
