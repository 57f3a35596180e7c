"""Heat maps as the trained baselines score them, each by its own protocol, so that a row beside theirs means the same.

The map is resized to 224 x 224 and cut at a threshold; the true boxes are drawn with exclusive ends and truncated
sides; cIoU is taken between the two. What differs is listed in `PROTOCOLS`, and told with its source in
`docs/metrics.md`.

    score(heat, [[0.1, 0.2, 0.6, 0.9]], PROTOCOLS["ez-vsl"])      # boxes in shares of the image
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gar_ssl_ros.evaluation.metrics import boxes
from gar_ssl_ros.evaluation.metrics.boxes import Score, Summary
from gar_ssl_ros.evaluation.metrics.masks import MASK_SIDE_PX, Counts, Mask, Sides, average_precision, counts
from gar_ssl_ros.evaluation.metrics.resizing import Kernel, resized

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Protocol:
    """How one baseline scores.

    kernel, corners: how the map is resized, see `resizing.resized`. threshold: the map's median, a share `value` of its
    peak, or the fixed `value`. above: True if a pixel must exceed the threshold, not only reach it. sums: True if
    overlapping true boxes add up instead of uniting. beyond: True if IoU@t asks for more than t. swapped: True if the
    pixel AP takes the prediction for the truth and the truth for the scores.
    """

    kernel: Kernel
    corners: bool
    threshold: Literal["median", "peak", "fixed"] = "median"
    value: float = 0.5
    above: bool = False
    sums: bool = False
    beyond: bool = False
    swapped: bool = False


PROTOCOLS = {
    "lvs": Protocol("linear", corners=False, above=True),
    "ez-vsl": Protocol("linear", corners=True),
    "fnac": Protocol("linear", corners=True),
    "fnac-bicubic": Protocol("cubic", corners=False),
    "slavc": Protocol("cubic", corners=True, beyond=True),  # with --relative_prediction, as its README runs it
    "avgn": Protocol("cubic", corners=True, threshold="fixed", sums=True, beyond=True, swapped=True),
    "no-prior": Protocol("cubic", corners=False, above=True),
    "dsol-solo": Protocol("linear", corners=False, threshold="peak", value=0.1, above=True),
    "dsol-duet": Protocol("linear", corners=False, threshold="peak", value=0.2, above=True),
}


def truth(boxes: Sequence[Sides], sums: bool = False) -> Weights:
    """True boxes [x1, y1, x2, y2] in shares of the image as weights (224, 224): 1 inside, or how many boxes overlap.

    Sides are clipped to 0..1, scaled and truncated, the ends exclusive; what is left of a degenerate box is nothing.
    """
    drawn = np.zeros((MASK_SIDE_PX, MASK_SIDE_PX))
    for box in boxes:
        x1, y1, x2, y2 = (np.clip(np.asarray(box, float), 0, 1) * MASK_SIDE_PX).astype(int)
        drawn[y1:y2, x1:x2] += 1
    return drawn if sums else np.minimum(drawn, 1)


def binary(heat: ArrayLike, protocol: Protocol) -> Mask:
    """What a map (H, W) says to sound, (224, 224). Raises ValueError where it is no map."""
    level = resized(heat, MASK_SIDE_PX, protocol.kernel, protocol.corners)
    if protocol.threshold == "median":
        middle = level.size // 2  # the upper one of the two in the middle
        threshold = float(np.partition(level, middle, axis=None)[middle])
    else:
        threshold = protocol.value * (float(level.max()) if protocol.threshold == "peak" else 1.0)
    return level > threshold if protocol.above else level >= threshold


def ciou(said: Mask, true: Weights) -> float:
    """Consensus IoU: the truth's weight inside `said`, over all of it plus what was said where there is none.

    true: (224, 224), or several of them stacked, as AVGN does with a duet. 0 where both are empty.
    """
    union = float(true.sum() + np.sum(said & (true == 0)))
    return float(np.sum(said * true)) / union if union else 0.0


def score(heat: ArrayLike, boxes: Sequence[Sides], protocol: Protocol) -> Score:
    """One sample: a map (H, W) and the true boxes in shares of the image."""
    said, true = binary(heat, protocol), truth(boxes, protocol.sums)
    pixels = counts(said, true > 0)
    ap = average_precision(said, true) if protocol.swapped else pixels.average_precision
    return Score(ciou(said, true) if protocol.sums else pixels.iou, ap, pixels)


def summary(scores: Sequence[Score], protocol: Protocol, published: bool = False) -> Summary:
    """All samples, as `boxes.summary`, by this protocol's idea of reaching an IoU."""
    found = boxes.summary(scores, published)
    if not protocol.beyond or not found.samples:
        return found
    ious = np.array([s.iou for s in scores if not (published and s.failure is not None)])
    return replace(found, iou_03=float(np.mean(ious > 0.3)), iou_05=float(np.mean(ious > 0.5)))


def score_each(
    heats: Sequence[ArrayLike], sources: Sequence[Sequence[Sides]], protocol: Protocol = PROTOCOLS["no-prior"]
) -> list[Score]:
    """A map for each source found against the boxes of each true source, as NoPrior does: a score a source.

    Each map in turn takes the source that it meets best, the first of equals, and that source is then empty for the
    maps after it; sources without a map score 0. A map beyond the number of sources meets only empty ones.
    """
    left = [truth(boxes, protocol.sums) for boxes in sources]
    scores = []
    for heat in heats:
        said = binary(heat, protocol)
        met = [ciou(said, true) for true in left]
        best = int(np.argmax(met))
        pixels = counts(said, left[best] > 0)
        scores.append(Score(met[best], pixels.average_precision, pixels))
        left[best] = np.zeros_like(left[best])
    return scores + [Score(0.0, 0.0, Counts())] * (len(sources) - len(heats))


def confidence(level: ArrayLike) -> float:
    """Mean of a map's highest quarter, by which SLAVC and AVGN rank samples; the map already resized to 224 x 224."""
    values = np.asarray(level, float).ravel()
    return float(np.sort(values)[-values.size // 4 :].mean())


def ranked_ap(ious: ArrayLike, confidences: ArrayLike, threshold: float = 0.5) -> float:
    """Average precision of whole samples ranked by confidence, as SLAVC and AVGN compute it for visible sources.

    At most some 200 thresholds, falling from the second-highest confidence. Each sample above one is right where its
    IoU reaches `threshold`; one below it is missed. The sum of recall's steps, each times the best precision from there
    on.
    """
    right = np.asarray(ious, float) >= threshold
    values = np.asarray(confidences, float)
    if right.shape != values.shape or values.ndim != 1:
        raise ValueError(f"each IoU needs its confidence: {right.size} IoUs, {values.size} confidences")
    precision, recall = [], []
    for least in np.sort(values)[:-1][:: -max(1, values.size // 200)]:
        said = values >= least
        tp, fn = int(np.sum(said & right)), int(np.sum(~said))
        precision.append(tp / int(said.sum()))
        recall.append(tp / (tp + fn) if tp + fn else 1.0)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(best[:-1] * np.diff(recall)))
