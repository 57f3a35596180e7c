"""Recordings localized from file to files: records, annotated video, contact sheet."""

from __future__ import annotations

import errno
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from av.error import FFmpegError
from tqdm import tqdm

from gar_ssl_ros.errors import REMEDIES
from gar_ssl_ros.files import OutputError, check_outputs, taken
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.masks.following import anew, masked_window
from gar_ssl_ros.masks.segmenter import Segmenter
from gar_ssl_ros.media.clip import Clip, ClipError, windows
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.output.drawing import Caption, annotated, caption_from_localization
from gar_ssl_ros.output.record import RecordWriter, WindowRecord, read_records, record_from_localization
from gar_ssl_ros.output.sheet import ContactSheet
from gar_ssl_ros.output.video import VideoWriter


@dataclass(frozen=True)
class RecordingJob:
    """A recording and where its results go; no video where `video` is None.

    refusal: why they cannot go there, a sentence; empty where they can.
    """

    media: Path
    records: Path
    sheet: Path
    video: Path | None
    refusal: str = ""

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that it makes."""
        return (self.records, self.sheet) if self.video is None else (self.records, self.sheet, self.video)


@dataclass(frozen=True)
class RecordingSummary:
    """What became of a recording.

    outcomes: of its windows. failures: why windows failed, a sentence each, the first ten different ones. notes: what
    was odd about the recording, a sentence each.
    """

    outcomes: Counter[Outcome]
    failures: tuple[str, ...]
    notes: tuple[str, ...]


def jobs(media: Sequence[Path], out: Path, video: bool, overwrite: bool = False) -> list[RecordingJob]:
    """Where the results of each recording go in `out`: by its name, numbered where another one's do already.

    No two results share a name, and none takes the place of a recording or, unless `overwrite`, of any file.
    """
    own = {_spelled(path.stem) for path in media}
    taken: set[str] = set()
    planned = []
    for path in media:
        name, number = path.stem, 1
        while _spelled(name) in (taken if number == 1 else taken | own):
            number += 1
            name = f"{path.stem}_{number}"
        taken.add(_spelled(name))
        results = out / f"{name}_annotated.mp4" if video else None
        job = RecordingJob(path, out / f"{name}.jsonl", out / f"{name}_contact.png", results)
        planned.append(replace(job, refusal=_refusal(job, media, overwrite)))
    return planned


def localize_clip(
    job: RecordingJob,
    reasoner: Reasoner,
    options: GarOptions,
    lengths: WindowOptions,
    overwrite: bool = False,
    hear: Callable[[Window], Window] | None = None,
    segmenter: Segmenter | None = None,
) -> RecordingSummary:
    """Localize one recording. What was computed is on disk, readable, whatever ends this early.

    hear: adds to each window the directions that an array heard in it. segmenter: of the sources' masks; no masks where
    None.
    Raises ClipError where it cannot be read and OutputError where something cannot be written.
    """
    if job.refusal:
        raise OutputError(job.refusal)
    clip = Clip(job.media)
    segmenter = anew(segmenter)
    outcomes: Counter[Outcome] = Counter()
    failures: dict[str, None] = {}
    sheet = ContactSheet()
    with closing(_claimed(job, overwrite)) as records:  # to the end: until then no other run takes these names
        try:
            with _progress(clip, "localizing") as bar:
                cut = windows(clip, lengths.length_ns, lengths.hop_ns)
                for index, window in enumerate(cut if hear is None else map(hear, cut)):
                    found = _final(window, reasoner, options, segmenter)
                    records.write(record_from_localization(str(job.media), index, window, found))
                    outcomes[found.outcome] += 1
                    if found.outcome.failed and len(failures) < 10:
                        failures[found.detail] = None
                    title = f"{window.start / SECOND:.1f} to {window.end / SECOND:.1f} s"
                    sheet.add(title, annotated(window.center.image, caption_from_localization(found)))
                    bar.update(window.end / SECOND - bar.n)
        except BaseException as problem:
            with suppress(OSError):
                sheet.write(job.sheet)
            if not outcomes:
                job.records.unlink(missing_ok=True)
            if isinstance(problem, (OSError, FFmpegError)):
                left = f"it holds the first {outcomes.total()} windows, whole" if outcomes else "nothing was computed"
                raise _unwritten(job.records, problem, left) from None
            raise
        try:
            sheet.write(job.sheet)
        except OSError as problem:
            raise _unwritten(job.sheet, problem, f"{job.records} is whole") from None
        if job.video is not None and outcomes:
            annotate(clip, job.records, job.video)
    return RecordingSummary(outcomes, tuple(failures), tuple(dict.fromkeys(clip.notes)))


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
            for item in clip.once():
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
            _discard_unplayable(video)
        if isinstance(problem, (OSError, FFmpegError)):
            raise _unwritten(video, problem, f"{records} is whole") from None
        raise


def _discard_unplayable(video: Path) -> None:
    """Remove a video that was broken off before there was anything to see in it."""
    try:
        next(Clip(video).pictures())
    except (ClipError, StopIteration):
        video.unlink(missing_ok=True)


def _final(window: Window, reasoner: Reasoner, options: GarOptions, segmenter: Segmenter | None) -> Localization:
    *_, last = localize(window, reasoner, options)
    return masked_window(last, window, segmenter)


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
        return Caption(record.outcome, record.detail, record.reasoner, record.sound, record.sources, record.directions)


def _refusal(job: RecordingJob, media: Sequence[Path], overwrite: bool) -> str:
    try:
        check_outputs(job.outputs, media, overwrite)
    except OutputError as problem:
        return str(problem)
    except OSError as problem:
        return str(_unwritten(job.records, problem, "nothing was computed"))
    return ""


def _claimed(job: RecordingJob, overwrite: bool) -> RecordWriter:
    """The names of all its results, made free where they may be; they are its own until the writer is closed."""
    try:
        job.records.parent.mkdir(parents=True, exist_ok=True)
        writer = RecordWriter(job.records, overwrite)
    except BlockingIOError:
        raise OutputError(f"{job.records} is being written by another run: let it end first") from None
    except OSError as problem:
        raise _unwritten(job.records, problem, "nothing was computed") from None
    if overwrite:
        for path in job.outputs[1:]:
            path.unlink(missing_ok=True)
    return writer


def _spelled(name: str) -> str:
    """A name as file systems compare it that know no case, or only one spelling of a letter."""
    return unicodedata.normalize("NFC", name).casefold()


def _unwritten(path: Path, problem: Exception, left: str) -> OutputError:
    if isinstance(problem, FileExistsError) and problem.filename == str(path):
        return taken(path)  # since the names were settled
    code = getattr(problem, "errno", None) or 0
    remedy = {
        errno.ENOENT: "choose an --out that is a folder",
        errno.ENOTDIR: "choose an --out that is a folder",
        errno.EEXIST: "choose another --out",
        errno.ENAMETOOLONG: "give the recording a shorter name",
    }.get(code) or REMEDIES.get(code, "choose another --out")
    why = getattr(problem, "strerror", None) or type(problem).__name__
    return OutputError(f"{path} cannot be written ({why}): {remedy}; {left}")


def _progress(clip: Clip, doing: str) -> tqdm[NoReturn]:
    """A bar over the recording's seconds, where someone is watching."""
    total = None if clip.info.duration is None else clip.info.duration / SECOND
    form = "{desc} |{bar}| {n:.1f}/{total:.1f} s [{elapsed}<{remaining}]" if total else "{desc} {n:.1f} s [{elapsed}]"
    return tqdm(total=total, desc=f"{clip.path.name}: {doing}", bar_format=form, disable=None, leave=False)
