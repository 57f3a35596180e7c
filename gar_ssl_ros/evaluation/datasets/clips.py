"""Clips of which nobody knows what is true: every video of a folder, in windows of 3 s, to be labelled by a teacher."""

from __future__ import annotations

from pathlib import Path

from gar_ssl_ros.evaluation.datasets.library import VIDEO_SUFFIXES
from gar_ssl_ros.evaluation.datasets.media import WINDOW_NS, VideoCut
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Sample
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.media.clip import Clip, ClipError
from gar_ssl_ros.media.window import SECOND


def clips(root: Path) -> Dataset:
    """The videos below a folder, by their paths, each window one after the other. Raises DatasetError.

    A video that does not say how long it is has one window, at its middle.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is no folder: give --root, the folder that holds the clips")
    samples, notes = [], []
    for path in sorted(one for one in root.rglob("*") if one.suffix.lower() in VIDEO_SUFFIXES and one.is_file()):
        name = str(path.relative_to(root))
        try:
            duration = Clip(path).info.duration
        except ClipError as problem:
            notes.append(str(problem))
            continue
        whole = max(1, (duration or 0) // WINDOW_NS)
        moments = [(index + 0.5) * WINDOW_NS / SECOND for index in range(whole)] if duration else [None]
        for at in moments if duration and duration >= WINDOW_NS else [None]:
            where = name if at is None else f"{name}@{at:g}"
            samples.append(Sample(where, VideoCut(path, at), truths=(), outcome=Outcome.UNCERTAIN))
    if not samples:
        raise DatasetError(f"{root} holds no video that can be read: give --root, the folder that holds the clips")
    return Dataset(root.name or "clips", tuple(samples), notes=tuple(notes))
