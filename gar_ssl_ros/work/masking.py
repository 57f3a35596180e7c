"""The one thread that calls a segmenter, so that one that hangs costs masks, and never an answer."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread

from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.masks.following import masked_window
from gar_ssl_ros.masks.segmenter import Segmenter, unmasked
from gar_ssl_ros.media.window import Window

BUSY = "they are still looked for in an earlier window"


@dataclass(frozen=True, eq=False)
class _Job:
    found: Localization
    window: Window
    deadline: Deadline
    done: Future[Localization]


class Masker:
    """Gives final answers their masks. `close` it in the end."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._guard = Lock()
        self._job: _Job | None = None
        self._thread = Thread(target=self._work, name="masks", daemon=True)
        self._thread.start()

    def start(self, found: Localization, window: Window, limit: float) -> Future[Localization]:
        """The answer with its masks, as of `masked_window`, to be: at once where there is nothing to do, or an earlier
        one is not done. window: that it is about. limit: s. Cancelled by `cancel`.
        """
        done: Future[Localization] = Future()
        if not found.sources:
            done.set_result(found)
            return done
        with self._guard:
            if self._job is not None:
                done.set_result(unmasked(found, BUSY))
                return done
            self._job = _Job(found, window, Deadline(limit), done)
        self._jobs.put(self._job)
        return done

    def cancel(self) -> None:
        """Give up the one in hand."""
        with self._guard:
            if self._job is not None:
                self._job.deadline.cancel()

    def close(self, patience: float) -> bool:
        """End when the one in hand has. Returns True if that was within so many seconds."""
        self.cancel()
        self._jobs.put(None)
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            found: Localization | None = None
            with suppress(Cancelled):
                found = masked_window(job.found, job.window, self._segmenter, job.deadline)
            with self._guard:
                self._job = None
            if found is None:
                job.done.cancel()
                job.done.set_running_or_notify_cancel()  # else who waits for it goes on waiting
            else:
                job.done.set_result(found)
