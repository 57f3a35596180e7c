"""Who may still call into Cyclone DDS."""

from __future__ import annotations

import threading

from .library import DDSError


class Gate:
    """Lets calls into Cyclone DDS through until it is closed, and knows when the last one is out.

    Without it, a thread that still publishes would use memory that another one, which shuts down, has freed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False

    def __enter__(self) -> None:
        with self._changed:
            if self._closed:
                raise DDSError("the participant has left its domain")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            if self._closed:
                self._changed.notify_all()

    def close(self, timeout: float) -> bool:
        """Let nobody in any more. Return True if all are out after at most `timeout` s."""
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: not self._inside, timeout)
