"""Freed memory given back to the system, so that a burst of large messages does not count for as long as a node lives.

glibc keeps what was freed in each of its arenas, of which every thread may have one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

GIVE_BACK_PERIOD_S = 2.0  # s from one time to the next, about two windows; it takes a few ms


def give_back() -> None:
    """Do so, where the system's C library is one that can."""
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], Any] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # musl, macOS, Windows
        return None
