"""Headers of messages: their times, and how long their frame_id may be."""

from __future__ import annotations

from typing import Any

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.media.window import SECOND

MAX_FRAME_ID_CHARACTERS = 256
EARLIEST_S, LATEST_S = 0, 2**31 - 2**16  # s; the latest leaves room for a window's end and what is counted on from it


class StampError(UserError):
    """A stamp that is no time: one sentence that says so."""


def stamp_of(header: Any) -> int:
    """A std_msgs/Header's stamp, ns; 0 where it has none. Raises StampError where it is no time."""
    return checked_ns(header.stamp)


def checked_ns(time: Any) -> int:
    """A builtin_interfaces/Time, ns. Raises StampError where it is no time."""
    if not (EARLIEST_S <= time.sec < LATEST_S and 0 <= time.nanosec < SECOND):
        raise StampError(f"its stamp {time.sec} s {time.nanosec} ns is no time: look at its driver's clock")
    return ns_of(time)


def ns_of(time: Any) -> int:
    """A builtin_interfaces/Time of our own, or that was checked, ns."""
    return int(time.sec * SECOND + time.nanosec)
