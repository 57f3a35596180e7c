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
    sec, nanosec = header.stamp.sec, header.stamp.nanosec
    if not (EARLIEST_S <= sec < LATEST_S and 0 <= nanosec < SECOND):
        raise StampError(f"its stamp {sec} s {nanosec} ns is no time: look at its driver's clock")
    return int(sec * SECOND + nanosec)
