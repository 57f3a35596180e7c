"""The executor of all nodes: what a callback raises is counted and told, and ends nothing."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, ShutdownException

# Inputs, lifecycle and parameters, ~/localize, ~/ask, the asking for goals, one goal, diagnostics: none waits for
# another.
THREADS = 7
POLL_S = 0.01  # s from one look at callbacks that are to end to the next


class SurvivingExecutor(MultiThreadedExecutor):
    """Goes on where a callback raises. One thread at a time may spin it."""

    def __init__(self, failed: Callable[[Exception], None], **options: Any) -> None:
        """failed: given what a callback raised. options: as of rclpy's MultiThreadedExecutor."""
        super().__init__(num_threads=THREADS, **options)
        self._failed = failed

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """As rclpy's, which raises here what a callback raised there."""
        try:
            super().spin_once(timeout_sec)
        except (ExternalShutdownException, ShutdownException):
            raise
        except Exception as problem:
            if self.context.ok():  # else a callback met the end of the context, as the rest of the node is about to
                self._failed(problem)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """As rclpy's, which takes away at once what callbacks at work need to end: here they are given that time first.

        What the last of them raised is told, too.
        """
        begun, end = list(getattr(self, "_futures", ())), monotonic() + (timeout_sec or 0.0)
        while not all(one.done() for one in begun) and (timeout_sec is None or monotonic() < end):
            sleep(POLL_S)
        for one in begun:
            problem = one.exception() if one.done() else None
            if problem is not None and self.context.ok():
                self._failed(problem)
        return bool(super().shutdown(timeout_sec))

    def _take_service(self, service: Any) -> Any:
        """As rclpy's, in which a request that is no text would block its callback group for ever."""
        try:
            return super()._take_service(service)
        except Exception as problem:
            self._failed(problem)
            return None
