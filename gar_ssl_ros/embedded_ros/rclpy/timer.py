"""Callbacks again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .callback_groups import CallbackGroup, ReentrantCallbackGroup
from .clock import Clock, ClockChange, JumpThreshold, TimeJump
from .context import Context
from .duration import Duration
from .exceptions import InvalidHandle, ROSInterruptException
from .executable import Executable


class Timer(Executable):
    """Has its callback run every period of its clock's time. Thread-safe."""

    def __init__(
        self,
        callback: Callable[[], Any] | None,
        callback_group: CallbackGroup | None,
        timer_period_ns: int,
        clock: Clock,
        *,
        context: Context | None = None,
        autostart: bool = True,
    ) -> None:
        del context
        super().__init__(callback_group or ReentrantCallbackGroup())
        self.callback = callback
        self._clock = clock
        self._lock = threading.Lock()
        self._wake: Callable[[], None] = lambda: None
        self.timer_period_ns = timer_period_ns
        self._last = clock.nanoseconds()
        self._next = self._last + self._period
        self._canceled = not autostart
        threshold = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))
        self._jumps = clock.create_jump_callback(threshold, post_callback=self._jumped)

    @property
    def clock(self) -> Clock:
        """Whose time counts."""
        return self._clock

    @property
    def timer_period_ns(self) -> int:
        """From one callback to the next."""
        return self._period

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        if value < 0:
            raise ValueError("a timer's period is not negative")
        self._period = int(value)

    def is_ready(self) -> bool:
        """True if the callback is due."""
        return (left := self.time_until_next_call()) is not None and left <= 0

    def is_canceled(self) -> bool:
        """True if it is stopped."""
        return self._canceled

    def cancel(self) -> None:
        """Stop it."""
        self._canceled = True

    def reset(self) -> None:
        """Start it, its first callback a period from now."""
        with self._lock:
            self._last = self._clock.nanoseconds()
            self._next = self._last + self._period
            self._canceled = False
        self._wake()

    def time_since_last_call(self) -> int:
        """Since the last callback was due, ns."""
        return self._clock.nanoseconds() - self._last

    def time_until_next_call(self) -> int | None:
        """Until the next callback is due, ns; below 0 where it is late, None where it is stopped."""
        return None if self._canceled else self._next - self._clock.nanoseconds()

    def destroy(self) -> None:
        """Be used no more; called by Node.destroy_timer."""
        super().destroy()
        self._canceled = True
        self._jumps.unregister()
        self._wake()

    def _delay(self) -> int | None:
        if self.is_ready():
            return 0
        return self.time_until_next_call() if self._clock.runs_by_itself else None

    def _is_ready(self, triggered: set[int]) -> bool:
        del triggered
        return self.is_ready()

    def _take(self) -> Callable[[], Any] | None:
        with self._lock:
            if not self.is_ready():
                return None
            self._last = now = self._clock.nanoseconds()
            self._next += self._period
            if self._next < now:  # callbacks that were missed are left out
                behind = now - self._next
                self._next = now if not self._period else self._next + (1 + (behind - 1) // self._period) * self._period
        return self.callback

    def _jumped(self, jump: TimeJump) -> None:
        with self._lock:
            changed = jump.clock_change in {ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED}
            if changed or self._clock.nanoseconds() < self._last:
                self._last = self._clock.nanoseconds()
                self._next = self._last + self._period
        self._wake()


class Rate:
    """Sleeps at a fixed rate; its timer needs an executor that spins in another thread."""

    def __init__(self, timer: Timer, *, context: Context) -> None:
        self._timer = timer
        self._is_shutdown = False
        self._is_destroyed = False
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sleepers = 0
        timer.callback = self._event.set
        context.on_shutdown(self._on_shutdown)

    def destroy(self) -> None:
        """Wake who sleeps; nobody sleeps any more."""
        self._is_destroyed = True
        self._event.set()

    def sleep(self) -> None:
        """Sleep until the timer is due. Raises ROSInterruptException at shutdown."""
        if self._is_shutdown:
            raise ROSInterruptException
        if self._is_destroyed:
            raise RuntimeError("Rate cannot sleep because it has been destroyed")
        if self._timer._destroyed:
            self.destroy()
            raise InvalidHandle("Rate cannot sleep because the timer has been destroyed")
        with self._lock:
            self._sleepers += 1
        try:
            self._event.wait()
        finally:
            with self._lock:
                self._sleepers -= 1
                if not self._sleepers:
                    self._event.clear()
        if self._is_shutdown:
            self.destroy()
            raise ROSInterruptException

    def _on_shutdown(self) -> None:
        self._is_shutdown = True
        self.destroy()
