"""Recordings localized from file to files: records, annotated video, contact sheet."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from av.error import FFmpegError
from tqdm import tqdm

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.pipeline import GarOptions, localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.clip import Clip, by_time, windows
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.output.drawing import Caption, annotated, caption_from_localization
from gar_ssl_ros.output.record import RecordWriter, WindowRecord, read_records, record_from_localization
from gar_ssl_ros.output.sheet import ContactSheet
from gar_ssl_ros.output.video import VideoWriter


class OutputError(UserError):
    """What cannot be written: one sentence that names it and what to do."""


@dataclass(frozen=True)
class Job:
    """A recording and where its results go; no video where `video` is None."""

    media: Path
    records: Path
    sheet: Path
    video: Path | None


@dataclass(frozen=True)
class Cut:
    """How recordings are cut: windows of `length` ns, one every `hop` ns."""

    length: int = 3 * SECOND
    hop: int = 3 * SECOND


@dataclass(frozen=True)
class Done:
    """What became of a recording.

    outcomes: of its windows. failures: why windows failed, a sentence each, the first ten different ones. notes: what
    was odd about the recording, a sentence each.
    """

    outcomes: Counter[Outcome]
    failures: tuple[str, ...]
    notes: tuple[str, ...]


def jobs(media: Sequence[Path], out: Path, video: bool) -> list[Job]:
    """Where the results of each recording go in `out`: by its name, numbered where several have the same one."""
    taken: Counter[str] = Counter()
    planned = []
    for path in media:
        taken[path.stem] += 1
        name = path.stem if taken[path.stem] == 1 else f"{path.stem}_{taken[path.stem]}"
        planned.append(
            Job(
                path,
                records=out / f"{name}.jsonl",
                sheet=out / f"{name}_contact.png",
                video=out / f"{name}_annotated.mp4" if video else None,
            )
        )
    return planned


def localize_clip(job: Job, reasoner: Reasoner, options: GarOptions, cut: Cut, overwrite: bool = False) -> Done:
    """Localize one recording. What was computed is on disk, readable, whatever ends this early.

    Raises ClipError where it cannot be read and OutputError where something cannot be written.
    """
    clip = Clip(job.media)
    _make_room(job, overwrite)
    outcomes: Counter[Outcome] = Counter()
    failures: dict[str, None] = {}
    sheet = ContactSheet()
    try:
        with closing(RecordWriter(job.records, overwrite)) as records, _progress(clip, "localizing") as bar:
            for index, window in enumerate(windows(clip, cut.length, cut.hop)):
                found = _final(window, reasoner, options)
                records.write(record_from_localization(str(job.media), index, window, found))
                outcomes[found.outcome] += 1
                if found.outcome.failed and len(failures) < 10:
                    failures[found.detail] = None
                title = f"{window.start / SECOND:.1f} to {window.end / SECOND:.1f} s"
                sheet.add(title, annotated(window.center.image, caption_from_localization(found)))
                bar.update(window.end / SECOND - bar.n)
    except (OSError, FFmpegError) as problem:
        _write_sheet(sheet, job.sheet, quietly=True)
        raise _unwritten(job.records, problem, f"it holds the first {outcomes.total()} windows, whole") from None
    except KeyboardInterrupt:
        _write_sheet(sheet, job.sheet, quietly=True)
        raise
    _write_sheet(sheet, job.sheet)
    if job.video is not None and outcomes:
        annotate(clip, job.records, job.video)
    return Done(outcomes, tuple(failures), tuple(dict.fromkeys(clip.notes)))


def annotate(clip: Clip, records: Path, video: Path) -> None:
    """Draw each record on the frames nearest its window's center, the sound beside them.

    Raises OutputError where the video cannot be written.
    """
    captions = _Captions(read_records(records))
    most = max(len(record.sources) for record in read_records(records))
    writer: VideoWriter | None = None
    try:
        first_audio = next(clip.audio(), None)
        with _progress(clip, "drawing") as bar:
            for item in by_time(clip.pictures(), clip.audio()):
                if isinstance(item, Frame):
                    image = annotated(item.image, captions.at(item.stamp / SECOND), most)
                    if writer is None:
                        writer = VideoWriter(video, image.shape[1], image.shape[0], clip.info.fps, first_audio)
                    writer.add_image(image, item.stamp)
                    bar.update(item.stamp / SECOND - bar.n)
                elif writer is not None:
                    writer.add_audio(item)
        if writer is not None:
            writer.close()
    except BaseException as problem:
        if writer is not None:
            with suppress(OSError, FFmpegError):
                writer.close()
        if isinstance(problem, (OSError, FFmpegError)):
            raise _unwritten(video, problem, f"{records} is whole") from None
        raise


def _final(window: Window, reasoner: Reasoner, options: GarOptions) -> Localization:
    *_, last = localize(window, reasoner, options)
    return last


class _Captions:
    """The record nearest in time, of records in the order of their times, for times that only grow."""

    def __init__(self, records: Iterator[WindowRecord]) -> None:
        self._records = records
        self._here = next(records)
        self._next = next(records, None)

    def at(self, time: float) -> Caption:
        while self._next is not None and self._next.center_s - time <= time - self._here.center_s:
            self._here, self._next = self._next, next(self._records, None)
        record = self._here
        return Caption(record.outcome, record.detail, record.reasoner, record.sound, record.sources)


def _make_room(job: Job, overwrite: bool) -> None:
    try:
        job.records.parent.mkdir(parents=True, exist_ok=True)
        for path in (job.records, job.sheet, job.video):
            if path is None:
                continue
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists already: give another --out, or --overwrite to replace it")
            path.unlink(missing_ok=True)
    except OSError as problem:
        raise _unwritten(job.records, problem, "nothing was computed") from None


def _write_sheet(sheet: ContactSheet, path: Path, quietly: bool = False) -> None:
    try:
        sheet.write(path)
    except OSError as problem:
        if not quietly:
            raise _unwritten(path, problem, "the records are whole") from None


def _unwritten(path: Path, problem: Exception, left: str) -> OutputError:
    code = getattr(problem, "errno", None)
    remedy = {
        errno.ENOSPC: "free some space",
        errno.EACCES: "check its folder's permissions",
        errno.EPERM: "check its folder's permissions",
        errno.EROFS: "choose an --out that can be written",
        errno.ENOTDIR: "choose an --out that is a folder",
        errno.EEXIST: "choose an --out that is a folder",
    }.get(code or 0, "choose another --out")
    why = getattr(problem, "strerror", None) or type(problem).__name__
    return OutputError(f"{path} cannot be written ({why}): {remedy}; {left}")


def _progress(clip: Clip, doing: str) -> tqdm[NoReturn]:
    """A bar over the recording's seconds, where someone is watching."""
    total = None if clip.info.duration is None else clip.info.duration / SECOND
    form = "{desc} |{bar}| {n:.1f}/{total:.1f} s [{elapsed}<{remaining}]" if total else "{desc} {n:.1f} s [{elapsed}]"
    return tqdm(total=total, desc=f"{clip.path.name}: {doing}", bar_format=form, disable=None, leave=False)
