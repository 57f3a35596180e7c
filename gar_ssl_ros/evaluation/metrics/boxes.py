"""Boxes as GAR scores them (arXiv:2604.06824, section 4.1, and the figures of its public evaluation).

Every box is drawn into a mask of 224 x 224 pixels: scaled, clipped to [0, 223], rounded, filled with both corners
included. Several boxes are their union, so a duet is scored by one pair of masks. `docs/metrics.md` has the formulas.

    score([[50, 50, 149, 149]], [[100, 100, 199, 199]])   # iou 0.142857, ap 0.211974
    summary([score(...), score(...), missed("it timed out")])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gar_ssl_ros.evaluation.metrics.masks import MASK_SIDE_PX, Counts, Sides, counts, mask

IOU_THRESHOLDS = np.linspace(0, 1, 21)  # of the AUC; the seventh is 0.30000000000000004, so that an IoU of 0.3 fails it


@dataclass(frozen=True)
class Score:
    """One sample. iou, ap: 0..1. counts: of its pixels. failure: why there is no answer, if so; then it is a miss."""

    iou: float
    ap: float
    counts: Counts
    failure: str | None = None


@dataclass(frozen=True)
class Summary:
    """Many samples; every figure 0..1, NaN where there is no sample to count.

    samples: the denominator. failed: how many had no answer, whether they are in the denominator or not. failures: how
    many for each reason. iou: mean. iou_03, iou_05: share with an IoU of at least 0.3, 0.5 (CIoU@t of a duet).
    auc: area under that share over `IOU_THRESHOLDS`. ap: mean AP (CAP of a duet). piap: AP of all pixels pooled.
    """

    samples: int
    failed: int
    failures: tuple[tuple[str, int], ...]
    iou: float
    iou_03: float
    iou_05: float
    auc: float
    ap: float
    piap: float


def score(
    predicted: Sequence[Sides], true: Sequence[Sides], width: float = MASK_SIDE_PX, height: float = MASK_SIDE_PX
) -> Score:
    """One answered sample: the boxes found and the true ones, both in pixels of a width x height image."""
    pixels = counts(mask(predicted, width, height), mask(true, width, height))
    return Score(pixels.iou, pixels.average_precision, pixels)


def missed(why: str, true: Sequence[Sides] = (), width: float = 1.0, height: float = 1.0) -> Score:
    """A sample without an answer: a miss that earns nothing, its true pixels missed in the pool.

    true: in pixels of a width x height image, by default in shares of it; nothing where even that is unknown, and then
    its pixels are not in the pool.
    """
    area = int(np.count_nonzero(mask(true, width, height)))
    return Score(0.0, 0.0, Counts(fn=area, tn=MASK_SIDE_PX * MASK_SIDE_PX - area) if len(true) else Counts(), why)


def success(ious: ArrayLike, threshold: float) -> float:
    """Share of samples with an IoU of at least `threshold`."""
    return float(np.mean(np.asarray(ious, float) >= threshold))


def curve(ious: ArrayLike) -> NDArray[np.float64]:
    """The success curve: that share at each of `IOU_THRESHOLDS`."""
    return np.array([success(ious, threshold) for threshold in IOU_THRESHOLDS])


def auc(ious: ArrayLike) -> float:
    """Area under the success curve, by the trapezoidal rule."""
    shares = curve(ious)
    return float(np.sum(np.diff(IOU_THRESHOLDS) * (shares[1:] + shares[:-1]) / 2))


def summary(scores: Sequence[Score], published: bool = False) -> Summary:
    """All samples. published: drop those without an answer from every figure, as the published numbers do."""
    counted = [s for s in scores if not (published and s.failure is not None)]
    failures = Counter(s.failure for s in scores if s.failure is not None)
    ious = [s.iou for s in counted]
    nothing = float("nan")
    return Summary(
        samples=len(counted),
        failed=failures.total(),
        failures=tuple(failures.most_common()),
        iou=float(np.mean(ious)) if counted else nothing,
        iou_03=success(ious, 0.3) if counted else nothing,
        iou_05=success(ious, 0.5) if counted else nothing,
        auc=auc(ious) if counted else nothing,
        ap=float(np.mean([s.ap for s in counted])) if counted else nothing,
        piap=sum((s.counts for s in counted), Counts()).average_precision if counted else nothing,
    )
