"""Windows to answers, one at a time, off the executor's threads.

Each reasoner, the fallback too, has a thread of its own, which alone ever calls it. A supervisor's has the newest
window cut once it is free, watches the clock while a reasoner works on it, and publishes. A reasoner that neither
answers nor stops does not stop them: its window ends in TIMEOUT, and windows are answered without it until it comes
back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty
from threading import Condition, Thread
from time import monotonic
from typing import Generic, TypeVar

from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.gar.pipeline import with_fallback
from gar_ssl_ros.gar.reasoner import Fallback, Reasoner
from gar_ssl_ros.masks.following import Follower
from gar_ssl_ros.masks.segmenter import Segmenter
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.work.inference import Inference, InferenceJob, Request
from gar_ssl_ros.work.masking import Masker

__all__ = ["Answer", "Request", "Worker", "WorkerStatistics"]

MASKS_WAIT_S = 0.1  # s: for so long a final answer waits for its masks; what takes longer comes after it
FOLLOWED_WAIT_S = 0.5  # s: the same where by them its sources are known again
NOISE_GATE = "noise_gate"  # who answers, where it holds a window back

Published = TypeVar("Published")


def _ignore(_: object) -> None:
    """For whoever waits for the final answer alone."""


@dataclass(frozen=True)
class Answer:
    """What is known of a request's window; the last one is final.

    dropped: windows given up for newer ones since the last final answer. late: True if it was published before, and is
    told again with its masks.
    """

    request: Request
    found: Localization
    dropped: int
    late: bool = False


@dataclass(frozen=True)
class WorkerStatistics:
    """A snapshot of what a worker has done and is doing.

    offered, answered, dropped: windows. overruns: windows that took longer than they may. fallbacks: windows that the
    fallback answered. gated: windows that the noise gate held back. outcomes: of the answered ones. waiting: those that
    do. busy: s that the window in hand has taken so far at the reasoner or the fallback, None where there is none.
    stalled: s that one of them has been stuck in a window given up; None where neither is. last: what the newest final
    answer says.
    """

    offered: int
    answered: int
    dropped: int
    overruns: int
    fallbacks: int
    gated: int
    outcomes: Counter[Outcome]
    waiting: int
    busy: float | None
    stalled: float | None
    last: Localization | None


class Worker(Generic[Published]):
    """Answers the newest window offered; thread-safe. `close` it in the end."""

    def __init__(
        self,
        reasoner: Reasoner,
        publish: Callable[[Answer], Published | None],
        tell: Callable[[str], None],
        segmenter: Segmenter | None = None,
        publish_masks: Callable[[Answer], None] = _ignore,
    ) -> None:
        """
        reasoner: the second one of a Fallback answers also where the first one hangs.
        publish: called with each answer, one at a time, on the supervisor's thread; what it makes of a final one is for
        who asked, None where it cannot publish any more. tell: given a sentence when the reasoner stalls and when it
        comes back. segmenter: of the sources' masks; none where None. publish_masks: called with each final answer once
        its masks are known, or are known to fail, after `publish`; on any thread.
        """
        self._publish_masks = publish_masks
        self._masker = None if segmenter is None else Masker(segmenter)
        self._masks_wait = FOLLOWED_WAIT_S if isinstance(segmenter, Follower) else MASKS_WAIT_S
        self._publish = publish
        self._tell = tell
        self._changed = Condition()
        self._newest: Callable[[], Request] | None = None
        self._asked: deque[tuple[Request, Future[Published], Callable[[Published], None]]] = deque()
        self._closing = False
        self._cleared = 0  # times
        self._job: InferenceJob | None = None
        self._counts: Counter[str] = Counter()
        self._outcomes: Counter[Outcome] = Counter()
        self._dropped = 0
        self._last: Localization | None = None  # not its window, whose frames take much memory
        pair = (reasoner.first, reasoner.second) if isinstance(reasoner, Fallback) else (reasoner,)
        self._inferences = tuple(Inference(each) for each in pair)
        self._supervisor = Thread(target=self._supervise, name="supervisor", daemon=True)
        self._supervisor.start()

    def offer(self, newest: Callable[[], Request]) -> None:
        """A window is due: have one answered next, instead of one that still waits.

        newest: makes the request once it is its turn, so that its window can be the newest by then; called on the
        supervisor's thread.
        """
        with self._changed:
            self._counts["offered"] += 1
            if self._newest is not None:
                self._drop()
            self._newest = newest
            self._changed.notify_all()

    def ask(self, request: Request, early: Callable[[Published], None] = _ignore) -> Future[Published]:
        """Have it answered before any that was offered, none dropped; what is published of its final answer.

        early: given what is published of an answer before that, on the supervisor's thread. Who cancels the future
        gives it up, waiting or in hand. Cancelled by `clear`, too, and where nothing is published.
        """
        future: Future[Published] = Future()
        with self._changed:
            if self._closing:
                future.cancel()
            else:
                self._asked.append((request, future, early))
                self._changed.notify_all()
        return future

    def prepare(self, coming: Callable[[], Window | None], limit: float) -> bool:
        """Have the reasoner look at a window while it comes, if it is free and can; True if it does.

        coming: what has come of it, None where nothing has. limit: s that this may take; it ends where a window is due.
        """
        with self._changed:
            free = not (self._asked or self._newest or self._job or self._closing)
        return free and self._inferences[0].prepare(coming, limit)

    def clear(self) -> None:
        """Give up what waits and what is being worked on."""
        with self._changed:
            self._cleared += 1
            self._newest = None
            for _, future, _ in self._asked:
                future.cancel()
            self._asked.clear()
            if self._job is not None:
                self._job.cancel()
        if self._masker is not None:
            self._masker.cancel()

    def close(self, patience: float) -> bool:
        """Stop. Returns True if all threads ended in so many seconds; a reasoner that ignores its cancel may not."""
        end = monotonic() + patience
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.clear()
        self._supervisor.join(max(0.0, end - monotonic()))
        threads: list[Inference | Masker] = [*self._inferences, *([self._masker] if self._masker else [])]
        ended = [each.close(max(0.0, end - monotonic())) for each in threads]
        return all(ended) and not self._supervisor.is_alive()

    @property
    def statistics(self) -> WorkerStatistics:
        """A snapshot."""
        with self._changed:
            job, counts = self._job, self._counts
            return WorkerStatistics(
                offered=counts["offered"],
                answered=counts["answered"],
                dropped=counts["dropped"],
                overruns=counts["overruns"],
                fallbacks=counts["fallbacks"],
                gated=counts["gated"],
                outcomes=Counter(self._outcomes),
                waiting=sum(not future.cancelled() for _, future, _ in self._asked) + (self._newest is not None),
                busy=None if job is None else job.age,
                stalled=max((each.stalled for each in self._inferences if each.stalled is not None), default=None),
                last=self._last,
            )

    def _drop(self) -> None:
        self._counts["dropped"] += 1
        self._dropped += 1

    def _supervise(self) -> None:
        while (taken := self._next()) is not None:
            request, future, early, cleared = taken
            with self._changed:
                given_up = self._cleared != cleared
                if not given_up:
                    dropped, self._dropped = self._dropped, 0
                    self._job = job = InferenceJob(request)
            if given_up:
                if future is not None:
                    future.cancel()
                continue
            if future is not None:
                future.add_done_callback(partial(_give_up, job))
            published: Published | None = None
            try:
                published = self._answer(job, dropped, early)
            except Exception as problem:  # of whoever publishes
                self._tell(f"an answer could not be published: {type(problem).__name__}: {problem}")
            with self._changed:
                self._job = None
            if future is not None and published is not None and future.set_running_or_notify_cancel():
                future.set_result(published)
            elif future is not None:
                future.cancel()

    def _next(self) -> tuple[Request, Future[Published] | None, Callable[[Published], None], int] | None:
        """What is to be answered, who waits for it, who hears of it early, and how often was cleared before it was cut.

        None where the worker closes. A window is cut, and listened to, while nobody who offers one has to wait.
        """
        while True:
            with self._changed:
                while not (self._asked or self._newest or self._closing):
                    self._changed.wait()
                if self._closing:
                    return None
                if self._asked:
                    request, future, early = self._asked.popleft()
                    if future.cancelled():
                        continue
                    return request, future, early, self._cleared
                newest, self._newest, cleared = self._newest, None, self._cleared
                assert newest is not None
            try:
                return newest(), None, _ignore, cleared
            except Exception as problem:  # of memory, say: the next one is answered all the same
                self._tell(f"a window could not be cut: {type(problem).__name__}: {problem}")
                with self._changed:
                    self._drop()

    def _answer(self, job: InferenceJob, dropped: int, early: Callable[[Published], None]) -> Published | None:
        """Publish what becomes known; None where the request was cancelled."""
        final: Localization | None = None
        for found in self._found(job):
            if found.stage is Stage.FINAL:
                final = found
            elif (published := self._publish(Answer(job.request, found, dropped))) is not None:
                early(published)
        if final is None:
            return None
        answer = Answer(job.request, final, dropped)
        with self._changed:
            self._counts["answered"] += 1
            self._counts["gated"] += bool(job.request.held)
            self._counts["fallbacks"] += final.instead_of is not None
            self._counts["overruns"] += (final.instead_of or final).outcome is Outcome.TIMEOUT
            self._outcomes[final.outcome] += 1
            self._last = final
        if self._masker is None:
            return self._publish(answer)
        return self._with_masks(self._masker, answer)

    def _with_masks(self, masker: Masker, answer: Answer) -> Published | None:
        """Publish an answer with its masks, if they are soon there, or else them after it."""
        request = answer.request
        masking = masker.start(answer.found, request.window, request.limit)
        wait([masking], self._masks_wait)
        late = not masking.done()
        if not (late or masking.cancelled()):
            answer = replace(answer, found=masking.result())
        published = self._publish(answer)

        def tell(done: Future[Localization]) -> None:
            if published is None or done.cancelled():
                return
            try:
                self._publish_masks(replace(answer, found=done.result(), late=late))
            except Exception as problem:  # of whoever publishes
                self._tell(f"masks could not be published: {type(problem).__name__}: {problem}")

        masking.add_done_callback(tell)
        return published

    def _found(self, job: InferenceJob) -> Iterable[Localization]:
        """What becomes known; nothing final where the request was cancelled."""
        request = job.request
        first, *fallback = self._inferences
        if request.held:
            return [Localization(Outcome.UNCERTAIN, Stage.FINAL, NOISE_GATE, None, request.held)]
        if request.refusal:
            return [first.failure(Outcome.BACKEND_ERROR, request.refusal)]
        if not fallback:
            return self._reasoned(job, first)
        return with_fallback(self._reasoned(job, first), lambda: self._reasoned(job.again(), *fallback))

    def _reasoned(self, job: InferenceJob, inference: Inference) -> Iterator[Localization]:
        """What a reasoner finds, or TIMEOUT where it hangs."""
        limit = job.request.limit
        if not inference.start(job):
            detail = f"the reasoner has been stuck in an earlier window for {inference.stalled or 0:.1f} s"
            yield inference.failure(Outcome.TIMEOUT, detail)
            return
        while True:
            try:
                found = job.found.get(timeout=max(0.0, limit + job.grace - job.age))
            except Empty:
                job.deadline.cancel()
                job.back = self._tell
                late = f"it has neither answered nor stopped after {limit:.1f} s"
                until = "windows are answered without it until it is back"
                self._tell(f"the reasoner {inference.name} is stuck: {late}; {until}")
                yield inference.failure(Outcome.TIMEOUT, f"the reasoner did not stop at its deadline of {limit:.1f} s")
                return
            if found is None:
                return
            yield found
            if found.stage is Stage.FINAL:
                return


def _give_up(job: InferenceJob, answered: Future[Published]) -> None:
    if answered.cancelled():
        job.cancel()
