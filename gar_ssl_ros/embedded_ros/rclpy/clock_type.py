"""The clocks there are."""

from __future__ import annotations

from enum import IntEnum


class ClockType(IntEnum):
    """ROS's own (simulated where asked for), the wall's, and the one that never jumps."""

    UNINITIALIZED = 0
    ROS_TIME = 1
    SYSTEM_TIME = 2
    STEADY_TIME = 3
