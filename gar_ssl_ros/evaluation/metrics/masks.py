"""Masks of 224 x 224 pixels and what two of them have in common: the ground of every metric here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MASK_SIDE_PX = 224

Sides = Sequence[float]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Pixels by what they are and what was said of them; those of several samples add up."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def iou(self) -> float:
        """Intersection over union, tp / (tp + fp + fn); 0 where both masks are empty."""
        union = self.tp + self.fp + self.fn
        return self.tp / union if union else 0.0

    @property
    def average_precision(self) -> float:
        """Average precision of a binary prediction: R P + (1 - R) prevalence; 0 where nothing is true.

        The sum of (R_n - R_{n-1}) P_n over falling thresholds, as in scikit-learn's average_precision_score, has two
        terms: the pixels said to be true, and then all of them.
        """
        true, said = self.tp + self.fn, self.tp + self.fp
        if not true:
            return 0.0
        recall, precision = self.tp / true, self.tp / said if said else 0.0
        return recall * precision + (1 - recall) * true / (true + self.fp + self.tn)


def mask(boxes: Sequence[Sides], width: float = MASK_SIDE_PX, height: float = MASK_SIDE_PX) -> Mask:
    """The union of boxes of a width x height image, bool (224, 224), as GAR's public evaluation draws them.

    A box is two opposite corners: scaled, clipped to [0, 223], rounded (halves to the even number), made two pixels
    wide or high where both sides fall on one pixel that is not the last (`clip_box` in its bbox_utils.py), and filled
    with both corners included. Raises ValueError where a box is not four numbers.
    """
    filled = np.zeros((MASK_SIDE_PX, MASK_SIDE_PX), bool)
    if not len(boxes):
        return filled
    sides = np.asarray(boxes, float)
    if sides.ndim != 2 or sides.shape[1] != 4 or np.isnan(sides).any():
        raise ValueError(f"a box is four numbers x1, y1, x2, y2, not {boxes!r}")
    scaled = sides * (MASK_SIDE_PX / np.array([width, height, width, height], float))
    drawn = np.rint(np.clip(scaled, 0, MASK_SIDE_PX - 1)).astype(int)
    first, last = np.minimum(drawn[:, :2], drawn[:, 2:]), np.maximum(drawn[:, :2], drawn[:, 2:])
    last = np.maximum(last, np.minimum(first + 1, MASK_SIDE_PX - 1))
    for (x1, y1), (x2, y2) in zip(first, last, strict=True):
        filled[y1 : y2 + 1, x1 : x2 + 1] = True
    return filled


def counts(predicted: ArrayLike, true: ArrayLike) -> Counts:
    """The pixels of two masks of one shape. Raises ValueError where the shapes differ."""
    said, is_true = np.asarray(predicted, bool), np.asarray(true, bool)
    if said.shape != is_true.shape:
        raise ValueError(f"two masks of one shape are compared, not {said.shape} and {is_true.shape}")
    tp = int(np.count_nonzero(said & is_true))
    fp, fn = int(np.count_nonzero(said)) - tp, int(np.count_nonzero(is_true)) - tp
    return Counts(tp, fp, fn, said.size - tp - fp - fn)


def average_precision(true: ArrayLike, scores: ArrayLike) -> float:
    """Average precision of scores of any values against what is true: sum of (R_n - R_{n-1}) P_n, thresholds falling.

    Both of one shape. Equal scores pass one threshold together. 0 where nothing is true. The definition of
    scikit-learn's average_precision_score.
    """
    is_true, values = np.asarray(true, bool).ravel(), np.asarray(scores, float).ravel()
    if is_true.shape != values.shape:
        raise ValueError(f"each score needs its truth: {values.size} scores, {is_true.size} truths")
    positives = int(np.count_nonzero(is_true))
    if not positives:
        return 0.0
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), values.size - 1)  # the last one of each run of equals
    tp = np.cumsum(is_true[order])[ends]
    return float(np.sum(np.diff(tp, prepend=0) / positives * tp / (ends + 1)))
