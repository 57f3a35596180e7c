"""The reasoner of small trained models: an audio tagger says what is heard, detectors what is seen, synchrony which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.consensus import unit
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import NotLocated
from gar_ssl_ros.gar.stages import (
    SILENCE,
    AnchorVote,
    AudioLabel,
    Consensus,
    Failure,
    Hypothesis,
    Location,
    Refinement,
    Trial,
    Unseen,
)
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.perception.makers import By, Heard
from gar_ssl_ros.perception.tags import RATE
from gar_ssl_ros.reasoners.senses.candidates import MOVING, Candidate, as_candidates, others, seen
from gar_ssl_ros.reasoners.senses.moving import moving
from gar_ssl_ros.reasoners.senses.senses import Senses
from gar_ssl_ros.reasoners.senses.weighing import Evidence, Weighed, asked, weigh
from gar_ssl_ros.reasoners.signal.motion import Motion, measure
from gar_ssl_ros.reasoners.signal.sound import Sound
from gar_ssl_ros.reasoners.signal.synchrony import Courses, Match

ENOUGH = 0.2  # support from which a candidate is named
IN_TIME, DOUBT = 0.6, 0.12  # of a match's score: as likely in time as by chance, and how gradually that changes


class SensesReasoner:
    """See above. `seed` makes its trials differ from run to run; the same seed gives the same answers."""

    name = "senses"

    def __init__(self, senses: Senses, seed: int = 0) -> None:
        self._senses = senses
        self._seed = seed
        self.model: str | None = ", ".join(senses.names)

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[_SensesReading]:
        """Take in a window's sound; its picture is looked at when it is asked for."""
        yield _SensesReading(window, deadline, self._senses, self._seed)


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was seen: all candidates, what each does, and those that were named."""

    candidates: list[Candidate]
    motion: Motion | None
    courses: Courses | None
    evidence: list[Evidence]
    named: list[Weighed]


class _SensesReading:
    def __init__(self, window: Window, deadline: Deadline, senses: Senses, seed: int) -> None:
        assert window.audio is not None  # the pipeline asks nobody about a window without sound
        self._window = window
        self._deadline = deadline
        self._senses = senses
        self._seed = seed
        self._samples = window.audio.mono(RATE)
        self._tags = senses.tagger.tags(self._samples)
        self._heard = senses.makers.heard(self._tags)
        self._sight: _Sight | None = None

    def classify(self) -> AudioLabel:
        label, share = self._senses.makers.label(self._tags)
        silence = float(self._tags.scores[:, self._tags.names.index(SILENCE)].min())
        return AudioLabel(SILENCE, silence) if silence > 0.9 and share < 0.05 else AudioLabel(label, share)

    def locate(self, most: int) -> Sequence[Location] | Unseen:
        motion = measure(self._window)
        candidates = seen(self._senses, self._window.center)
        if motion is not None:
            candidates += as_candidates(moving(motion))
        self._deadline.check()
        courses = None if motion is None else self._courses(motion, candidates)
        evidence = self._evidence(candidates, courses.matches() if courses else None)
        weighed = weigh(self._heard, candidates, evidence)
        named: list[Weighed] = []
        for one in weighed:
            if len(named) < most and one.support >= ENOUGH and one.candidate not in [n.candidate for n in named]:
                named.append(one)
        self._sight = _Sight(candidates, motion, courses, evidence, named)
        return [self._location(one) for one in named] or self._unseen(weighed)

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        sight = self._seen()
        return [[self._trial(_of(h, sight), sight, trial) for trial in range(trials)] for h in hypotheses]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        sight = self._seen()
        return [self._refinement(_of(hypothesis, sight)) for hypothesis, _ in cases]

    def _seen(self) -> _Sight:
        if self._sight is None:
            raise NotLocated("senses is asked about what it has not located: ask `locate` first")
        return self._sight

    def _courses(self, motion: Motion, candidates: Sequence[Candidate]) -> Courses:
        height, width = motion.energy.shape
        rects = []
        for candidate in candidates:
            x1, y1, x2, y2 = (int(side / motion.scale) for side in candidate.box.sides)
            x1, y1 = min(x1, width - 2), min(y1, height - 2)
            rects.append((x1, y1, min(width, max(x2, x1 + 2)), min(height, max(y2, y1 + 2))))
        return Courses(motion.times, [motion.region(rect) for rect in rects], [Sound(self._samples).loudness])

    def _evidence(self, candidates: Sequence[Candidate], matches: Sequence[Match] | None) -> list[Evidence]:
        if not matches:
            return [Evidence(0.0) for _ in candidates]
        return [Evidence(float(1 / (1 + np.exp((IN_TIME - m.score) / DOUBT)))) for m in matches]

    def _location(self, one: Weighed) -> Location:
        return Location(one.candidate.box.sides, self._words(one))

    def _words(self, one: Weighed) -> str:
        what = "something that moves" if one.candidate.kind == MOVING else f"a {one.candidate.kind}"
        i = self._sight.candidates.index(one.candidate) if self._sight else 0
        return f"{what} in view goes with {one.heard.sound} [{one.heard.group.name} {one.candidate.sure:.2f} {one.candidate.strength:.1f} {self._sight.evidence[i].timing:.2f}]"

    def _unseen(self, weighed: Sequence[Weighed]) -> Unseen:
        first = self._heard[0] if self._heard else None
        if first is None or first.share < 0.5 or not first.group.seen:
            return Unseen(off_screen=False, reason="what is heard names nothing that can be looked for")
        looked = " or ".join(first.group.seen)
        again = [c for frame in others(self._window) for c in seen(self._senses, frame)]
        known = any(c.kind in first.group.seen for c in again)
        if known or weighed or first.group.mostly or first.group.by is By.HANDS:
            return Unseen(off_screen=False, reason=f"{first.sound} is heard, and nothing shows which thing makes it")
        return Unseen(off_screen=True, reason=f"{first.sound} is heard, and no {looked} is in view")

    def _trial(self, one: Weighed, sight: _Sight, trial: int) -> Trial:
        return Trial(unit(one.support), (one.candidate.tag,), (), True)

    def _refinement(self, one: Weighed) -> Refinement:
        return Refinement(one.candidate.box.sides, False, None, self._words(one))


def _of(hypothesis: Hypothesis, sight: _Sight) -> Weighed:
    return max(sight.named, key=lambda one: one.candidate.box.iou(hypothesis.box))
