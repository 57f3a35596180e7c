"""Masks of what sounds as audio-visual segmentation scores them, each figure named by whose it is.

AVSBench's own (Zhou et al., ECCV 2022 and IJCV 2024; github.com/OpenNLPLab/AVSBench, `avs_scripts/*/utils/`), the same
frame by frame (Huang et al., AL-Ref-SAM2, AAAI 2025), formula (9) of OpenAVS, and what is said to sound where nothing
in view does (AVSBench-Robust, arXiv:2502.00358). `docs/metrics.md` has the formulas.

    mask_iou(logits, true)         # of the frames of one clip, (frames, H, W): AVSBench's `mask_iou`
    f_measure(logits, true)        # AVSBench's `Eval_Fmeasure`
    summary([SegmentedFrame("clip", counts(found, true)), ...])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gar_ssl_ros.evaluation.metrics.masks import Counts, counts

BETA_SQUARED = 0.3  # of F: precision counts more than recall
THRESHOLDS = 255  # of a map, over which the greatest F is taken, from 0 to 1

ClassPixels = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True)
class SegmentedFrame:
    """One frame with its truth. clip: which it is of. counts: of what was found together, and what is true together.

    by_class: of each class that is found or true, pixels found rightly, found and true; None where the truth knows no
    classes. sources, boxes: how many were found, and how many of them had no mask, so that their boxes were taken.
    failure: why there is no answer, if so; then nothing is found.
    """

    clip: str
    counts: Counts
    by_class: ClassPixels | None = None
    sources: int = 0
    boxes: int = 0
    failure: str | None = None

    @property
    def silent(self) -> bool:
        """True if nothing in view sounds."""
        return not self.counts.tp + self.counts.fn

    @property
    def said(self) -> float:
        """Share of its pixels that are said to sound: AVSBench-Robust's false positive rate where it is silent."""
        return (self.counts.tp + self.counts.fp) / _total(self.counts)

    @property
    def iou(self) -> float:
        """As AVSBench counts it, see `frame_iou`; 0 without an answer."""
        return 0.0 if self.failure is not None else frame_iou(self.counts)

    @property
    def both(self) -> float:
        """Formula (9), see `both_iou`; 0 without an answer."""
        return 0.0 if self.failure is not None else both_iou(self.counts)

    @property
    def f(self) -> tuple[float, float]:
        """F of all pixels and of those found: a mask tells no more thresholds apart. 0 without an answer."""
        c, true = self.counts, self.counts.tp + self.counts.fn
        if self.failure is not None or not true:
            return 0.0, 0.0
        return float(_f(true, _total(c), true)), float(_f(c.tp, c.tp + c.fp, true))


@dataclass(frozen=True)
class SegmentationSummary:
    """Many frames; every figure 0..1, NaN where there is no frame to count.

    frames, clips, silent: how many. failed: frames without an answer, in the denominator or not. sources, boxes: found
    ones, and those of them whose boxes stand for masks. iou, f: AVSBench's, mean over clips. frame_iou, frame_f: with
    each frame a clip of its own, as AL-Ref-SAM2. both_iou: formula (9), mean over frames. sounding_iou: mean of the
    frames in which something in view sounds. said: mean share of pixels said to sound in the others that were answered.
    class_iou, class_f: of classes that are found or true anywhere, mean over these; NaN where the truth knows no
    classes. classes: how many those are.
    """

    frames: int
    clips: int
    silent: int
    failed: int
    sources: int
    boxes: int
    iou: float
    f: float
    frame_iou: float
    frame_f: float
    both_iou: float
    sounding_iou: float
    said: float
    class_iou: float
    class_f: float
    classes: int


def mask_iou(predicted: ArrayLike, true: ArrayLike) -> float:
    """The mean over frames of what sounds, found and true, intersection over union: AVSBench's `mask_iou`.

    predicted: logits, or masks (bool), (frames, H, W): a pixel counts where its sigmoid is above 0.5. true: masks. Of a
    frame in which nothing sounds, the share of pixels that is left alone. Raises ValueError for other arrays.
    """
    levels, truth = _frames(predicted, true)
    found = levels > np.float32(0.5)
    return float(np.mean([frame_iou(counts(one, other)) for one, other in zip(found, truth, strict=True)]))


def f_measure(predicted: ArrayLike, true: ArrayLike) -> float:
    """F with beta^2 = 0.3, mean over frames, at the threshold where that is greatest: AVSBench's `Eval_Fmeasure`.

    As `mask_iou`. Frames in which nothing sounds are left out; where there is no other, it is 0. The first threshold is
    0, which every pixel reaches: no prediction has less than F of the whole image.
    """
    levels, truth = _frames(predicted, true)
    curves = [_curve(level, one) for level, one in zip(levels, truth, strict=True) if one.any()]
    return float(np.mean(curves, axis=0).max()) if curves else 0.0


def frame_iou(counts: Counts) -> float:
    """IoU of what sounds; where nothing does, the share of pixels that is left alone."""
    return counts.iou if counts.tp + counts.fn else counts.tn / _total(counts)


