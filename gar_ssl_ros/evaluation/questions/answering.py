"""Questions answered without weights: what the array hears of a recording, beside what is given of the picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gar_ssl_ros.evaluation.datasets.media import read_sound
from gar_ssl_ros.evaluation.questions.catalog import Catalog
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.record import QuestionRecord, QuestionsError
from gar_ssl_ros.evaluation.questions.timbre import Timbre
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.catalog import array_of
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.spatial.questions.answerer import HeardSound, SeenThing, UnansweredError, answer
from gar_ssl_ros.spatial.questions.forms import Spot

HEARD = ("array", "mono", "truth", "none")  # all channels; what one microphone tells; the source as it is; nothing
SEEN = ("objects", "boxes", "none")  # what is in view, with distances; without; nothing
TRUE_SD = math.radians(0.5)  # of a direction that is told as it is

See = Callable[[QuestionRecord], Sequence[SeenThing]]


class AnswerRecord(BaseModel):
    """An answer to one question, whoever gives it. answer: in words, as the paper has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    answer: str
    fields: dict[str, str | float] | None = None
    evidence: tuple[str, ...] = ()


class Ears:
    """Hears the recordings of one folder of questions. how: one of HEARD."""

    def __init__(self, folder: Path, options: QuestionOptions, how: str) -> None:
        """Raises UserError where the array, or the user's own sounds, are not there."""
        self._folder, self._how = folder, how
        hearing = HearingOptions(array=options.array, array_directions=1)
        array = array_of(hearing)
        if array is None:
            raise QuestionsError(f"{folder} names no array that its sounds were heard by: make them anew")
        self._array, self._hearing = array, hearing
        self._listener: Listener | None = None
        self._timbre = Timbre(Catalog(options), options.rt60, options.snr) if how in ("array", "mono") else None

    def hear(self, record: QuestionRecord) -> HeardSound:
        """Raises ClipError where its sound cannot be read, QuestionsError where it is not of the array."""
        if self._how == "none":
            return HeardSound()
        if self._how == "truth":
            source = record.sources[0]
            vector = body_of_angles(math.radians(source.azimuth), math.radians(source.elevation))
            return HeardSound((SoundDirection(vector, TRUE_SD, 0.0, 1.0),), {source.label: 1.0})
        samples, _ = read_sound(self._folder / record.audio)
        if len(samples) <= max(self._array.channels):
            told = f"{self._folder / record.audio} has {len(samples)} channels"
            raise QuestionsError(f"{told}, and array {self._array.name} hears with more: make it anew")
        assert self._timbre is not None
        labels = self._timbre.labels(samples[list(self._array.channels)].mean(axis=0))
        if self._how == "mono":
            return HeardSound((), labels)
        if self._listener is None:
            self._listener = Listener(self._array, record.rate, self._hearing)
        return HeardSound(self._listener.directions(samples), labels)


def see(record: QuestionRecord, how: str) -> tuple[SeenThing, ...]:
    """What is in view, as an oracle has it. how: one of SEEN."""
    if how == "none":
        return ()
    return tuple(
        SeenThing(one.label, one.spot if how == "objects" else Spot(one.azimuth, one.elevation), one.width)
        for one in record.objects
    )


def answers(records: Sequence[QuestionRecord], ears: Ears, eyes: See) -> Iterator[AnswerRecord]:
    """Of each question; an empty one where it cannot be answered. Raises QuestionsError and ClipError."""
    for record in records:
        try:
            told = answer(record.asked, ears.hear(record), eyes(record), forced=True)
            yield AnswerRecord(id=record.id, answer=told.text, fields=dict(told.fields), evidence=told.evidence)
        except UnansweredError as problem:
            yield AnswerRecord(id=record.id, answer="", evidence=(str(problem),))
