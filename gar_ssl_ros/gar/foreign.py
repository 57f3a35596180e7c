"""Reasoners from outside this package: what they answer is held against its type as it comes, and trusted from then on.

Imported only where there is one: it needs pydantic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import Reading, Reasoner, ReasonerError
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import Window

Kind = TypeVar("Kind")

# Each the only part of a tuple: of a dataclass by itself, pydantic takes no configuration.
LOOK_INSIDE = ConfigDict(
    revalidate_instances="always",
    str_min_length=0,  # of a text with any bound, pydantic makes sure that it is Unicode, which no message is without
)
SOUND = TypeAdapter(tuple[AudioLabel], config=LOOK_INSIDE)
PLACES = TypeAdapter(tuple[tuple[Location, ...] | Unseen], config=LOOK_INSIDE)
TRIALS = TypeAdapter(tuple[tuple[tuple[Trial | Failure, ...], ...]], config=LOOK_INSIDE)
REFINEMENTS = TypeAdapter(tuple[tuple[Refinement | Failure, ...]], config=LOOK_INSIDE)


class ForeignReasoner:
    """Another's reasoner; its readings raise ReasonerError where an answer is not of its type."""

    def __init__(self, reasoner: Reasoner) -> None:
        self._reasoner = reasoner

    @property
    def name(self) -> str:
        """Its own."""
        return self._reasoner.name

    @property
    def model(self) -> str | None:
        """Its own."""
        return self._reasoner.model

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Reading]:
        """As it does."""
        with self._reasoner.read(window, deadline) as reading:
            yield _ForeignReading(reading)


class _ForeignReading:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def classify(self) -> AudioLabel:
        return _checked("classify", SOUND, self._reading.classify())

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        return _checked("locate", PLACES, self._reading.locate(max_sources))

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        answers = _checked("analyze", TRIALS, self._reading.analyze(hypotheses, trials))
        return _one_each("analyze", hypotheses, answers)

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        answers = _checked("refine", REFINEMENTS, self._reading.refine(cases))
        return _one_each("refine", cases, answers)


def _checked(stage: str, kind: TypeAdapter[tuple[Kind]], answer: object) -> Kind:
    try:
        return kind.validate_python((answer,))[0]
    except ValidationError as problem:
        first = problem.errors()[0]
        told = ": ".join((*map(str, first["loc"][1:]), first["msg"]))
        raise ReasonerError(f"the reasoner's answer to {stage} cannot be used: {told}") from None


def _one_each(stage: str, asked: Sequence[object], answers: Sequence[Kind]) -> Sequence[Kind]:
    if len(answers) != len(asked):
        told = f"they are {len(answers)} for {len(asked)} sources"
        raise ReasonerError(f"the reasoner's answers to {stage} cannot be used: {told}")
    return answers
