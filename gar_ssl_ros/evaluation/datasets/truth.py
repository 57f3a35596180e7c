"""A truth file of one's own: which recordings there are, and what sounds in each, and where.

Two forms, `docs/datasets.md` shows both: a CSV with a row for each source, and a JSON document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from pathlib import Path, PurePath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gar_ssl_ros.evaluation.datasets.annotations import Convention, OneSound, Sides, lines, named, rows, text
from gar_ssl_ros.evaluation.samples import DatasetError

Expected = Literal["LOCALIZED", "SILENT", "OFF_SCREEN"]
MAX_MOMENT_S = 1e7  # four months, longer than anything that is recorded in one
BOX_COLUMNS: dict[Convention, tuple[str, ...]] = {"xyxy": ("x1", "y1", "x2", "y2"), "xywh": ("x", "y", "w", "h")}


class TrueBox(BaseModel):
    """One thing that sounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    box: Sides = Field(description="four numbers, as `boxes` and `units` of the document say")
    label: str | None = None


class Entry(BaseModel):
    """One moment of one recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(min_length=1, description="a video, a picture or a bag, relative to the folder of the media")
    audio: str | None = Field(default=None, description="its sound, where that is another file")
    at: float | None = Field(
        default=None, ge=0, le=MAX_MOMENT_S, description="the moment, s from the start; null for the middle"
    )
    outcome: Expected = "LOCALIZED"
    sources: tuple[TrueBox, ...] = ()

    @property
    def id(self) -> str:
        """The file, and the moment if there is one."""
        return self.file if self.at is None else f"{self.file}@{self.at:g}"


class TruthDocument(BaseModel):
    """A truth file in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    boxes: Convention = Field(default="xyxy", description="corners, or a corner with width and height")
    units: Literal["pixels", "shares"] = Field(default="pixels", description="pixels, or shares of the image, 0..1")
    classes: tuple[str, ...] | None = Field(default=None, description="the labels that there are; null for any")
    image_topic: str | None = Field(default=None, description="of bags, where they hold several cameras")
    audio_topic: str | None = Field(default=None, description="of bags, where they hold several microphones")
    samples: tuple[Entry, ...]


def truth_document(path: Path) -> TruthDocument:
    """A truth file, CSV or JSON, also a JSON list as VGG-SS's. Raises DatasetError, one sentence, where it is none."""
    if path.suffix.lower() == ".csv":
        document = _table(path)
    elif text(path).lstrip().startswith("["):
        document = _as_vggss(path)
    else:
        document = _document(path)
    _check(path, document)
    return document


def _table(path: Path) -> TruthDocument:
    """A CSV with a header: a row for each source, several of one `file` and `at` being sources of one sample."""
    table = lines(path)
    _, header = next(table, (0, []))
    conventions = [convention for convention, names in BOX_COLUMNS.items() if set(names) <= set(header)]
    if "file" not in header or len(conventions) != 1:
        raise DatasetError(f"{path} needs the columns file and x1, y1, x2, y2 (or x, y, w, h), not {', '.join(header)}")
    sides = BOX_COLUMNS[conventions[0]]
    known: dict[tuple[str, ...], int] = {}
    entries = []
    for number, row in table:
        cells = dict(zip_longest(header, row[: len(header)], fillvalue=""))
        content = tuple(cells.values())
        if content in known:
            raise DatasetError(f"{path}, line {number} repeats line {known[content]}: keep one of both")
        known[content] = number
        box = [cells[side] for side in sides]
        given = {name: cells[name] for name in ("file", "audio", "at", "outcome") if cells.get(name)}
        label = cells.get("label") or cells.get("class") or None
        try:
            source = [TrueBox.model_validate({"box": box, "label": label})] if any(box) else []
            entries.append(Entry.model_validate({**given, "sources": source}))
        except ValidationError as problem:
            raise DatasetError(f"{path}, line {number}: {_said(problem)}") from None
    shares = all(0 <= side <= 1 for entry in entries for source in entry.sources for side in source.box)
    return TruthDocument(
        boxes=conventions[0], units="shares" if shares else "pixels", samples=tuple(_united(path, entries))
    )


def _united(path: Path, entries: Sequence[Entry]) -> Iterator[Entry]:
    """The sources of one moment together, in the order in which each moment comes first."""
    places = {entry.id: place for place, entry in reversed(list(enumerate(entries)))}
    for name, group in groupby(sorted(entries, key=lambda entry: places[entry.id]), key=lambda entry: entry.id):
        together = list(group)
        if len({(entry.audio, entry.outcome) for entry in together}) > 1:
            raise DatasetError(f"{path} gives {name} several sounds or outcomes: give it one")
        yield together[0].model_copy(update={"sources": tuple(s for entry in together for s in entry.sources)})


def _as_vggss(path: Path) -> TruthDocument:
    entries = (
        Entry(file=clip.file, sources=tuple(TrueBox(box=box, label=clip.label) for box in clip.bbox))
        for clip in rows(path, OneSound)
    )
    return TruthDocument(units="shares", samples=tuple(entries))


def _document(path: Path) -> TruthDocument:
    content = text(path)
    try:
        return TruthDocument.model_validate_json(content)
    except ValidationError as problem:
        raise DatasetError(f"{path} is no truth file: {_said(problem)}") from None


def _check(path: Path, document: TruthDocument) -> None:
    if not document.samples:
        raise DatasetError(f"{path} holds no sample: give a truth for at least one")
    times = Counter(entry.id for entry in document.samples)
    repeated = [name for name, count in times.items() if count > 1]
    if repeated:
        raise DatasetError(f"{path} has several entries for {named(repeated)}: keep one of each")
    for entry in document.samples:
        for name in (entry.file, entry.audio or ""):
            if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
                raise DatasetError(f"{path}: {name} lies outside of --root: name files in it, by their paths there")
        if (entry.outcome == "LOCALIZED") != bool(entry.sources):
            is_said = "has no box" if not entry.sources else "has a box"
            raise DatasetError(f"{path}: {entry.id} {is_said} though its outcome is {entry.outcome}: mend either")
        for source in entry.sources:
            if document.classes is not None and source.label not in document.classes:
                listed = named(document.classes)
                raise DatasetError(f"{path}: {source.label!r} of {entry.id} is none of its classes ({listed}): mend it")


def _said(problem: ValidationError) -> str:
    first = problem.errors()[0]
    where = ".".join(map(str, first["loc"])) or "it"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}"
