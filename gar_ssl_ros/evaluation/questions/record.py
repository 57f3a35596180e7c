"""A folder of questions: one line a question, and beside it the picture and the sound that it is about.

config.json                        what they are made of: questions of anything else are refused
test.jsonl, test-2-of-4.jsonl      the questions of a split, or of one shard of it
test/0000/test-0000000.jpg, .flac  what they are about
responses/                         what rooms carry to the array: found once, and not needed afterwards
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gar_ssl_ros.errors import UserError, misfit, sentence
from gar_ssl_ros.evaluation.questions.options import SPLITS, QuestionOptions
from gar_ssl_ros.files import read_text, write_whole
from gar_ssl_ros.output.record import read_lines
from gar_ssl_ros.spatial.questions.forms import FORMS, PLACE, QuestionType, Spot
from gar_ssl_ros.spatial.questions.words import Question

CONFIG = "config.json"
PER_FOLDER = 1000


class QuestionsError(UserError):
    """A folder that holds no questions, or others than are asked for: one sentence."""


class TrueThing(BaseModel):
    """In view, or a source. azimuth, elevation: degrees as the listener sees them, positive to the left and up.
    distance: m.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    label: str
    azimuth: float
    elevation: float
    distance: float

    @property
    def spot(self) -> Spot:
        """Where it is."""
        return Spot(self.azimuth, self.elevation, self.distance)


class TrueObject(TrueThing):
    """In view. width: degrees. picture: which one it is."""

    width: float
    picture: str


class TrueSound(TrueThing):
    """object: which one of the objects in view it comes from; null where nothing is. recording: which one it is."""

    object: int | None
    recording: str


class QuestionRecord(BaseModel):
    """One question."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(pattern=rf"^({'|'.join(SPLITS)})-\d{{7}}$")
    split: str
    image: str = Field(description="a panorama, ahead in its middle, beside this file")
    audio: str = Field(description="all channels of the array, beside this file")
    rate: int = Field(description="of the sound, Hz")
    question_type: QuestionType
    template: str
    question: str
    answer: str
    slots: dict[str, str | float] = Field(description="what is filled into the question")
    fields: dict[str, str | float] = Field(description="of the answer")
    sources: tuple[TrueSound]
    objects: tuple[TrueObject, ...] = Field(min_length=1)
    room: str = Field(description="which one it is")

    @model_validator(mode="after")
    def _fit(self) -> QuestionRecord:
        form, at = FORMS[self.question_type], self.sources[0].object
        values = [*self.slots.items(), *self.fields.items()]
        if set(self.slots) != set(form.slots) or set(self.fields) != set(form.fields):
            raise ValueError(f"its fields or slots are not those of {self.question_type.value}")
        if any(isinstance(value, str) == (name in PLACE) for name, value in values):
            raise ValueError("a name stands where a number must, or a number where a name must")
        if at is not None and not 0 <= at < len(self.objects):
            raise ValueError(f"its sound comes from object {at}, and it has {len(self.objects)}")
        return self

    @property
    def index(self) -> int:
        """In its split, from 0 on."""
        return int(self.id.rpartition("-")[2])

    @property
    def visible(self) -> bool:
        """True if the source is to be seen: where it sounds there is a thing of its class."""
        at = self.sources[0].object
        return at is not None and self.objects[at].label == self.sources[0].label

    @property
    def asked(self) -> Question:
        """As it was made."""
        return Question(self.question_type, self.template, self.slots)


def name_of(split: str, index: int) -> str:
    """An id, which no other question of a folder has."""
    return f"{split}-{index:07d}"


def media_of(split: str, index: int, ending: str) -> str:
    """Where its picture or sound lies in the folder."""
    return f"{split}/{index // PER_FOLDER:04d}/{name_of(split, index)}{ending}"


def write_config(folder: Path, options: QuestionOptions) -> None:
    """Say what its questions are made of. Raises QuestionsError where it holds others, OSError where it cannot be
    written.
    """
    path = folder / CONFIG
    if path.exists():
        held = read_config(folder)
        if held != options:
            mine, theirs = options.model_dump(mode="json"), held.model_dump(mode="json")
            told = ", ".join(f"{name} {theirs[name]}, not {mine[name]}" for name in mine if mine[name] != theirs[name])
            raise QuestionsError(f"{folder} holds questions of other options ({told}): give another --out")
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, options.model_dump_json(indent=2) + "\n")


def read_config(folder: Path) -> QuestionOptions:
    """Raises QuestionsError where there is none."""
    try:
        return QuestionOptions.model_validate_json(read_text(folder / CONFIG))
    except OSError as problem:
        raise QuestionsError(f"{folder} holds no questions ({sentence(problem)}): make them first") from None
    except ValidationError as problem:
        raise QuestionsError(f"{folder / CONFIG} is no config of questions: {misfit(problem)}") from None


def files_of(folder: Path, split: str) -> list[Path]:
    """Those that hold a split's questions."""
    named = re.compile(rf"{re.escape(split)}(-\d+-of-\d+)?")
    return sorted(one for one in folder.glob("*.jsonl") if named.fullmatch(one.stem))


def read_split(folder: Path, split: str) -> list[QuestionRecord]:
    """All of its questions, in their order. Raises QuestionsError where there is none, RecordError at a bad line."""
    found = sorted(
        (one for path in files_of(folder, split) for one in read_lines(path, QuestionRecord, True)), key=_index
    )
    if not found:
        have = ", ".join(one for one in SPLITS if files_of(folder, one)) or "none"
        raise QuestionsError(f"{folder} holds no questions of the split {split!r} (it has {have}): make them first")
    return found


def each_split(folder: Path) -> Iterator[str]:
    """Those that it has."""
    return (split for split in SPLITS if files_of(folder, split))


def _index(record: QuestionRecord) -> int:
    return record.index
