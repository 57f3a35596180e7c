"""Annotations as they were published, quirks and all: read, checked, and their boxes made usable."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gar_ssl_ros.evaluation.samples import DatasetError, Truth
from gar_ssl_ros.files import read_text

Convention = Literal["xyxy", "xywh"]
Sides = tuple[float, float, float, float]
MAX_SIDE_SHARE = 100.0  # a share of an image beyond this is no box's side but a number gone wrong, as VGG-SS's -2.88e16
ROUNDING_SHARE = 1e-3  # a box that reaches out of its image by less than this is rounded, not wrong
MAX_ODD_SHARE = 0.1  # share of odd clips from which the convention is wrong, not the boxes
MAX_ODD_CLIPS = 10  # odd clips are never more than oddities
MAX_CLIPS_NAMED = 20  # clips that a note names
Row = TypeVar("Row", bound=BaseModel)


class OneSource(BaseModel):
    """A clip of MUSIC-Solo: one box."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(min_length=1)
    label: str = Field(alias="class", min_length=1)
    bbox: Sides


class OneSound(BaseModel):
    """A clip of VGG-SS: one class, one or more boxes."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(min_length=1)
    label: str = Field(alias="class", min_length=1)
    bbox: tuple[Sides, ...]


class TwoSources(BaseModel):
    """A frame of MUSIC-Duet: two boxes, each of its own class."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(min_length=1)
    class_src1: str = Field(min_length=1)
    class_src2: str = Field(min_length=1)
    bbox_src1: Sides
    bbox_src2: Sides


class Mixed(BaseModel):
    """A pair of VGGSound-Duet: two clips of VGG-SS and their classes."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(min_length=1)
    label: str = Field(min_length=1)
    mix: str = Field(min_length=1)
    mix_label: str = Field(min_length=1)


@dataclass
class Quirks:
    """What was odd about the boxes met so far: for each kind, the clips that hold such a box."""

    convention: Convention
    clips: int = 0
    wild: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    degenerate: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)

    def truths(self, clip: str, boxes: Sequence[tuple[Sequence[float], str | None]]) -> tuple[Truth, ...]:
        """A clip's boxes, in shares of the image, as truths: corners inside the image; what is then empty is left out.

        A number that is not finite, or far from any image, stands for an edge that was never drawn.
        """
        wild = outside = False
        found = []
        for (x1, y1, x2, y2), label in boxes:
            corners = (x1, y1, x1 + x2, y1 + y2) if self.convention == "xywh" else (x1, y1, x2, y2)
            left, top, right, bottom = (min(max(s, 0.0), 1.0) if math.isfinite(s) else 0.0 for s in corners)
            strange = any(not math.isfinite(side) or abs(side) > MAX_SIDE_SHARE for side in (x1, y1, x2, y2))
            wild |= strange
            outside |= not strange and any(not -ROUNDING_SHARE <= side <= 1 + ROUNDING_SHARE for side in corners)
            if left < right and top < bottom:
                found.append(Truth((left, top, right, bottom), label))
        self.clips += 1
        for kind, met in (
            (self.wild, wild),
            (self.outside, outside),
            (self.degenerate, len(found) < len(boxes)),
            (self.several, len(boxes) > 1),
            (self.nothing, not found),
        ):
            if met:
                kind.append(clip)
        return tuple(found)

    def check(self, path: Path) -> None:
        """Raise DatasetError where so many boxes are odd that their numbers must mean something else."""
        odd = len({*self.outside, *self.degenerate} - {*self.wild})
        if odd <= max(MAX_ODD_CLIPS, MAX_ODD_SHARE * self.clips) and len(self.nothing) < self.clips:
            return
        corners, sizes = "x1, y1, x2, y2", "x, y, width, height"
        read_as, else_as = (corners, sizes) if self.convention == "xyxy" else (sizes, corners)
        strange = max(odd, len(self.nothing))
        raise DatasetError(
            f"{path}: in {strange} of its {self.clips} clips boxes are empty or leave the image, read as {read_as} in "
            f"shares of it: give the published file, or convert them if they are {else_as} or pixels"
        )

    def notes(self, usual_several: bool = False) -> tuple[str, ...]:
        """A sentence for each kind of oddity; several boxes a clip are none where that is usual."""
        told = [
            (self.wild, "a coordinate far from any image, such as -2.88e16, is clipped to it"),
            (self.degenerate, "a degenerate box, of no width or height, is left out"),
            (self.outside, "a box that reaches out of the image is clipped to it"),
            ([] if usual_several else self.several, "several boxes are all what sounds"),
            (self.nothing, "no usable box is left, so that they can only be missed"),
        ]
        return tuple(f"in {len(clips)} of {self.clips} clips {what} ({named(clips)})" for clips, what in told if clips)


def rows(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a JSON list. Raises DatasetError where it is missing, of another schema, empty, or repeats a file."""
    try:
        found = TypeAdapter(list[kind]).validate_json(text(path))  # type: ignore[valid-type]
    except ValidationError as problem:
        first = problem.errors()[0]
        where = " of ".join(f"entry {part}" if isinstance(part, int) else str(part) for part in reversed(first["loc"]))
        said = first["msg"][0].lower() + first["msg"][1:]
        raise DatasetError(f"{path} has another schema than expected: {where or 'it'}: {said}") from None
    _check_ids(path, [row.file for row in found])  # type: ignore[attr-defined]
    return found


