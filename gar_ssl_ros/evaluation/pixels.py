"""An answer's pixels beside the true ones: each source's mask, or its box where it has none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.metrics.masks import Counts, counts
from gar_ssl_ros.evaluation.metrics.segmentation import SegmentedFrame
from gar_ssl_ros.evaluation.metrics.sources import same_class
from gar_ssl_ros.evaluation.samples import Opened, Sample
from gar_ssl_ros.gar.localization import Source
from gar_ssl_ros.masks.crop import pixels_of_box

BACKGROUND = "background"  # the class of what does not sound
NO_CLASS = -1  # of what sounds as none of the classes does

Pixels = NDArray[np.bool_]


def segmented(
    sources: Sequence[Source], opened: Opened, sample: Sample, failure: str | None = None
) -> SegmentedFrame | None:
    """What was found together, and class by class, beside what is true; None where the truth has no masks.

    sources: of the center frame, the surest first. failure: why there is no answer, if so.
    """
    if sample.mask_classes is None:
        return None
    shape = opened.window.center.image.shape[:2]
    found = [pixels_of(source, shape) for source in sources]
    true = [np.zeros(shape, np.bool_) if truth.mask is None else truth.mask.pixels for truth in opened.truths]
    together = counts(_united(found, shape), _united(true, shape))
    by_class = None
    if sample.mask_classes:
        names = (BACKGROUND, *(name for name in sample.mask_classes if name != BACKGROUND))
        said = _painted(found, [class_of(source.label, names) for source in sources], shape)
        known = _painted(true, [class_of(truth.label or "", names) for truth in opened.truths], shape)
        by_class = _by_class(said, known, names)
    boxes = sum(source.mask is None for source in sources)
    return SegmentedFrame(sample.clip, together, by_class, len(sources), boxes, failure)


def unsegmented(sample: Sample, failure: str) -> SegmentedFrame | None:
    """A frame that could not be read: something sounds in it that was not found, as far as anyone knows."""
    return None if sample.mask_classes is None else SegmentedFrame(sample.clip, Counts(fn=1), failure=failure)


def pixels_of(source: Source, shape: tuple[int, ...]) -> Pixels:
    """Its mask, or else all of its box, in an image of that shape, (H, W)."""
    if source.mask is not None:
        return source.mask.pixels
    filled = np.zeros(shape, np.bool_)
    if (where := pixels_of_box(source.box, shape[1], shape[0])) is not None:
        filled[where] = True
    return filled


def class_of(label: str, names: Sequence[str]) -> int:
    """The place of the class that a freely worded label means, the one of just its words first; NO_CLASS of none."""
    meant = [place for place, name in enumerate(names) if name != BACKGROUND and same_class(label, name)]
    return next((place for place in meant if names[place] == label), meant[0] if meant else NO_CLASS)


def _united(masks: Sequence[Pixels], shape: tuple[int, ...]) -> Pixels:
    return np.asarray(np.any([np.zeros(shape, np.bool_), *masks], axis=0))


def _painted(masks: Sequence[Pixels], classes: Sequence[int], shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Each pixel's class, the first mask's on top."""
    drawn = np.zeros(shape, np.int16)  # BACKGROUND comes first
    for pixels, name in reversed(list(zip(masks, classes, strict=True))):
        drawn[pixels] = name
    return drawn


def _by_class(
    said: NDArray[np.int16], known: NDArray[np.int16], names: Sequence[str]
) -> dict[str, tuple[int, int, int]]:
    """Of each class that is found or true: pixels found rightly, found, true."""
    right, found, true = (
        np.bincount(some.ravel() - NO_CLASS, minlength=len(names) + 1)[1:]
        for some in (np.where(said == known, said, NO_CLASS), said, known)
    )
    met = np.flatnonzero(found + true).tolist()
    return {names[place]: (int(right[place]), int(found[place]), int(true[place])) for place in met}
