"""SIGINT and SIGTERM end contexts, so that whoever spins comes back.

Python runs a handler in the main thread only, and only once that thread is back from whatever C function it waits in.
So a thread of our own hears of the signal first, through the wakeup file descriptor, and shuts contexts down; who waits
for callbacks is thereby woken, and then Python runs the handler that was there before (SIGINT's: KeyboardInterrupt).
"""

from __future__ import annotations

import os
import signal
import threading
import weakref
from enum import IntFlag
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import Context


class SignalHandlerOptions(IntFlag):
    """Which signals end contexts."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


class _Watch:
    """Which contexts to end, and the thread that does."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.contexts: weakref.WeakSet[Context] = weakref.WeakSet()
        self.before: dict[int, Any] = {}  # by signal, what handled it
        self.pipe: tuple[int, int] | None = None
        self.wakeup_before = -1
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        self.pipe = os.pipe()
        os.set_blocking(self.pipe[1], False)
        self.wakeup_before = signal.set_wakeup_fd(self.pipe[1], warn_on_full_buffer=False)
        self.thread = threading.Thread(target=self.run, args=(self.pipe[0],), name="rclpy signals", daemon=True)
        self.thread.start()

    def run(self, heard: int) -> None:
        while numbers := os.read(heard, 64):
            if self.before.keys() & set(numbers):
                for context in list(self.contexts):
                    context.try_shutdown()
        os.close(heard)

    def stop(self) -> None:
        if self.pipe is None or self.thread is None:
            return
        signal.set_wakeup_fd(self.wakeup_before)
        os.close(self.pipe[1])
        if self.thread is not threading.current_thread():
            self.thread.join()
        self.pipe = self.thread = None


_watch = _Watch()  # signals are the process's


def install_signal_handlers(options: SignalHandlerOptions = SignalHandlerOptions.ALL) -> None:
    """Let signals end contexts. Nothing happens outside the main thread, where Python allows no handlers."""
    if threading.current_thread() is not threading.main_thread():
        return
    with _watch.lock:
        for number, option in (
            (signal.SIGINT, SignalHandlerOptions.SIGINT),
            (signal.SIGTERM, SignalHandlerOptions.SIGTERM),
        ):
            if options & option and number not in _watch.before:
                _watch.before[number] = signal.signal(number, _handle)
        if _watch.before and _watch.thread is None:
            _watch.start()


def uninstall_signal_handlers() -> None:
    """Let signals do what they did before."""
    if threading.current_thread() is not threading.main_thread():
        return
    with _watch.lock:
        for number, before in list(_watch.before.items()):
            if signal.getsignal(number) is _handle:
                signal.signal(number, before)
            del _watch.before[number]
        _watch.stop()


def get_current_signal_handlers_options() -> SignalHandlerOptions:
    """Which signals end contexts now."""
    found = SignalHandlerOptions.NO
    for number, option in (
        (signal.SIGINT, SignalHandlerOptions.SIGINT),
        (signal.SIGTERM, SignalHandlerOptions.SIGTERM),
    ):
        if number in _watch.before:
            found |= option
    return found


def end_on_signal(context: Context) -> None:
    """Count a context among those that signals end."""
    _watch.contexts.add(context)


def _handle(number: int, frame: FrameType | None) -> None:
    for context in list(_watch.contexts):
        context.end()
    before = _watch.before.get(number)
    if callable(before):
        before(number, frame)
