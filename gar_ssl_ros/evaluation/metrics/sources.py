"""Source by source: what the name "class-aware AP" promises and a score of united boxes cannot tell.

The sources found and the true ones are matched one to one, within a class, for the greatest sum of IoU. A true source
without a partner is missing, a found one without a partner is surplus, and both count as zero: two boxes with their
labels exchanged score nothing here and everything as a union. Boxes are drawn as GAR draws them (`masks.mask`).
`docs/metrics.md` has the formulas.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.metrics.assignment import assigned
from gar_ssl_ros.evaluation.metrics.boxes import auc, success
from gar_ssl_ros.evaluation.metrics.masks import MASK_SIDE_PX, average_precision, counts, mask
from gar_ssl_ros.evaluation.samples import Truth

MIN_HIT_IOU = 0.5  # from which a pair counts as a hit in precision, recall and class-aware AP
STOP_WORDS = frozenset({"a", "an", "and", "of", "playing", "sound", "sounds", "the"})  # words of labels


@dataclass(frozen=True)
class Found:
    """A source as a localizer gave it. sides: x1, y1, x2, y2. confidence: what ranks it in class-aware AP."""

    sides: tuple[float, float, float, float]
    label: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True)
class Pair:
    """A found source and the true one that it stands for, by their places; iou, ap: of their two masks."""

    found: int
    true: int
    iou: float
    ap: float


@dataclass(frozen=True)
class SourceScore:
    """One sample. pairs: what was matched. true, confidences: how many sources there are, and of each found one its
    confidence. failure: why there is no answer, if so; then all its sources are missing.
    """

    pairs: tuple[Pair, ...]
    true: int
    confidences: tuple[float, ...]
    failure: str | None = None

    @property
    def missing(self) -> int:
        """True sources that nothing found stands for."""
        return self.true - len(self.pairs)

    @property
    def surplus(self) -> int:
        """Found sources that stand for nothing true."""
        return len(self.confidences) - len(self.pairs)

    @property
    def ciou(self) -> float:
        """Class-aware IoU: the mean over all true and surplus sources; NaN where there is neither."""
        return self._mean([pair.iou for pair in self.pairs])

    @property
    def cap(self) -> float:
        """Class-aware pixel AP: likewise."""
        return self._mean([pair.ap for pair in self.pairs])

    def _mean(self, values: Sequence[float]) -> float:
        return sum(values) / (self.true + self.surplus) if self.true + self.surplus else float("nan")


@dataclass(frozen=True)
class SourceSummary:
    """Many samples; shares 0..1, NaN where there is nothing to count.

    samples: those with a true or a surplus source, the denominator of the means. failed, failures: as in `gar.Summary`.
    true, paired, missing, surplus: sources. ciou, cap: mean over samples. ciou_03, ciou_05: share of samples that reach
    it; auc: area under that share. ap: class-aware average precision of all found sources in one ranking, a hit being
    a pair with an IoU of at least `MIN_HIT_IOU`. precision, recall: share of found, of true sources that are in such a
    pair.
    """

    samples: int
    failed: int
    failures: tuple[tuple[str, int], ...]
    true: int
    paired: int
    missing: int
    surplus: int
    ciou: float
    ciou_03: float
    ciou_05: float
    auc: float
    cap: float
    ap: float
    precision: float
    recall: float


def same_class(found: str | None, true: str | None) -> bool:
    """True if a freely worded label means a dataset's class: the words of one are all among the other's.

    "guitar" goes with "playing acoustic guitar" and "dog" with "dog barking", and a class that is not known (None) with
    any. Case, punctuation and words that say nothing (`STOP_WORDS`) do not count.
    """
    if true is None:
        return True
    one, other = _words(found or ""), _words(true)
    return bool(one and other) and (one <= other or other <= one)


def score(
    found: Sequence[Found],
    true: Sequence[Truth],
    width: float = MASK_SIDE_PX,
    height: float = MASK_SIDE_PX,
    same: Callable[[str | None, str | None], bool] = same_class,
) -> SourceScore:
    """One answered sample: the sources found and the true ones, both in pixels of a width x height image."""
    found_masks = [mask([f.sides], width, height) for f in found]
    true_masks = [mask([t.sides], width, height) for t in true]
    ious = np.zeros((len(found), len(true)))
    for i, f in enumerate(found):
        for j, t in enumerate(true):
            if same(f.label, t.label):
                ious[i, j] = counts(found_masks[i], true_masks[j]).iou
    pairs = tuple(
        Pair(i, j, float(ious[i, j]), counts(found_masks[i], true_masks[j]).average_precision)
        for i, j in assigned(ious)
    )
    return SourceScore(pairs, len(true), tuple(f.confidence for f in found))


def missed(why: str, true: Sequence[Truth]) -> SourceScore:
    """A sample without an answer: all its sources are missing."""
    return SourceScore((), len(true), (), why)


def summary(scores: Sequence[SourceScore], published: bool = False) -> SourceSummary:
    """All samples. published: drop those without an answer from every figure."""
    counted = [s for s in scores if not (published and s.failure is not None) and s.true + s.surplus]
    failures = Counter(s.failure for s in scores if s.failure is not None)
    true, found = sum(s.true for s in counted), sum(len(s.confidences) for s in counted)
    paired = sum(len(s.pairs) for s in counted)
    hits = sum(pair.iou >= MIN_HIT_IOU for s in counted for pair in s.pairs)
    cious = [s.ciou for s in counted]
    nothing = float("nan")
    return SourceSummary(
        samples=len(counted),
        failed=failures.total(),
        failures=tuple(failures.most_common()),
        true=true,
        paired=paired,
        missing=true - paired,
        surplus=found - paired,
        ciou=float(np.mean(cious)) if counted else nothing,
        ciou_03=success(cious, 0.3) if counted else nothing,
        ciou_05=success(cious, 0.5) if counted else nothing,
        auc=auc(cious) if counted else nothing,
        cap=float(np.mean([s.cap for s in counted])) if counted else nothing,
        ap=class_aware_ap(counted) if true else nothing,
        precision=hits / found if found else nothing,
        recall=hits / true if true else nothing,
    )


def class_aware_ap(scores: Sequence[SourceScore], threshold: float = MIN_HIT_IOU) -> float:
    """Average precision of all found sources ranked by their confidence, against all true ones, 0..1.

    A hit is a pair, hence of one class, with an IoU of at least `threshold`; what is found besides costs precision,
    what is missing costs recall. Equal confidences pass together.
    """
    confidences = np.array([c for s in scores for c in s.confidences])
    hit_places = [{pair.found for pair in s.pairs if pair.iou >= threshold} for s in scores]
    hits = np.array(
        [i in places for s, places in zip(scores, hit_places, strict=True) for i in range(len(s.confidences))]
    )
    true = sum(s.true for s in scores)
    # Over the sources that were hit; those missing never come up in the ranking, so that recall ends below 1.
    return average_precision(hits, confidences) * int(hits.sum()) / true if true and hits.size else 0.0


def _hits(of: SourceScore, threshold: float) -> NDArray[np.bool_]:
    hits = np.zeros(len(of.confidences), bool)
    hits[[pair.found for pair in of.pairs if pair.iou >= threshold]] = True
    return hits


def _words(label: str) -> frozenset[str]:
    words = frozenset(re.findall(r"[a-z0-9]+", label.lower()))
    return words - STOP_WORDS or words
