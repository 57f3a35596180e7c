"""Freed memory given back to the system, so that a burst of large messages does not count for as long as a node lives.

glibc keeps what was freed in each of its arenas, of which every thread may have one. What is free at the end of any but
the first it never gives back, up to 64 MB of each.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

M_ARENA_MAX = -8  # of mallopt
GIVE_BACK_PERIOD_S = 2.0  # s from one time to the next, about two windows; it takes a few ms


def give_back() -> None:
    """Do so, where the system's C library is one that can."""
    if (trim := _of_glibc("malloc_trim")) is not None:
        trim(0)


def one_arena() -> None:
    """Have the threads to come share one arena, in which each finds what another has freed: before there are any."""
    if (set_option := _of_glibc("mallopt")) is not None:
        set_option(M_ARENA_MAX, 1)


@cache
def _of_glibc(name: str) -> Callable[..., Any] | None:
    try:
        function: Callable[..., Any] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):  # musl, macOS, Windows
        return None
    return function
