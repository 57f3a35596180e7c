"""How well spatial questions are answered: the figures of "Hear You Are", its Tables 2 to 4.

Answers are read from their words. What cannot be read is wrong, and counted; its direction is 180 degrees off, and its
distance is left out of that mean. A class is right where its name is the same, but for case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gar_ssl_ros.evaluation.questions.record import QuestionRecord
from gar_ssl_ros.spatial.questions.forms import DISTANCE, FORMS, PLACE, Fields, QuestionType, Spot
from gar_ssl_ros.spatial.questions.words import read_answer

ACCURATE_DEGREES = 20  # on the great circle. The paper names none; its rate of chance, 7.6 to 7.9 %, fits 20
OTHER_DEGREES = (15, 30)
FAR_DEGREES = 30.0  # Table 3 counts what is further off
UNREAD_DEGREES = 180.0  # of an answer without a direction
CHANCE_DRAWS = 20
# What differs with how well one hears and sees: of a sound that is no thing's in view, or one of two alike, and places.
PAIRED = (
    "Q1 (non-matching)",
    "Q5 sounding accuracy",
    "Q6 sounding accuracy",
    "Q7 DoA accuracy",
    "Q8 DoA accuracy",
)
Z = 1.96  # standard deviations of a 95 % interval

Told = Fields | None
Score = Callable[[QuestionRecord, Told], float]


@dataclass(frozen=True)
class Metric:
    """name: as the paper's tables have it. unit: `%`, `°` or `m`. score: of one question: 0..1, degrees or m; NaN where
    it does not count. counts: which questions do.
    """

    name: str
    unit: str
    types: tuple[QuestionType, ...]
    score: Score
    counts: Callable[[QuestionRecord], bool] = lambda _: True

    def of(self, record: QuestionRecord) -> bool:
        """True if it is a figure of such questions."""
        return record.question_type in self.types and self.counts(record)


@dataclass(frozen=True)
class Figure:
    """value: the mean, 0..1, degrees or m; NaN where there is none. half: of its 95 % interval. count: questions."""

    value: float
    half: float
    count: int


def read_all(records: Sequence[QuestionRecord], answers: Mapping[str, str]) -> list[Told]:
    """The fields of each question's answer, in words by id; None where there is none that can be read."""
    return [read_answer(one.question_type, answers.get(one.id, "")) for one in records]


def figures(records: Sequence[QuestionRecord], told: Sequence[Told]) -> dict[str, Figure]:
    """By the metrics' names, those alone of which there are questions."""
    found = {}
    for metric in METRICS:
        scores = [metric.score(one, fields) for one, fields in zip(records, told, strict=True) if metric.of(one)]
        if scores:
            found[metric.name] = _figure(scores, metric.unit == "%")
    return found


def differences(records: Sequence[QuestionRecord], told: Sequence[Told], others: Sequence[Told]) -> dict[str, Figure]:
    """How much more `told` has than `others`, question by question, of the figures in PAIRED of which there are any.

    value: the mean difference, -1..1; half: of its 95 % interval, normal, of the mean of paired differences.
    """
    found = {}
    for metric in METRICS:
        pairs = [pair for pair in zip(records, told, others, strict=True) if metric.of(pair[0])]
        if metric.name in PAIRED and pairs:
            off = np.array([metric.score(one, mine) - metric.score(one, theirs) for one, mine, theirs in pairs])
            half = Z * float(off.std(ddof=1)) / math.sqrt(len(off)) if len(off) > 1 else math.nan
            found[metric.name] = Figure(float(off.mean()), half, len(off))
    return found


def chance(records: Sequence[QuestionRecord], seed: int = 0) -> dict[str, Figure]:
    """Of true answers to other questions of the same type, drawn at random, in the mean of several draws."""
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(CHANCE_DRAWS):
        told: list[Told] = [None] * len(records)
        for asked in QuestionType:
            own = [at for at, one in enumerate(records) if one.question_type is asked]
            for at, other in zip(own, random.permutation(own).tolist(), strict=True):
                told[at] = records[other].fields
        drawn.append(figures(records, told))
    return {
        name: Figure(float(np.mean([one[name].value for one in drawn])), first.half / CHANCE_DRAWS**0.5, first.count)
        for name, first in drawn[0].items()
    }


def unread(told: Sequence[Told]) -> int:
    """How many answers could not be read."""
    return sum(one is None for one in told)


def _figure(scores: Sequence[float], share: bool) -> Figure:
    """share: True if each is right or wrong; its interval is Wilson's, which is no point where all are right."""
    known = np.array([one for one in scores if not math.isnan(one)])
    count = len(known)
    if not count:
        return Figure(math.nan, math.nan, len(scores))
    mean = float(known.mean())
    if share:
        half = Z / (1 + Z**2 / count) * math.sqrt(mean * (1 - mean) / count + Z**2 / (4 * count**2))
    else:
        half = Z * float(known.std()) / math.sqrt(count)
    return Figure(mean, half, len(scores))


