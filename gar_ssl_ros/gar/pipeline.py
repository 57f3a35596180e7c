"""Generation, analysis, gate, refinement: GAR over one window (arXiv:2604.06824, section 3)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np

from gar_ssl_ros.gar.boxes import Box, box_from_reply, clamp_refinement
from gar_ssl_ros.gar.consensus import consensus, unit
from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded
from gar_ssl_ros.gar.heard import answered, explains, joined, out_of_view, places, ratio
from gar_ssl_ros.gar.localization import Case, Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.reasoner import Expecting, Fallback, Reading, Reasoner, ReasonerError, Seeing, Unparseable
from gar_ssl_ros.gar.stages import SILENCE, AudioLabel, Consensus, Failure, Hypothesis, Refinement, Unseen
from gar_ssl_ros.media.window import SECOND, Audio, Sighting, Window

logger = logging.getLogger(__name__)

SILENCE_DBFS = -60.0  # dBFS: a window whose loudest 50 ms are below holds no sound, and no reasoner need be asked
MAX_LOST_SOUND = 0.5  # of the sound: with more than that missing, nothing can be concluded from the rest
SAME_THING_IOU = 0.5  # intersection over union from which on a source is what the robot's own detector saw there
MAX_DAMAGED_TIME = 0.25  # of the time: each damaged picture spoils the motion to it and from it, so half of it by then
NOTHING_SAID = Unseen(off_screen=False, reason="nothing was located, and nothing was said of why")


def gate(analysis: Consensus, sound: AudioLabel, options: GarOptions) -> bool:
    """True if the initial box stands (eq. 10)."""
    return analysis.keep and analysis.av_consistency >= options.tau_av and sound.confidence >= options.tau_aud


def localize(
    window: Window, reasoner: Reasoner, options: GarOptions | None = None, deadline: Deadline | None = None
) -> Iterator[Localization]:
    """Localize what sounds in a window, handing out what is known as it comes; the last one is final.

    An initial localization comes as soon as there are boxes. Failures are outcomes, never exceptions, and keep the
    results of the stages before them. A Fallback's second reasoner answers where its first one fails. Raises Cancelled
    where the deadline was cancelled.
    """
    deadline = deadline or Deadline()
    if isinstance(reasoner, Fallback):
        second = partial(localize, window, reasoner.second, options, deadline.without_limit())
        return with_fallback(localize(window, reasoner.first, options, deadline), second)
    return _Run(window, reasoner, options or GarOptions(), deadline).steps()


def with_fallback(
    first: Iterable[Localization], second: Callable[[], Iterable[Localization]]
) -> Iterator[Localization]:
    """What the first reasoner finds; where that is a failure, what the second does, unless it fails too.

    first, second: as of `localize`, or of what asks a reasoner in another way and outlives one that hangs.
    """
    failed: Localization | None = None
    for found in first:
        if found.outcome.failed:
            failed = found
        else:
            yield found
    if failed is None:
        return
    why = f"{failed.reasoner} failed ({failed.outcome.value}: {failed.detail})"
    for found in second():
        if found.outcome.failed:
            yield failed
            continue
        detail = f"{why}; {found.reasoner} answered instead" + (f": {found.detail}" if found.detail else "")
        timing = replace(found.timing, total=failed.timing.total + found.timing.total)
        yield replace(found, detail=detail, timing=timing, instead_of=failed)


class _Run:
    """One window on its way through the stages."""

    def __init__(self, window: Window, reasoner: Reasoner, options: GarOptions, deadline: Deadline) -> None:
        self._window = window
        self._reasoner = reasoner
        self._options = options
        self._deadline = deadline
        self._start = perf_counter()
        self._seen: Sequence[Sighting] = window.sightings
        self._known = Localization(Outcome.SILENT, Stage.FINAL, reasoner.name, reasoner.model)

    def steps(self) -> Iterator[Localization]:
        try:
            yield from self._stages()
        except Cancelled:
            raise
        except DeadlineExceeded:
            yield self._final(Outcome.TIMEOUT, "the window took longer than its deadline")
        except Unparseable as problem:
            yield self._final(Outcome.UNPARSEABLE, str(problem))
        except ReasonerError as problem:
            yield self._final(Outcome.BACKEND_ERROR, str(problem))
        except Exception as problem:
            logger.exception("the reasoner %s failed", self._reasoner.name)
            yield self._final(Outcome.BACKEND_ERROR, f"{type(problem).__name__}: {problem}")

    def _stages(self) -> Iterator[Localization]:
        audio = self._window.audio
        if audio is None:
            yield self._final(Outcome.SILENT, "there is no sound to hear")
            return
        length = self._window.end - self._window.start
        if self._window.audio_gap > MAX_LOST_SOUND * length:
            lost = f"{self._window.audio_gap / SECOND:.1f} s of {length / SECOND:.1f} s of sound are missing"
            yield self._final(Outcome.BACKEND_ERROR, f"{lost}: nothing can be concluded from the rest")
            return
        if loudest(audio) < SILENCE_DBFS:
            yield self._final(Outcome.SILENT, f"no 50 ms of it are louder than {SILENCE_DBFS:.0f} dBFS")
            return
        self._deadline.check()
        with self._timed("read"):
            entered = self._reasoner.read(self._window, self._deadline)
        with entered as reading:
            yield from self._generation(reading)

    def _generation(self, reading: Reading) -> Iterator[Localization]:
        if isinstance(reading, Expecting):
            reading.expect(self._options.sources)
        with self._timed("classify"):
            sound = reading.classify()
        self._know(sound=replace(sound, confidence=unit(sound.confidence)))
        if sound.label == SILENCE:
            yield self._final(Outcome.SILENT, "there is nothing but silence to hear")
            return
        self._deadline.check()
        with self._timed("locate"):
            located = reading.locate(self._options.sources)
        if self._window.heard and isinstance(reading, Seeing):
            self._seen = [*self._window.sightings, *reading.seen()]
        if isinstance(located, Unseen) or not located:
            yield self._unseen(located if isinstance(located, Unseen) else NOTHING_SAID)
            return
        cases = []
        for location in located[: self._options.sources]:
            box = self._box(location.sides)
            if box is None:
                cases.append(Case(location, failure=f"{list(location.sides)} is no box of the image"))
            else:
                heard = location.sound or sound
                heard = replace(heard, confidence=unit(heard.confidence))
                cases.append(Case(location, Hypothesis(box, location.description, heard)))
        self._know(cases=tuple(cases))
        if all(case.hypothesis is None for case in cases):
            raise Unparseable("no located box can be used: " + "; ".join(case.failure or "" for case in cases))
        yield self._localized(Stage.INITIAL)
        self._deadline.check()
        yield from self._verification(reading)

    def _unseen(self, unseen: Unseen) -> Localization:
        """The answer where nothing was found in view: that nothing is there, if that was heard, or claimed and seen."""
        where = out_of_view(self._window)
        if where:
            return self._final(Outcome.OFF_SCREEN, f"the sound comes from {where}: {unseen.reason}")
        if not unseen.off_screen:
            return self._final(Outcome.UNCERTAIN, unseen.reason)  # of damaged pictures too: it claims nothing of them
        length, damage = self._window.end - self._window.start, self._window.damage
        if damage > MAX_DAMAGED_TIME * length:
            damaged = f"{damage / SECOND:.1f} s of {length / SECOND:.1f} s show damaged pictures"
            return self._final(Outcome.BACKEND_ERROR, f"{damaged}: that nothing was found in them proves nothing")
        return self._final(Outcome.OFF_SCREEN, unseen.reason)

    def _verification(self, reading: Reading) -> Iterator[Localization]:
        if self._options.analysis:
            self._analyze(reading)
            self._deadline.check()
        if self._options.refinement:
            self._refine(reading)
        if all(case.failure is not None for case in self._known.cases):
            raise Unparseable(
                "no located source could be verified: " + "; ".join(c.failure or "" for c in self._known.cases)
            )
        yield self._localized(Stage.FINAL)

    def _analyze(self, reading: Reading) -> None:
        standing = [(case, hypothesis) for case in self._known.cases if (hypothesis := case.standing)]
        with self._timed("analyze"):
            answers = reading.analyze([hypothesis for _, hypothesis in standing], self._options.trials)
        for (case, hypothesis), trials in zip(standing, answers, strict=True):
            if not trials:  # nobody looked: it stands as it was located, and has no S_av
                continue
            agreed = consensus(trials)
            direction = ratio(self._window, hypothesis.box)
            agreed = replace(agreed, av_consistency=joined(agreed.av_consistency, direction))
            self._replace(
                case,
                trials=tuple(trials),
                consensus=agreed,
                kept=gate(agreed, hypothesis.sound, self._options),
                failure=None if agreed.failed < agreed.trials else "every trial of its analysis failed",
            )

    def _refine(self, reading: Reading) -> None:
        looked = [case for case in self._known.cases if case.trials or not self._options.analysis]
        doubted = [(case, hypothesis) for case in looked if (hypothesis := case.standing) and not case.kept]
        if not doubted:
            return
        with self._timed("refine"):
            refinements = reading.refine([(hypothesis, c.consensus or consensus(())) for c, hypothesis in doubted])
        for (case, _), refinement in zip(doubted, refinements, strict=True):
            failed = f"its refinement failed: {refinement.reason}" if isinstance(refinement, Failure) else None
            self._replace(case, refinement=refinement, failure=failed)

    def _localized(self, stage: Stage) -> Localization:
        sources = tuple(self._source(c, hypothesis) for c in self._known.cases if (hypothesis := c.standing))
        failures = [case.failure for case in self._known.cases if case.failure]
        detail = f"{len(failures)} of {len(self._known.cases)} located sources dropped: {'; '.join(failures)}"
        told = [detail] if failures else []
        if not all(explains(self._window, source.box) for source in sources):
            told.append(f"a box is far from where the sound comes from: {places(self._window)}")
        self._know(outcome=Outcome.LOCALIZED, stage=stage, sources=sources, detail="; ".join(told))
        return self._now()

    def _source(self, case: Case, hypothesis: Hypothesis) -> Source:
        box, description = hypothesis.box, hypothesis.description
        if isinstance(case.refinement, Refinement):
            box = self._refined(hypothesis.box, case.refinement)
            description = case.refinement.description or description
        return Source(
            box=box,
            label=hypothesis.sound.label,
            audio_confidence=hypothesis.sound.confidence,
            av_consistency=None if case.consensus is None else case.consensus.av_consistency,
            description=description,
            initial_box=hypothesis.box,
            refined=box != hypothesis.box,
            share=None if case.location.share is None else unit(case.location.share),
            id=case.location.id or self._sighted(box),
            mask=None if box != hypothesis.box else self._mask(case.location.mask),
        )

    def _mask(self, told: Mask | None) -> Mask | None:
        """As the reasoner told it, where it is one of the center frame."""
        size = (self._window.center.width, self._window.center.height)
        return told if told is not None and told.area and (told.width, told.height) == size else None

    def _sighted(self, box: Box) -> str:
        """The id of what the robot's own detectors saw there; empty where they saw nothing, or gave it no id."""
        seen = [(self._box(one.sides), one.id) for one in self._window.sightings if one.id]
        overlaps = [(box.iou(other), name) for other, name in seen if other is not None]
        overlap, name = max(overlaps, default=(0.0, ""))
        return name if overlap >= SAME_THING_IOU else ""

    def _refined(self, initial: Box, reply: Refinement) -> Box:
        """The reply's box, or else its operation on the initial box, never further than refinement may go."""
        if not reply.changed:
            return initial
        box = None if reply.sides is None else self._box(reply.sides)
        if box is not None:
            wanted = box.sides
        elif reply.operation is not None:
            wanted = reply.operation.sides(initial)
        else:
            return initial
        return clamp_refinement(initial, wanted, self._window.center.width, self._window.center.height)

    def _box(self, sides: Sequence[float]) -> Box | None:
        frame = self._window.center
        return box_from_reply(sides, frame.width, frame.height)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self._know(timing=replace(self._known.timing, **{stage: perf_counter() - start}))

    def _replace(self, case: Case, **changes: object) -> None:
        cases: Sequence[Case] = [replace(c, **changes) if c is case else c for c in self._known.cases]  # type: ignore[arg-type]
        self._know(cases=tuple(cases))

    def _know(self, **facts: object) -> None:
        self._known = replace(self._known, **facts)  # type: ignore[arg-type]

    def _now(self) -> Localization:
        boxes = [source.box for source in self._known.sources]
        self._know(directions=answered(self._window, boxes, self._seen))
        self._know(timing=replace(self._known.timing, total=perf_counter() - self._start))
        return self._known

    def _final(self, outcome: Outcome, detail: str) -> Localization:
        self._know(outcome=outcome, stage=Stage.FINAL, sources=(), detail=detail)
        return self._now()


def loudest(audio: Audio) -> float:
    """The level of its loudest 50 ms, dBFS."""
    block = max(1, audio.rate // 20)
    count = audio.samples.shape[1] // block
    whole = audio.samples[:, : count * block] if count else audio.samples
    power = (whole.astype(np.float64) ** 2).mean(axis=0).reshape(max(1, count), -1).mean(axis=1)
    return float(10 * np.log10(power.max(initial=0.0) + 1e-12))
