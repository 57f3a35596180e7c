"""Questions answered by a trained model, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gar_ssl_ros.evaluation.questions.answering import AnswerRecord
from gar_ssl_ros.evaluation.questions.lessons import classes_of, ears_of, scene_of
from gar_ssl_ros.evaluation.questions.record import QuestionRecord
from gar_ssl_ros.spatial.model.answering import ModelAnswerer
from gar_ssl_ros.spatial.questions.words import read_answer

BATCH = 32  # questions


class Asking:
    """A trained model before the questions of a folder. notes: what is to be known of its answers, a sentence each."""

    def __init__(self, folder: Path, records: Sequence[QuestionRecord], model: Path) -> None:
        """Raises CheckpointError where there is no model, UserError where the array of the questions is not there."""
        self._folder, self._answerer = folder, ModelAnswerer.of(model)
        config = self._answerer.config
        self._ears = ears_of(folder, records) if config.hears != "nothing" else None
        notes = []
        if self._ears is not None and config.hears == "binaural" and self._ears[0] == self._ears[1]:
            notes.append(f"{folder} has sounds of one channel: both ears of {model} hear the same, as with R+M+Q")
        unknown = [one for one in classes_of(records) if one not in config.classes]
        if unknown:
            notes.append(f"{model} never learned {', '.join(unknown)}: of these its answers will hardly be right")
        self.notes = tuple(notes)

    def answers(self, records: Sequence[QuestionRecord]) -> Iterator[AnswerRecord]:
        """Of each question. fields: None where the answer has not the form. Raises ClipError and QuestionsError."""
        for start in range(0, len(records), BATCH):
            some = records[start : start + BATCH]
            asked = [(scene_of(self._folder, one, self._ears), one.question) for one in some]
            for record, text in zip(some, self._answerer.answer(asked), strict=True):
                fields = read_answer(record.question_type, text)
                yield AnswerRecord(id=record.id, answer=text, fields=None if fields is None else dict(fields))