def _same(names: Sequence[str], record: QuestionRecord, told: Told) -> float:
    """1 where all of these fields are right."""
    return float(told is not None and all(_plain(told[name]) == _plain(record.fields[name]) for name in names))


def _plain(value: str | float) -> str | float:
    return " ".join(value.lower().split()) if isinstance(value, str) else value


def _turned(record: QuestionRecord, told: Told) -> float:
    """How far off a direction is, degrees; of Q4, the turn from one to the other taken as one."""
    return UNREAD_DEGREES if told is None else _direction(told).angle(_direction(record.fields))


def _direction(fields: Fields) -> Spot:
    azimuth, elevation, _ = (float(fields[name]) for name in PLACE)
    return Spot(azimuth, max(-90.0, min(90.0, elevation)))


def _within(degrees: float, record: QuestionRecord, told: Told) -> float:
    return float(_turned(record, told) <= degrees)


def _beyond(record: QuestionRecord, told: Told) -> float:
    return float(_turned(record, told) > FAR_DEGREES)


def _far(record: QuestionRecord, told: Told) -> float:
    return math.nan if told is None else abs(float(told[DISTANCE]) - float(record.fields[DISTANCE]))


def _visible(record: QuestionRecord) -> bool:
    return record.visible


def _invisible(record: QuestionRecord) -> bool:
    return not record.visible


def _metrics() -> tuple[Metric, ...]:
    """In the order of Table 4, then what Tables 2 and 3 have beyond it."""
    asked = QuestionType
    found = [
        Metric("Q1 sound accuracy", "%", (asked.Q1,), partial(_same, ("sound",))),
        Metric("Q1 coming-from accuracy", "%", (asked.Q1,), partial(_same, ("object",))),
    ]
    for kind, counts in (("", _visible), ("-invisible", _invisible)):
        found += [
            Metric(f"Q2{kind}", "%", (asked.Q2,), partial(_same, ("closer",)), counts),
            Metric(f"Q3{kind} 3-field accuracy", "%", (asked.Q3,), partial(_same, FORMS[asked.Q3].fields[:3]), counts),
            Metric(f"Q3{kind} distance error", "m", (asked.Q3,), _far, counts),
            *_placed(f"Q4{kind}", asked.Q4, counts),
        ]
    for one in (asked.Q5, asked.Q6):
        found += [
            Metric(f"{one.value} class accuracy", "%", (one,), partial(_same, ("object",))),
            Metric(f"{one.value} sounding accuracy", "%", (one,), partial(_same, ("sounding",))),
        ]
    for one, name in ((asked.Q7, "object"), (asked.Q8, "sound")):
        found += [Metric(f"{one.value} class accuracy", "%", (one,), partial(_same, (name,))), *_placed(one.value, one)]
    found += [
        Metric("Q9 sound accuracy", "%", (asked.Q9,), partial(_same, ("sound",))),
        Metric("Q9 visibility accuracy", "%", (asked.Q9,), partial(_same, ("visible",))),
        Metric("Q1 (aligned)", "%", (asked.Q1,), partial(_same, ("object",)), _visible),
        Metric("Q1 (non-matching)", "%", (asked.Q1,), partial(_same, ("object",)), _invisible),
    ]
    for kind, named, place, label in (("Audio", asked.A1, asked.A2, "sound"), ("Vision", asked.V1, asked.V2, "object")):
        found += [
            Metric(f"{kind} Det.", "%", (named,), partial(_same, (label,))),
            Metric(f"{kind} Ang.", "°", (place,), _turned),
            Metric(f"{kind} Ang. > 30", "%", (place,), _beyond),
            Metric(f"{kind} Dist.", "m", (place,), _far),
        ]
    for one in (asked.Q4, asked.Q7, asked.Q8):
        found += [
            Metric(f"{one.value} DoA accuracy at {degrees}°", "%", (one,), partial(_within, float(degrees)))
            for degrees in OTHER_DEGREES
        ]
    return tuple(found)


def _placed(name: str, asked: QuestionType, counts: Callable[[QuestionRecord], bool] = lambda _: True) -> list[Metric]:
    return [
        Metric(f"{name} DoA accuracy", "%", (asked,), partial(_within, float(ACCURATE_DEGREES)), counts),
        Metric(f"{name} DoA error", "°", (asked,), _turned, counts),
        Metric(f"{name} distance error", "m", (asked,), _far, counts),
    ]


METRICS = _metrics()
