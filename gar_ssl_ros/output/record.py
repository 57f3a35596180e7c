"""A window's answer as one line of JSON: written by `gar-ssl localize`, read by whoever comes after.

The fields are those of `gar.localization` and `gar.stages`, where each is explained; a box is [x1, y1, x2, y2] in
pixels of the original image, x right, y down, half-open. `docs/localization.schema.json` is made from the model below.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticSerializationError

from gar_ssl_ros.errors import UserError, misfit
from gar_ssl_ros.files import open_file, shown
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Case, Localization, Outcome, Source, Timing
from gar_ssl_ros.gar.stages import AudioLabel
from gar_ssl_ros.media.window import SECOND, Window

Record = TypeVar("Record", bound=BaseModel)


class RecordError(UserError):
    """A line that is no record: one sentence that names the file, the line and what is wrong."""


class WindowRecord(BaseModel):
    """One window of one recording."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    media: str = Field(description="the recording, as named on the command line")
    index: int = Field(ge=0, description="of the window in its recording")
    start_s: float = Field(description="media time at which the window begins, s")
    end_s: float = Field(description="media time at which it ends, exclusive, s")
    center_s: float = Field(description="media time of the frame that the boxes are about, s")
    width: int = Field(ge=1, description="of that frame, pixels")
    height: int = Field(ge=1, description="of that frame, pixels")
    frames: int = Field(ge=1, description="how many frames the window holds")
    frame_gap_s: float = Field(ge=0, description="its longest stretch without a frame, s")
    audio_gap_s: float = Field(ge=0, description="how much of its sound is missing, s")
    skew_s: float = Field(description="how far the newest sound was ahead of the newest frame when it was cut, s")
    damage_s: float = Field(
        default=0.0,
        ge=0,
        description="how long its pictures are damaged: not wholly decoded, or built on such a one, s",
    )
    outcome: Outcome
    detail: str = Field(description="one sentence where there is something to explain, else empty")
    reasoner: str
    model: str | None = Field(description="whose weights, where there are any")
    sound: AudioLabel | None = Field(description="what is heard: label and s_aud; null where nobody listened")
    sources: tuple[Source, ...] = Field(description="the surest first; only ever where the outcome is LOCALIZED")
    stages: tuple[Case, ...] = Field(description="how the stages went for each located source, whatever the outcome")
    timing_s: Timing
    directions: tuple[AnsweredDirection, ...] = Field(
        default=(), description="where a microphone array heard sound come from, angles in rad about the camera's axes"
    )


def record_from_localization(media: str, index: int, window: Window, found: Localization) -> WindowRecord:
    """The record of one window of `media` and its final localization."""
    center = window.center
    return WindowRecord(
        media=media,
        index=index,
        start_s=window.start / SECOND,
        end_s=window.end / SECOND,
        center_s=center.stamp / SECOND,
        width=center.width,
        height=center.height,
        frames=len(window.frames),
        frame_gap_s=window.frame_gap / SECOND,
        audio_gap_s=window.audio_gap / SECOND,
        skew_s=window.skew / SECOND,
        damage_s=window.damage / SECOND,
        outcome=found.outcome,
        detail=found.detail,
        reasoner=found.reasoner,
        model=found.model,
        sound=found.sound,
        sources=found.sources,
        stages=found.cases,
        timing_s=found.timing,
        directions=found.directions,
    )


class RecordWriter:
    """Appends records to a new file, whole lines only: what cannot be written whole is taken back.

    Until it is closed, the file is its own: no other writer touches it. overwrite: replace a file that exists. resume:
    go on with one that exists; a line that its last writer could not finish is taken back first. Raises FileExistsError
    where the file exists and may be neither replaced nor resumed, BlockingIOError where another writer is at it, and
    OSError where writing fails.
    """

    def __init__(self, path: Path, overwrite: bool = False, resume: bool = False) -> None:
        self._path = path
        if overwrite:
            _remove(path)
        elif resume:
            with suppress(FileNotFoundError):
                open_file(path).close()  # so that it is a file
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags | (0 if resume else os.O_EXCL), 0o644)
        self._size = 0
        try:
            _lock(self._file)
            if resume:
                self._size = path.read_bytes().rfind(b"\n") + 1
                os.ftruncate(self._file, self._size)
        except OSError:
            os.close(self._file)
            raise

    def write(self, record: BaseModel) -> None:
        """Append one record."""
        line = (json_text(record) + "\n").encode()
        done = 0
        try:
            while done < len(line):
                done += os.write(self._file, line[done:])
        except BaseException as problem:
            os.ftruncate(self._file, self._size)
            if isinstance(problem, OSError):
                problem.filename = str(self._path)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Nothing can be written after it."""
        os.close(self._file)


def read_records(path: Path) -> Iterator[WindowRecord]:
    """The records of a file, in its order. Raises RecordError at the first line that is none."""
    return read_lines(path, WindowRecord)


def read_lines(path: Path, model: type[Record], unfinished: bool = False) -> Iterator[Record]:
    """The records of a file of any model, in its order. Raises RecordError at the first line that is none.

    unfinished: True if a last line without its end, as a killed process leaves it, is passed over.
    """
    with open_file(path) as lines:
        for number, line in enumerate(lines, start=1):
            if unfinished and not line.endswith(b"\n"):
                return
            try:
                yield model.model_validate_json(line)
            except ValidationError as problem:
                raise RecordError(f"{path}, line {number}: {misfit(problem, 'the line')}") from None


def json_text(record: BaseModel, indent: int | None = None) -> str:
    """A record as JSON that UTF-8 can have, whatever the names of the files in it."""
    try:
        return record.model_dump_json(indent=indent)
    except PydanticSerializationError:
        return json.dumps(_shown(record.model_dump(mode="json")), indent=indent, ensure_ascii=False)


def schema() -> str:
    """The JSON schema of a record."""
    return json.dumps(WindowRecord.model_json_schema(mode="serialization"), indent=2) + "\n"


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return {_shown(key): _shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return shown(value) if isinstance(value, str) else value


def _lock(file: int) -> None:
    """Raises BlockingIOError where another writer has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # of a file system without locks
        pass


def _remove(path: Path) -> None:
    """A file or a link out of the way, unless a writer is at it: then BlockingIOError is raised."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:  # a link, or one that may be replaced though it may not be read
        path.unlink()
        return
    try:
        _lock(file)
        if not (path.exists() and os.path.samestat(os.fstat(file), path.stat())):  # another writer has replaced it
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))
        path.unlink()
    finally:
        os.close(file)
