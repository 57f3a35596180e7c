"""Pseudo labels as lessons: each sample opened once, scaled, and kept on disk for as long as a training lasts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.pseudo import PseudoLabel
from gar_ssl_ros.evaluation.record import open_sample
from gar_ssl_ros.files import read_file, write_whole
from gar_ssl_ros.gar.localization import Source
from gar_ssl_ros.students.clips import frames_of, mel_of
from gar_ssl_ros.students.lesson import UNNAMED, Lesson
from gar_ssl_ros.students.options import StudentConfig

MIN_OF_LABEL = 5  # lessons with a label, from which on it is learned


@dataclass(frozen=True)
class KeptLessons:
    """Lessons on disk: a file each, which is read when its turn comes. labels: one a lesson, as of Lesson."""

    files: tuple[Path, ...]
    weights: tuple[float, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Lesson:
        with np.load(BytesIO(read_file(self.files[index])), allow_pickle=False) as kept:
            frames, mel, target, unsure = (kept[name] for name in ("frames", "mel", "target", "unsure"))
        return Lesson(frames, mel, target, unsure, self.weights[index], self.labels[index])


def labels_of(told: Sequence[PseudoLabel]) -> tuple[str, ...]:
    """What sounds are called often enough to be learned."""
    counts = Counter(one.label for one in told if one.label is not None)
    return tuple(sorted(name for name, count in counts.items() if count >= MIN_OF_LABEL))


def keep(
    told: Sequence[PseudoLabel],
    config: StudentConfig,
    least_av: float,
    weighted: bool,
    folder: Path,
    done: Callable[[str], None],
) -> KeptLessons:
    """Write each lesson into `folder`, unless it is there already.

    least_av: S_av below which a source is left out: its pixels are unsure, and a clip without another one is left out,
    too. weighted: a lesson counts as much as the mean S_av of its sources. done: is told after each sample why it could
    not be opened, or nothing. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, weights, labels = [], [], []
    for one in told:
        if one.found.sources and not any(_sure(source, least_av) for source in one.found.sources):
            done("")  # that nothing else sounds is as unsure as what was found
            continue
        key = repr((one.sample.id, repr(one.sample.media), one.found.sources, config.model_dump(), least_av))
        path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
        why = "" if path.is_file() else _write(path, one, config, least_av)
        done(why)
        if why:
            continue
        files.append(path)
        weights.append(_weight(one.found.sources, least_av) if weighted else 1.0)
        labels.append(config.labels.index(one.label) if one.label in config.labels else UNNAMED)
    return KeptLessons(tuple(files), tuple(weights), tuple(labels))


def _write(path: Path, one: PseudoLabel, config: StudentConfig, least_av: float) -> str:
    """Returns why it cannot be opened; empty where it could."""
    opened, why, _ = open_sample(one.sample)
    if opened is None:
        return f"{one.sample.id}: {why}"
    shape = opened.window.center.image.shape[:2]
    masks = [source for source in one.found.sources if source.mask is not None]
    if any(source.mask is not None and source.mask.pixels.shape != shape for source in masks):
        return f"{one.sample.id}: its masks are not of its size: label it again"
    sure = [source for source in masks if _sure(source, least_av)]
    target = _united(sure, shape, config)
    unsure = _united([source for source in one.found.sources if source not in sure], shape, config) > 0
    packed = BytesIO()
    np.savez(
        packed,
        frames=frames_of(opened.window, config),
        mel=mel_of(opened.window, config),
        target=target,
        unsure=unsure & (target < 128),
    )
    write_whole(path, packed.getvalue())
    return ""


def _sure(source: Source, least_av: float) -> bool:
    return source.av_consistency is None or source.av_consistency >= least_av


def _weight(sources: Sequence[Source], least_av: float) -> float:
    scores = [source.av_consistency for source in sources if _sure(source, least_av)]
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else 1.0


def _united(sources: Sequence[Source], shape: tuple[int, ...], config: StudentConfig) -> NDArray[np.uint8]:
    """What share of each of the student's pixels is of these sources, 255 for all; a box where there is no mask."""
    whole = np.zeros(shape, np.uint8)
    for source in sources:
        if source.mask is not None:
            whole[source.mask.pixels] = 255
        else:
            x1, y1, x2, y2 = (round(side) for side in source.box.sides)
            whole[max(0, y1) : y2, max(0, x1) : x2] = 255
    return np.asarray(cv2.resize(whole, (config.width, config.height), interpolation=cv2.INTER_AREA), np.uint8)
