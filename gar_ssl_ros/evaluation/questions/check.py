"""Whether a folder of questions is what it says: each line, its media, its answer, and what its splits share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from gar_ssl_ros.evaluation.datasets.media import read_image, read_sound
from gar_ssl_ros.evaluation.questions.make import Maker
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.record import (
    QuestionRecord,
    each_split,
    files_of,
    media_of,
    read_config,
    read_split,
)
from gar_ssl_ros.files import read_file
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.spatial.questions.words import (
    ALIKE,
    QuestionError,
    answer_text,
    question_text,
    read_answer,
    read_question,
)

MOST_TOLD = 20  # problems
SHORTER_S = 0.01  # that a sound may be than it is to be


@dataclass(frozen=True)
class Checked:
    """counts: questions by split and type. problems: a sentence each, the first MOST_TOLD; `more`: how many others."""

    counts: dict[str, Counter[str]]
    problems: tuple[str, ...]
    more: int


def check(folder: Path, media: bool, bar: tqdm[NoReturn]) -> Checked:
    """media: True if pictures and sounds are opened, too. bar: goes on with each question.

    Raises QuestionsError where there are no questions, RecordError at a line that is none.
    """
    options = read_config(folder)
    counts: dict[str, Counter[str]] = {}
    problems: list[str] = []
    ids: Counter[str] = Counter()
    shared: dict[tuple[str, str], str] = {}  # what a room, a picture or a sound is called, to its split
    for split in each_split(folder):
        counts[split] = Counter()
        for record in read_split(folder, split):
            counts[split][record.question_type.value] += 1
            ids[record.id] += 1
            problems += [f"{record.id}: {one}" for one in _problems(record, split)]
            for used in _used(record):
                if shared.setdefault(used, split) != split:
                    problems.append(f"{record.id}: its {used[0]} {used[1]} is of the split {shared[used]}, too")
            if media:
                problems += [f"{record.id}: {one}" for one in _of_media(folder, record, options)]
            bar.update()
    problems += [f"{one}: there are {count} questions of this id" for one, count in ids.items() if count > 1]
    return Checked(counts, tuple(problems[:MOST_TOLD]), max(0, len(problems) - MOST_TOLD))


def same_again(folder: Path, record: QuestionRecord, maker: Maker) -> str:
    """How a question made anew differs from what is there; empty where it does not. Raises UserError and OSError."""
    made = maker.make(record.split, record.index)
    if made.record != record:
        return "made anew, its line is another"
    for name, content in ((record.image, made.image), (record.audio, made.sound)):
        if read_file(folder / name) != content:
            return f"made anew, {name} has other bytes"
    return ""


def lines_of(folder: Path) -> int:
    """How many questions it has, as far as its lines tell."""
    paths = [path for split in each_split(folder) for path in files_of(folder, split)]
    return sum(read_file(path).count(b"\n") for path in paths)


def _problems(record: QuestionRecord, split: str) -> Iterator[str]:
    if record.split != split:
        yield f"it is of the split {record.split!r}, in a file of {split!r}"
    if answer_text(record.question_type, record.fields) != record.answer:
        yield f"its answer {record.answer!r} is not what its fields say"
    if (told := read_answer(record.question_type, record.answer)) is None or set(told) != set(record.fields):
        yield f"its answer {record.answer!r} cannot be read"
    try:
        asked = read_question(record.question)
        if asked.type is not ALIKE.get(record.question_type, record.question_type) or asked.slots != record.slots:
            yield f"its question {record.question!r} reads as another"
        if question_text(record.asked) != record.question:
            yield f"its question {record.question!r} is not its template's"
    except (QuestionError, KeyError):
        yield f"its question {record.question!r} cannot be read"
    for name, ending in ((record.image, ".jpg"), (record.audio, ".flac")):
        if name != media_of(record.split, record.index, ending):
            yield f"its media {name} are not its own"


def _of_media(folder: Path, record: QuestionRecord, options: QuestionOptions) -> Iterator[str]:
    try:
        image = read_image(folder / record.image)
        if image.shape[:2] != (options.height, options.width):
            size = f"{image.shape[1]}x{image.shape[0]}"
            yield f"{record.image} is of {size} pixels, not {options.width}x{options.height}"
    except ClipError as problem:
        yield str(problem)
    try:
        samples, rate = read_sound(folder / record.audio)
        length = samples.shape[1] / rate
        if rate != record.rate or abs(length - options.seconds) > SHORTER_S:
            yield f"{record.audio} has {length:.2f} s at {rate} Hz, not {options.seconds:g} s at {record.rate} Hz"
    except ClipError as problem:
        yield str(problem)


def _used(record: QuestionRecord) -> set[tuple[str, str]]:
    return {
        ("room", record.room),
        *(("sound", one.recording) for one in record.sources),
        *(("picture", one.picture) for one in record.objects),
    }