def both_iou(counts: Counts) -> float:
    """OpenAVS's formula (9): the mean IoU of what sounds and of the rest; of what is nowhere, 1."""
    missed = counts.fp + counts.fn
    sounding, rest = counts.tp + missed, counts.tn + missed
    return ((counts.tp / sounding if sounding else 1.0) + (counts.tn / rest if rest else 1.0)) / 2


def summary(frames: Sequence[SegmentedFrame], published: bool = False) -> SegmentationSummary:
    """All frames. published: drop those without an answer from every figure."""
    counted = [frame for frame in frames if not (published and frame.failure is not None)]
    clips: dict[str, list[SegmentedFrame]] = {}
    for frame in counted:
        clips.setdefault(frame.clip, []).append(frame)
    silent = [frame for frame in counted if frame.silent]
    class_iou, class_f = by_class(counted)
    return SegmentationSummary(
        frames=len(counted),
        clips=len(clips),
        silent=len(silent),
        failed=sum(frame.failure is not None for frame in frames),
        sources=sum(frame.sources for frame in counted),
        boxes=sum(frame.boxes for frame in counted),
        iou=_mean([_mean([frame.iou for frame in clip]) for clip in clips.values()]),
        f=_mean([_greatest_f(clip) for clip in clips.values()]),
        frame_iou=_mean([frame.iou for frame in counted]),
        frame_f=_mean([_greatest_f([frame]) for frame in counted]),
        both_iou=_mean([frame.both for frame in counted]),
        sounding_iou=_mean([frame.iou for frame in counted if not frame.silent]),
        said=_mean([frame.said for frame in silent if frame.failure is None]),
        class_iou=_mean(list(class_iou.values())),
        class_f=_mean(list(class_f.values())),
        classes=len(class_iou),
    )


def by_class(frames: Sequence[SegmentedFrame]) -> tuple[dict[str, float], dict[str, float]]:
    """IoU and F of each class that is found or true anywhere, each the mean over the frames that have it.

    AVSBench's `calc_color_miou_fscore`, which goes on to the mean over all 71 classes, those never met as 0.
    """
    ious: dict[str, list[float]] = {}
    scores: dict[str, list[float]] = {}
    for frame in frames:
        for name, (right, found, true) in (frame.by_class or {}).items():
            if found or true:
                ious.setdefault(name, []).append(right / (found + true - right))
                scores.setdefault(name, []).append(float(_f(right, found, true)))
    return {name: _mean(some) for name, some in ious.items()}, {name: _mean(some) for name, some in scores.items()}


def _frames(predicted: ArrayLike, true: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Levels, 0..1, and truth."""
    given, truth = np.asarray(predicted), np.asarray(true)
    if given.ndim != 3 or given.shape != truth.shape or not given.size:
        raise ValueError(f"frames and their truth are (frames, H, W) alike, not {given.shape} and {truth.shape}")
    if truth.dtype != np.bool_ and not np.isin(truth, (0, 1)).all():
        raise ValueError("a true mask is 0 and 1: cut it at a threshold first")
    if given.dtype == np.bool_:
        return given.astype(np.float32), truth.astype(np.bool_)
    logits = given.astype(np.float32)
    if np.isnan(logits).any():
        raise ValueError("the logits are not all numbers")
    with np.errstate(over="ignore"):
        power = np.exp(-logits.astype(np.float64)).astype(np.float32)
    levels = np.asarray(1 / (1 + power), np.float32)  # each step rounded as PyTorch does, so that thresholds cut alike
    return levels, truth.astype(np.bool_)


def _curve(levels: NDArray[np.float32], true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """F of one frame at each threshold, (THRESHOLDS,)."""
    thresholds, level = np.append(_thresholds(), np.float32(np.inf)), levels.ravel()
    near = (level * (THRESHOLDS - 1)).astype(np.int32)  # its place, or one beside it: ten times as fast as a search
    reached = near + 1 - (level < thresholds[near]) + (level >= thresholds[near + 1])  # by the pixel, so many of them
    said, tp = (
        np.bincount(some, minlength=THRESHOLDS + 1)[:0:-1].cumsum()[::-1] for some in (reached, reached[true.ravel()])
    )
    return np.asarray(_f(tp, said, int(np.count_nonzero(true))))


def _thresholds() -> NDArray[np.float32]:
    """As `torch.linspace` makes them in float32: from both ends to the middle."""
    step = np.float32(1) / np.float32(THRESHOLDS - 1)
    at = np.arange(THRESHOLDS, dtype=np.float32)
    return np.where(at < THRESHOLDS // 2, at * step, 1 - (THRESHOLDS - 1 - at) * step).astype(np.float32)


def _f(tp: ArrayLike, said: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """(1 + b) P R / (b P + R) with P = tp / said and R = tp / true, which is this; 0 where tp is."""
    hits, some, there = (np.asarray(count, float) for count in (tp, said, true))
    weighted = BETA_SQUARED * hits + hits  # summed as below, so that all found rightly is 1 and no more
    return np.asarray(weighted / (BETA_SQUARED * there + some + 1e-20))


def _greatest_f(frames: Sequence[SegmentedFrame]) -> float:
    known = [frame.f for frame in frames if not frame.silent]
    return float(np.mean(known, axis=0).max()) if known else 0.0


def _total(counts: Counts) -> int:
    return counts.tp + counts.fp + counts.fn + counts.tn


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