def pairs(path: Path) -> list[Mixed]:
    """The pairs of a CSV of `file, class, mix file, mix class`. Raises DatasetError, see `rows`."""
    found = []
    for number, cells in lines(path):
        if len(cells) != 4 or not all(cells):
            raise DatasetError(f"{path}, line {number} is no pair: it must be `file, class, mix file, mix class`")
        file, label, mix, mix_label = cells
        found.append(Mixed(file=file, label=label, mix=mix, mix_label=mix_label))
    _check_ids(path, [pair.file for pair in found])
    return found


def lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line of a CSV that holds any. Raises DatasetError where it is none."""
    table = csv.reader(io.StringIO(text(path), newline=""))
    try:
        for cells in table:
            if cells:
                yield table.line_num, [cell.strip() for cell in cells]
    except csv.Error as problem:
        raise DatasetError(f"{path}, line {table.line_num} is no line of a CSV ({problem}): mend it there") from None


def located(annotations: Path | None, root: Path, name: str) -> Path:
    """Where an annotation file of that name lies: it, or in the folder, that was given, or in or beside the media's.

    Raises DatasetError where it is nowhere.
    """
    if annotations is not None and annotations.is_file():
        return annotations if annotations.suffix == Path(name).suffix else annotations.with_name(name)
    folders = [root, root / "metadata", root.parent / "metadata"] if annotations is None else [annotations]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{name} is not in {folders[0]}: give --annotations, the file or the folder that holds it")


def text(path: Path) -> str:
    """A file's text. Raises DatasetError where there is none."""
    try:
        return read_text(path)
    except OSError as problem:
        raise DatasetError(f"{path} cannot be read ({problem.strerror}): check --annotations") from None


def same_name(label: str, other: str) -> bool:
    """True if two spellings name one class: VGG-SS's "female speech, woman speaking" is its CSVs' with underscores."""
    return _spelled(label) == _spelled(other)


def named(clips: Iterable[str]) -> str:
    """The clips' names, as many as fit a sentence."""
    known = list(clips)
    more = len(known) - MAX_CLIPS_NAMED
    return ", ".join(known[:MAX_CLIPS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _spelled(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def _check_ids(path: Path, ids: Sequence[str]) -> None:
    if not ids:
        raise DatasetError(f"{path} holds no sample: give the file as published")
    repeated = [name for name, times in Counter(ids).items() if times > 1]
    if repeated:
        raise DatasetError(f"{path} has several entries for {named(repeated)}: keep one of each")
