"""The executor of all nodes: what a callback raises is counted and told, and ends nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, ShutdownException

# Inputs, lifecycle and parameters, ~/localize, the asking for goals, one goal, diagnostics: none waits for another.
THREADS = 6


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

    def _take_service(self, service: Any) -> Any:
        """As rclpy's, in which a request that is no text would block its callback group for ever."""
        try:
            return super()._take_service(service)
        except Exception as problem:
            self._failed(problem)
            return None
