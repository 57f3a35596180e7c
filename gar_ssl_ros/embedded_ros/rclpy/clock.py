"""Clocks, and what happens when they jump."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from .clock_type import ClockType
from .duration import Duration
from .exceptions import NotInitializedException
from .time import Time

if TYPE_CHECKING:
    from .context import Context

__all__ = ["Clock", "ClockChange", "ClockType", "JumpHandle", "JumpThreshold", "ROSClock", "TimeJump"]


class ClockChange(IntEnum):
    """What happened to a clock besides its time."""

    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3
    SYSTEM_TIME_NO_CHANGE = 4


class JumpThreshold:
    """Which jumps one wants to hear of: forwards or backwards by as much, or between simulated time and the wall's."""

    def __init__(
        self, *, min_forward: Duration | None, min_backward: Duration | None, on_clock_change: bool = True
    ) -> None:
        if min_forward is not None and min_forward.nanoseconds <= 0:
            raise ValueError("min_forward must be a positive non-zero duration")
        if min_backward is not None and min_backward.nanoseconds >= 0:
            raise ValueError("min_backward must be a negative non-zero duration")
        if min_forward is None and min_backward is None and not on_clock_change:
            raise ValueError("At least one jump threshold must be enabled")
        self.min_forward = min_forward
        self.min_backward = min_backward
        self.on_clock_change = on_clock_change

    def is_exceeded_by(self, jump: TimeJump) -> bool:
        """True if one wants to hear of the jump."""
        if jump.clock_change in {ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED}:
            return self.on_clock_change
        return (self.min_forward is not None and jump.delta >= self.min_forward) or (
            self.min_backward is not None and jump.delta <= self.min_backward
        )


class TimeJump:
    """A jump of a clock."""

    def __init__(self, clock_change: ClockChange, delta: Duration) -> None:
        if not isinstance(clock_change, ClockChange):
            raise TypeError("clock_change must be an instance of rclpy.clock.ClockChange")
        self.clock_change = clock_change
        self.delta = delta


class JumpHandle:
    """Keeps callbacks for jumps, until `unregister`."""

    def __init__(
        self,
        *,
        clock: Clock,
        threshold: JumpThreshold,
        pre_callback: Callable[[], None] | None,
        post_callback: Callable[[TimeJump], None] | None,
    ) -> None:
        if pre_callback is None and post_callback is None:
            raise ValueError("One of pre_callback or post_callback must be callable")
        self.threshold = threshold
        self.pre_callback = pre_callback
        self.post_callback = post_callback
        self._clock = clock
        with clock._lock:
            clock._handles.append(self)

    def unregister(self) -> None:
        """Hear of no more jumps."""
        with self._clock._lock:
            if self in self._clock._handles:
                self._clock._handles.remove(self)

    def __enter__(self) -> JumpHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()


class Clock:
    """A clock of the kind asked for."""

    def __new__(cls, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> Clock:
        """A ROSClock where ROS time is asked for."""
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        return super().__new__(ROSClock if clock_type is ClockType.ROS_TIME else cls)

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        self._clock_type = clock_type
        self._lock = threading.RLock()
        self._handles: list[JumpHandle] = []

    @property
    def clock_type(self) -> ClockType:
        """Which kind."""
        return self._clock_type

    def __repr__(self) -> str:
        return f"Clock(clock_type={self.clock_type.name})"

    def now(self) -> Time:
        """The time by this clock."""
        return Time(nanoseconds=self.nanoseconds(), clock_type=self.clock_type)

    def nanoseconds(self) -> int:
        """The time by this clock in ns."""
        return time.monotonic_ns() if self.clock_type is ClockType.STEADY_TIME else time.time_ns()

    @property
    def runs_by_itself(self) -> bool:
        """True if its time passes as ours does; simulated time comes in messages."""
        return True

    def create_jump_callback(
        self,
        threshold: JumpThreshold,
        *,
        pre_callback: Callable[[], None] | None = None,
        post_callback: Callable[[TimeJump], None] | None = None,
    ) -> JumpHandle:
        """Call back before and after jumps beyond the threshold."""
        return JumpHandle(clock=self, threshold=threshold, pre_callback=pre_callback, post_callback=post_callback)

    def sleep_until(self, until: Time, context: Context | None = None) -> bool:
        """Sleep until then. True if that was reached, rather than shutdown or a change to or from simulated time."""
        from .utilities import get_default_context  # noqa: PLC0415 (which needs contexts, which need clocks)

        context = get_default_context() if context is None else context
        if not context.ok():
            raise NotInitializedException
        if until.clock_type != self.clock_type:
            raise ValueError("until's clock type does not match this clock's type")
        woken, changed = threading.Event(), False

        def jumped(jump: TimeJump) -> None:
            nonlocal changed
            changed |= jump.clock_change in {ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED}
            if changed or self.now() >= until:
                woken.set()

        context.on_shutdown(woken.set)
        threshold = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=None)
        with self.create_jump_callback(threshold, post_callback=jumped):
            while context.ok() and not changed and self.now() < until:
                left = (until.nanoseconds - self.nanoseconds()) / 1e9 if self.runs_by_itself else None
                if woken.wait(left):
                    woken.clear()
        return context.ok() and not changed and self.now() >= until

    def sleep_for(self, rel_time: Duration, context: Context | None = None) -> bool:
        """Sleep for so long; see `sleep_until`."""
        return self.sleep_until(self.now() + rel_time, context)


class ROSClock(Clock):
    """The wall's time, or simulated time where it is active."""

    def __new__(cls) -> ROSClock:
        """A clock of ROS time."""
        made = super().__new__(cls, clock_type=ClockType.ROS_TIME)
        assert isinstance(made, ROSClock)
        return made

    def __init__(self, *, clock_type: ClockType = ClockType.ROS_TIME) -> None:
        super().__init__(clock_type=clock_type)
        self._simulated = 0
        self._active = False

    @property
    def ros_time_is_active(self) -> bool:
        """True if time is simulated."""
        return self._active

    @property
    def runs_by_itself(self) -> bool:
        """True if time is not simulated."""
        return not self._active

    def nanoseconds(self) -> int:
        """The time by this clock in ns."""
        return self._simulated if self._active else time.time_ns()

    def set_ros_time_override(self, time: Time) -> None:
        """What simulated time is."""
        if not isinstance(time, Time):
            raise TypeError(f"Time must be specified as rclpy.time.Time, not {type(time)}")
        delta = Duration(nanoseconds=time.nanoseconds - self._simulated)
        self._jump(ClockChange.ROS_TIME_NO_CHANGE if self._active else None, delta, simulated=time.nanoseconds)

    def _set_ros_time_is_active(self, enabled: bool) -> None:
        if enabled != self._active:
            before = self.nanoseconds()
            after = self._simulated if enabled else time.time_ns()
            change = ClockChange.ROS_TIME_ACTIVATED if enabled else ClockChange.ROS_TIME_DEACTIVATED
            self._jump(change, Duration(nanoseconds=after - before), active=enabled)

    def _jump(
        self, change: ClockChange | None, delta: Duration, simulated: int | None = None, active: bool | None = None
    ) -> None:
        jump = None if change is None else TimeJump(change, delta)
        with self._lock:
            hearing = [handle for handle in self._handles if jump and handle.threshold.is_exceeded_by(jump)]
        for handle in hearing:
            if handle.pre_callback:
                handle.pre_callback()
        self._simulated = self._simulated if simulated is None else simulated
        self._active = self._active if active is None else active
        for handle in hearing:
            if handle.post_callback and jump:
                handle.post_callback(jump)
