"""Who does the work: this process, with one or more samples in flight, or a Ray cluster. The records are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from time import monotonic, sleep

from gar_ssl_ros import reasoners
from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.evaluation.cluster import EngineError, ray_cluster, spread
from gar_ssl_ros.evaluation.record import SampleRecord, evaluate, options_for
from gar_ssl_ros.evaluation.samples import Sample
from gar_ssl_ros.evaluation.settings import Settings
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.reasoner import Reasoner, ReasonerError
from gar_ssl_ros.masks import segmenter_of

NAMES = ("local", "ray")
PAUSES_S = (1.0, 4.0, 15.0)  # s: before a sample is asked about again that a server, which has answered, did not answer
POLL_S = 0.1  # s: how often a pause looks whether it goes on
MAX_UNANSWERED = 3  # samples in a row, by which a server has gone


def check_reasoner(settings: Settings) -> None:
    """Raises EngineError where there is none of that name, or it has no model, and UsageError where it is `auto`, or
    something is said about a model and it asks none. Loads nothing.
    """
    if settings.reasoner == reasoners.AUTO:  # another one on another machine
        raise UsageError("the reasoner is auto, and a run must say what ran: choose signal or senses")
    if not reasoners.known(settings.reasoner, named=(settings.reasoner,)):
        raise EngineError(f"there is no reasoner {settings.reasoner!r}: choose one of {', '.join(reasoners.names())}")
    try:
        if settings.reasoner in reasoners.OURS:
            reasoners.OURS[settings.reasoner].check(settings.told)
    except ReasonerError as problem:
        raise EngineError(str(problem)) from None
    reasoners.refuse_unused(settings.reasoner, None, settings.told)


def chosen_reasoner(settings: Settings) -> Reasoner:
    """Ready to be asked; a model is held by the first GPU, or else the CPU. Raises EngineError."""
    check_reasoner(settings)
    try:
        return reasoners.reasoner(settings.reasoner, settings.told, named=(settings.reasoner,))
    except ReasonerError as problem:
        raise EngineError(str(problem)) from None


def check_in_flight(settings: Settings, in_flight: int) -> None:
    """Raises UsageError where several samples at once would only wait for each other."""
    if in_flight > 1 and settings.reasoner in reasoners.OURS and not _elsewhere(settings):
        raise UsageError(
            f"--in-flight {in_flight}: the reasoner {settings.reasoner} works in this process, one window after the "
            "other: leave it out, or spread the samples with --shard or --engine ray"
        )


def locally(samples: Sequence[Sample], settings: Settings, in_flight: int = 1) -> Iterator[SampleRecord]:
    """One after the other, in their order; or so many at once, as they are done.

    Raises EngineError where the work is elsewhere and nobody there does it any more.
    """
    work = _Work(settings)
    records: Iterator[SampleRecord]
    if in_flight > 1:
        records = at_once(work.evaluate, samples, in_flight)
    else:
        records = (work.evaluate(sample, Deadline()) for sample in samples)
    return answered(records, settings)


def at_once(
    evaluate: Callable[[Sample, Deadline], SampleRecord], samples: Sequence[Sample], count: int
) -> Iterator[SampleRecord]:
    """Each evaluated on one of so many threads, as they are done. Raises whatever `evaluate` does.

    What is under way is cancelled once nobody asks for more, and none of it goes on after that.
    """
    waiting, deadline = iter(samples), Deadline()
    with ThreadPoolExecutor(count, "sample") as pool:
        try:
            pending = {pool.submit(evaluate, sample, deadline) for sample in islice(waiting, count)}
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                pending |= {pool.submit(evaluate, sample, deadline) for sample in islice(waiting, len(done))}
                yield from (one.result() for one in done)
        finally:
            deadline.cancel()


def answered(records: Iterator[SampleRecord], settings: Settings) -> Iterator[SampleRecord]:
    """All of them; but where a server does not answer for several in a row, these are no results, and it is told.

    Raises EngineError.
    """
    unanswered: list[SampleRecord] = []
    for record in records:
        if _elsewhere(settings) and _unanswered(record):
            unanswered.append(record)
            if len(unanswered) == MAX_UNANSWERED:
                why = (unanswered[0].failure or "").removeprefix(f"{record.outcome}: ")
                raise EngineError(f"{why}; then go on with --resume: what was computed so far is on disk")
            continue
        if _answered(record):
            yield from unanswered
            unanswered.clear()
        yield record
    yield from unanswered


def _elsewhere(settings: Settings) -> bool:
    """True if another process does the reasoner's work."""
    return settings.reasoner in reasoners.OURS and reasoners.OURS[settings.reasoner].elsewhere


def _unanswered(record: SampleRecord) -> bool:
    return record.outcome == Outcome.BACKEND_ERROR.value


def _answered(record: SampleRecord) -> bool:
    """True if a reasoner was asked, and said something: not where there is nothing to see, or nothing to hear."""
    return record.found is not None and not _unanswered(record) and record.found.outcome is not Outcome.SILENT


def on_ray(samples: Sequence[Sample], settings: Settings) -> Iterator[SampleRecord]:
    """As many at once as the existing Ray cluster has CPUs (of a model: GPUs, where it has any), as they are done.

    Every machine of the cluster needs the package and the media at the same places. Raises EngineError where there is
    no cluster, or it fails.
    """
    with ray_cluster() as ray:
        yield from answered(
            spread(ray, _Work, [settings], "evaluate", [(sample,) for sample in samples], bool(settings.model)),
            settings,
        )


class _Work:
    """A worker with its reasoner and segmenter, made once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reasoner = chosen_reasoner(settings)
        self._segmenter = segmenter_of(settings.masks)
        self._has_answered = False

    def evaluate(self, sample: Sample, deadline: Deadline | None = None) -> SampleRecord:
        """Raises Cancelled as the deadline does. A server that has answered before is given time to come back."""
        deadline = deadline or Deadline()
        gar = options_for(sample, self._settings.gar, self._settings.sources)
        record = evaluate(sample, self._reasoner, gar, deadline, self._segmenter)
        for pause in PAUSES_S if _elsewhere(self._settings) else ():
            if not _unanswered(record) or not self._has_answered:
                break
            end = monotonic() + pause
            while monotonic() < end:
                deadline.check()
                sleep(POLL_S)
            record = evaluate(sample, self._reasoner, gar, deadline, self._segmenter)
        self._has_answered |= _answered(record)
        return record
