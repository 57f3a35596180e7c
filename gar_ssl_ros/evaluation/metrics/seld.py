"""Sound event localization and detection as the DCASE challenges score it: ER, F, LE and LR, in segments of 1 s.

Mesaros et al., "Joint measurement of localization and detection of sound events", WASPAA 2019, with several events of a
class as in Politis et al., arXiv:2009.02792, and averaged over classes, counted as the challenges' own code does since
2022 (github.com/sharathadavanne/seld-dcase2022). `docs/metrics.md` has the formulas.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.metrics.assignment import assigned
from gar_ssl_ros.spatial.direction import body_of_angles

FRAME_S = 0.1
FRAMES_PER_SEGMENT = 10
THRESHOLD = math.radians(20)  # ER and F count an event as found up to this far from its direction
WORST = math.pi  # LE of a class of which nothing is found

Frames = Mapping[int, NDArray[np.float64]]  # of one class in one segment: by frame, unit vectors (events, 3)


@dataclass(frozen=True)
class SoundEvent:
    """What sounds in one frame. frame: of FRAME_S each, from 0 on. source: which one of its label, where that is known.
    azimuth, elevation: rad, positive to the left and up. distance: m, None where it is not known.
    """

    frame: int
    label: str
    azimuth: float
    elevation: float
    source: int = 0
    distance: float | None = None

    @property
    def vector(self) -> NDArray[np.float64]:
        """Of length 1: x forward, y left, z up."""
        return np.array(body_of_angles(self.azimuth, self.elevation))


@dataclass(frozen=True)
class SeldScores:
    """error_rate: ER20, over all classes. f_score: F20, 0..1; localization_error: LE_CD, rad; localization_recall:
    LR_CD, 0..1: means over classes.
    """

    error_rate: float
    f_score: float
    localization_error: float
    localization_recall: float


def seld(
    recordings: Sequence[tuple[Sequence[SoundEvent], Sequence[SoundEvent]]],
    classes: Collection[str],
    threshold: float = THRESHOLD,
) -> SeldScores:
    """The scores of what was found beside what is true in each recording. Events of other classes do not count.

    Raises ValueError where there is no class.
    """
    if not classes:
        raise ValueError("name a class at least: the scores are means over classes")
    counts: dict[str, Counter[str]] = {label: Counter() for label in classes}
    distances = dict.fromkeys(classes, 0.0)
    errors, references = 0, 0
    for found, true in recordings:
        told, known = _segments(found), _segments(true)
        for segment in {place for place, _ in (*told, *known)}:
            false_positives, false_negatives = 0, 0
            for label in classes:
                one = _counted(told.get((segment, label), {}), known.get((segment, label), {}), threshold)
                counts[label] += one.counts
                distances[label] += one.distance
                references += one.references
                false_positives += one.counts["surplus"] + one.counts["far"]
                false_negatives += one.counts["missing"]
            errors += max(false_positives, false_negatives)  # substitutions, and deletions or insertions
    each = [_of_class(counts[label], distances[label]) for label in classes]
    f_score, error, recall = np.mean(each, axis=0).tolist()
    return SeldScores(errors / references if references else math.nan, f_score, error, recall)


@dataclass(frozen=True)
class _Counted:
    """One class in one segment. counts: near and far, of tracks that were met; missing and surplus ones. distance: sum
    over tracks of their mean distances, rad.
    """

    counts: Counter[str]
    distance: float = 0.0
    references: int = 0


def _counted(found: Frames, true: Frames, threshold: float) -> _Counted:
    told, known = (max(map(len, frames.values()), default=0) for frames in (found, true))
    tracks: dict[int, list[float]] = defaultdict(list)
    for frame in found.keys() & true.keys():
        apart = np.arccos(np.clip(true[frame] @ found[frame].T, -1, 1))
        for track, other in assigned(2 * WORST - apart):  # all gains above 0, so that as many pair as can
            tracks[track].append(float(apart[track, other]))
    if not tracks:  # what is told at other times than it sounds is no surplus besides
        missing = told if told and known else known
        return _Counted(Counter(missing=missing, surplus=0 if known else told), references=known)
    means = [sum(each) / len(each) for each in tracks.values()]
    near = sum(mean <= threshold for mean in means)
    lacking, surplus = max(0, known - told), max(0, told - known)
    counts = Counter(near=near, far=len(means) - near, missing=lacking, surplus=surplus)
    return _Counted(counts, sum(means), known)


def _of_class(counts: Counter[str], distance: float) -> tuple[float, float, float]:
    """F, LE and LR."""
    met = counts["near"] + counts["far"]
    wrong = counts["far"] + (counts["surplus"] + counts["missing"]) / 2
    f_score = counts["near"] / max(counts["near"] + wrong, 1e-9)
    return f_score, distance / met if met else WORST, met / max(met + counts["missing"], 1e-9)


def _segments(events: Sequence[SoundEvent]) -> dict[tuple[int, str], Frames]:
    """By segment and class."""
    found: dict[tuple[int, str], dict[int, list[NDArray[np.float64]]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        found[event.frame // FRAMES_PER_SEGMENT, event.label][event.frame].append(event.vector)
    return {key: {frame: np.array(vectors) for frame, vectors in some.items()} for key, some in found.items()}
