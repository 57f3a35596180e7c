"""The one thread that calls a reasoner, and what it is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Condition, Thread
from time import monotonic

from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Preparing, Reasoner
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.spatial.view import NO_VIEW, View

MIN_GRACE_S, MAX_GRACE_S = 0.25, 2.0
GRACE = 0.2  # of the deadline: a large model on a small GPU looks at it once a step, which may be seconds

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A window to be answered.

    limit: s that its inference may take. refusal: why the reasoner need not be asked; empty where it is to be. held:
    the same, by the noise gate. asked: monotonic s at which somebody asked for it; None where nobody did. view: of the
    window's center frame.
    """

    window: Window
    options: GarOptions
    limit: float
    refusal: str = ""
    asked: float | None = None
    view: View = NO_VIEW
    held: str = ""


class InferenceJob:
    """One window at the reasoner.

    found: what it gives; None where the request was cancelled. back: told when it comes back, if it had been given up.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.deadline = Deadline(request.limit)
        self.found: SimpleQueue[Localization | None] = SimpleQueue()
        self.back: Callable[[str], None] | None = None
        self._cancelled = False
        self._again: InferenceJob | None = None
        self._began = monotonic()

    def cancel(self) -> None:
        """Wait for it no longer, and have it stop as soon as it can."""
        self._cancelled = True
        self.deadline.cancel()
        self.found.put(None)
        if self._again is not None:
            self._again.cancel()

    def again(self) -> InferenceJob:
        """The same for another reasoner, which has as long as the first one had; cancelled with this one."""
        self._again = again = InferenceJob(self.request)
        if self._cancelled:
            again.cancel()
        return again

    @property
    def age(self) -> float:
        """Seconds."""
        return monotonic() - self._began

    @property
    def grace(self) -> float:
        """How long after its deadline a reasoner may still notice that, s."""
        return min(max(MIN_GRACE_S, GRACE * self.request.limit), MAX_GRACE_S)


@dataclass(frozen=True, eq=False)
class _Preparation:
    """A window that the reasoner looks at while it comes."""

    window: Window
    deadline: Deadline


class Inference:
    """The one thread that calls a reasoner."""

    def __init__(self, reasoner: Reasoner) -> None:
        self.name, self._model = reasoner.name, reasoner.model
        self._reasoner = reasoner
        self._jobs: SimpleQueue[InferenceJob | _Preparation | None] = SimpleQueue()
        self._changed = Condition()
        self._job: InferenceJob | _Preparation | None = None
        self._thread = Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    @property
    def stalled(self) -> float | None:
        """How long it has been in a window that is not waited for any more, s; None where it is not."""
        job = self._job
        return job.age if isinstance(job, InferenceJob) and job.back is not None else None

    def start(self, job: InferenceJob) -> bool:
        """Work on it; False where an earlier job does not end."""
        with self._changed:
            patience = job.request.limit if self._hurry() else job.grace  # a step of a preparation may take a while
            if not self._changed.wait_for(lambda: self._job is None, patience):
                return False
            self._job = job
        self._jobs.put(job)
        return True

    def prepare(self, coming: Callable[[], Window | None], limit: float) -> bool:
        """Have the reasoner look at a window that comes; False where it cannot, or works.

        coming: what has come of it, None where nothing has. limit: s.
        """
        with self._changed:
            if self._job is not None or not isinstance(self._reasoner, Preparing) or (window := coming()) is None:
                return False
            self._job = _Preparation(window, Deadline(limit))
        self._jobs.put(self._job)
        return True

    def _hurry(self) -> bool:
        """End a preparation. Returns True if there is one."""
        if not isinstance(self._job, _Preparation):
            return False
        self._job.deadline.cancel()
        return True

    def failure(self, outcome: Outcome, detail: str) -> Localization:
        """The final answer that there is none, for the reason `detail`."""
        return Localization(outcome, Stage.FINAL, self.name, self._model, detail)

    def close(self, patience: float) -> bool:
        """End when the job in hand has. Returns True if that was within so many seconds."""
        with self._changed:
            self._hurry()
        self._jobs.put(None)
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, _Preparation):
                self._prepare(job)
            else:
                self._answer(job)

    def _prepare(self, one: _Preparation) -> None:
        assert isinstance(self._reasoner, Preparing)
        try:
            self._reasoner.prepare(one.window, one.deadline)
        except (Cancelled, DeadlineExceeded):
            pass  # what was seen by then stands
        except Exception:  # the window itself will fail, and be told
            logger.debug("the reasoner %s could not prepare a window", self.name, exc_info=True)
        self._free()

    def _answer(self, job: InferenceJob) -> None:
        try:
            for found in localize(job.request.window, self._reasoner, job.request.options, job.deadline):
                job.found.put(found)
        except Cancelled:
            job.found.put(None)
        except BaseException as problem:  # what the pipeline lets through must not end the thread unnoticed
            job.found.put(self.failure(Outcome.BACKEND_ERROR, f"{type(problem).__name__}: {problem}"))
        self._free()
        if job.back is not None:
            job.back(f"the reasoner {self.name} is back after {job.age:.1f} s")

    def _free(self) -> None:
        with self._changed:
            self._job = None
            self._changed.notify_all()
