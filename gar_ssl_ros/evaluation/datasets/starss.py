"""STARSS23 and the SELD recordings before it: sound of an array, and in each 0.1 s what sounds from which direction.

Shimada et al., "STARSS23: an audio-visual dataset of spatial recordings of real scenes with spatiotemporal annotations
of sound events", arXiv:2306.09126. The published folders side by side: foa_dev or mic_dev with the sound, metadata_dev
with a CSV for each recording: frame, class, source, azimuth and elevation in degrees, and, since 2023, distance in cm.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.evaluation.metrics.seld import FRAMES_PER_SEGMENT, SoundEvent
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Opened, Sample, Truth
from gar_ssl_ros.files import read_text
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.media.buffer import WindowBuffer
from gar_ssl_ros.media.clip import ClipError, SoundRecording
from gar_ssl_ros.media.window import SECOND, Frame
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.mounting import camera_in_array
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.windows import WindowListener, lens_of_hfov

CLASSES = (
    "female speech", "male speech", "clapping", "telephone", "laughter", "domestic sounds", "footsteps", "door",
    "music", "musical instrument", "water tap", "bell", "knock",
)  # fmt: skip
ARRAYS = {"foa": "foa", "mic": "tetrahedral"}  # of the two formats
METADATA = ("metadata_dev", "metadata_eval", "metadata")
BEFORE_NS = SECOND  # that is read before a segment, to where decoding can begin
BLIND_DEGREES = 60.0  # of view, of a camera that sees nothing: its pictures are grey


@dataclass(frozen=True)
class SoundSegment:
    """A second of a recording. at: its start, s. truth: what sounds in it, frames from its start."""

    path: Path
    at: int
    array: str
    truth: tuple[SoundEvent, ...]

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """Its sound beside a grey picture, with the directions heard. Raises ClipError where it cannot be read."""
        start, end = self.at * SECOND, (self.at + 1) * SECOND
        recording, buffer = SoundRecording(self.path), WindowBuffer(span=2 * SECOND)
        buffer.add_frame(Frame(start + SECOND // 2, np.full((36, 64, 3), 128, np.uint8)))
        for piece in recording.audio(max(0, start - BEFORE_NS)):
            if piece.stamp >= end:
                break
            buffer.add_audio(piece)
        window = buffer.cut(start, end)
        if window is None or window.audio is None:
            raise ClipError(f"{self.path} has no sound at {self.at} s: fetch it again")
        at = camera_in_array("0 0 0 0 0 0")
        listener = WindowListener(arrays()[self.array], HearingOptions(), lens_of_hfov(BLIND_DEGREES), at)
        heard = listener.hear(window)
        return Opened(heard, (), (*recording.notes, *listener.problems), self.truth)


def starss23(root: Path, annotations: Path | None = None, form: str = "") -> Dataset:
    """Each second of each recording. form: `foa` or `mic`; that which is there where empty, `foa` of both.

    annotations: the folder of the CSV files, where that is not beside the sound's. Raises DatasetError.
    """
    forms = [form] if form else list(ARRAYS)
    folders = [(one, path) for one in forms for path in sorted(root.glob(f"{one}_*")) if path.is_dir()]
    if not folders:
        raise DatasetError(f"{root} holds no folder {' or '.join(f'{one}_dev' for one in forms)}: give --root, theirs")
    form, sounds = folders[0]
    found = [path for path in (annotations, *(root / name for name in METADATA)) if path is not None and path.is_dir()]
    if not found:
        raise DatasetError(f"{root} holds no folder metadata_dev: give --annotations, the folder of the CSV files")
    tables = sorted(found[0].rglob("*.csv"))
    if not tables:
        raise DatasetError(f"{found[0]} holds no CSV file: give --annotations, the folder that does")
    samples: list[Sample] = []
    silent: list[str] = []
    for table in tables:
        sound = sounds / table.relative_to(found[0]).with_suffix(".wav")
        if not sound.is_file():
            silent.append(sound.name)
            continue
        samples += _segments(sound, table, ARRAYS[form])
    if not samples:
        raise DatasetError(f"{sounds} holds no sound of the {len(tables)} recordings of {found[0]}: fetch {silent[0]}")
    without = f"{len(silent)} of {len(tables)} recordings have no sound in {sounds}"
    notes = [f"{without}, such as {silent[0]}: left out"] if silent else []
    return Dataset(f"starss23-{form}", tuple(samples), CLASSES, tuple(notes))


def read_events(table: Path) -> list[SoundEvent]:
    """A recording's. Raises DatasetError, one sentence with the line, where it is no such table."""
    events = []
    for number, row in enumerate(csv.reader(read_text(table).splitlines()), start=1):
        if not row:
            continue
        try:
            frame, label, source = map(int, row[:3])
            azimuth, elevation, *distance = map(float, row[3:])
        except ValueError:
            raise _refused(table, number, row, "give frame, class, source, azimuth, elevation") from None
        if len(distance) > 1 or not (frame >= 0 and abs(azimuth) <= 360 and abs(elevation) <= 90):
            raise _refused(table, number, row, "give a frame from 0 on and degrees, and distance in cm or nothing")
        if not 0 <= label < len(CLASSES):
            raise _refused(table, number, row, f"classes are 0 to {len(CLASSES) - 1}")
        angles = math.remainder(math.radians(azimuth), math.tau), math.radians(elevation)
        events.append(SoundEvent(frame, CLASSES[label], *angles, source, distance[0] / 100 if distance else None))
    return events


def _segments(sound: Path, table: Path, array: str) -> list[Sample]:
    segments: dict[int, list[SoundEvent]] = defaultdict(list)
    for event in read_events(table):
        at, frame = divmod(event.frame, FRAMES_PER_SEGMENT)
        segments[at].append(
            SoundEvent(frame, event.label, event.azimuth, event.elevation, event.source, event.distance)
        )
    seconds = (SoundRecording(sound).duration or 0) // SECOND
    return [
        Sample(
            f"{sound.stem}@{at}",
            SoundSegment(sound, at, array, tuple(segments[at])),
            (),
            Outcome.OFF_SCREEN if segments[at] else Outcome.SILENT,
            group=sound.parent.name,
        )
        for at in range(seconds or 1 + max(segments, default=-1))
    ]


def _refused(table: Path, number: int, row: list[str], remedy: str) -> DatasetError:
    return DatasetError(f"{table}, line {number}: {shortened(','.join(row))!r} is no sound event: {remedy}")
