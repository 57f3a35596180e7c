"""What the directions that a microphone array heard say of boxes in the picture, and which box each comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import HeardDirection, Sighting, Window

# Chosen on simulated rooms with seeds from 100000 on (benchmarks/fusion.py).
MIN_RATIO, MAX_RATIO = 0.05, 20.0  # of a box's likelihood to that of anywhere: a direction may be wrong, too
LOST_SHARE = 0.1  # of directions that are far from their source
MIN_PROBABILITY = 0.5  # of a direction that decides anything by itself
MAX_IN_VIEW = 0.2  # of a direction that is out of view
MAX_SPREAD = 0.2  # standard deviation of a place in the picture, 0..1 of it, that is worth telling
MIN_SAME_FIT = 0.1  # from which on a direction comes from a source that has another one
MIN_THERE_FIT = 0.6  # from which on it comes from a thing that is no source: 1 standard deviation


@dataclass(frozen=True)
class AnsweredDirection:
    """A direction, and which source of the answer it comes from.

    id, bearing, elevation, sd, front_back_known, probability, share, in_view: as of HeardDirection. source: the index
    of it; None where it comes from none of them: then `words` tell where else, such as `from the backpack`, where
    that was seen there, or `behind you`. x, y: where in the picture it lies, pixels; None where that is out of it, or
    not known. spread: standard deviation of x, pixels.
    """

    id: int
    source: int | None
    words: str
    bearing: float
    elevation: float | None
    sd: float
    probability: float
    share: float
    in_view: float
    x: float | None = None
    y: float | None = None
    spread: float | None = None
    front_back_known: bool = True


def ratio(window: Window, box: Box) -> float:
    """How much likelier the directions are if the sound is made in a box than if it is made anywhere in the picture.

    MIN_RATIO..MAX_RATIO; 1 where no array listened, or it heard no direction.
    """
    total = 1.0
    for one in window.heard or ():
        own = one.in_view * float(_inside(one, box, window).mean()) / max(float(one.fits.mean()), 1e-6)
        total += one.share * one.probability * (1 - LOST_SHARE) * (own - 1)
    return min(MAX_RATIO, max(MIN_RATIO, total))


def joined(likelihood: float, ratio: float) -> float:
    """A likelihood, 0..1, with what a ratio of another one to any says of it: Bayes' rule."""
    if ratio == 1.0:
        return likelihood
    odds = ratio * min(likelihood, 0.999) / (1 - min(likelihood, 0.999))
    return odds / (1 + odds)


def sure(window: Window) -> list[HeardDirection]:
    """Those that decide something by themselves."""
    return [one for one in window.heard or () if one.probability >= MIN_PROBABILITY]


def explains(window: Window, box: Box) -> bool:
    """True if a sure direction lies within the gate of a box, or there is none that is sure."""
    told = sure(window)
    return not told or any(_inside(one, box, window).any() for one in told)


def nearness(window: Window, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """How well each place of the picture, as (rows, columns), fits the direction that it fits best, 0..1.

    None where no sure direction is in view.
    """
    near = [one.fits for one in sure(window) if not _away(one)]
    if not near:
        return None
    rows, columns = (np.arange(side) * known // side for side, known in zip(shape, near[0].shape, strict=True))
    return np.asarray(np.max(near, axis=0)[np.ix_(rows, columns)], np.float64)


def out_of_view(window: Window) -> str:
    """Where the sound comes from, in words, if every sure direction lies out of view; else empty."""
    return places(window) if all(map(_away, sure(window))) else ""


def places(window: Window) -> str:
    """Where the sure directions are, in words; empty where there is none."""
    return " and ".join(one.words for one in sure(window))


def spot(one: HeardDirection) -> tuple[float, float, float | None] | None:
    """Where in the picture a direction lies: across, its standard deviation, and down, 0..1; None down where unknown.

    None where it is out of view.
    """
    total = float(one.fits.sum())
    if _away(one) or not total:
        return None
    (across, width), (down, height) = (
        _mean_and_spread(one.fits.sum(axis=axis, dtype=np.float64) / total) for axis in (0, 1)
    )
    return across, width, down if height <= MAX_SPREAD else None


def preferred(window: Window, other: Box) -> str:
    """A sentence for a box that was chosen by its direction, before one that goes with the sound as well or better."""
    rival = f"not from the {window.center.place(*other.center)}, where something goes with it as well"
    return f" The sound comes from there ({places(window)}), and {rival}."


def answered(window: Window, boxes: Sequence[Box], seen: Sequence[Sighting]) -> tuple[AnsweredDirection, ...]:
    """Each direction of a window with which of the boxes it comes from. seen: what else is in view.

    Each box is given one direction, and each direction one box, those that fit best first; a direction that is left
    over comes from a box that has another one only if it fits that, too.
    """
    heard = window.heard
    if not heard:
        return ()
    fits = np.array([[_inside(one, box, window).max() for box in boxes] for one in heard]).reshape(len(heard), -1)
    found: dict[int, int] = {}
    for at in np.argsort(-fits, axis=None, kind="stable"):
        direction, box = divmod(int(at), len(boxes))
        fit, taken = fits[direction, box], box in found.values()
        if fit > (MIN_SAME_FIT if taken else 0.0) and direction not in found:
            found[direction] = box
    return tuple(_answered(one, window, found.get(i), seen) for i, one in enumerate(heard))


def _answered(one: HeardDirection, window: Window, source: int | None, seen: Sequence[Sighting]) -> AnsweredDirection:
    words = _words(one, window, seen) if source is None else one.words
    angles, sure = (one.bearing, one.elevation, one.sd), (one.probability, one.share, one.in_view)
    there = spot(one)
    if there is None:
        return AnsweredDirection(one.id, source, words, *angles, *sure, front_back_known=one.front_back_known)
    (across, spread, down), width = there, window.center.width
    y = None if down is None else down * window.center.height
    place = across * width, y, spread * width
    return AnsweredDirection(one.id, source, words, *angles, *sure, *place, front_back_known=one.front_back_known)


def _away(one: HeardDirection) -> bool:
    """True if it is out of view: not where an array that knows no elevation, or not front from back, leaves it open."""
    return one.in_view <= MAX_IN_VIEW and float(one.fits.max()) < MIN_THERE_FIT


def _mean_and_spread(profile: NDArray[np.float64]) -> tuple[float, float]:
    """Of a distribution over 0..1: its mean and standard deviation."""
    at = (np.arange(len(profile)) + 0.5) / len(profile)
    mean = float(profile @ at)
    return mean, float(np.sqrt(profile @ (at - mean) ** 2))


def _words(one: HeardDirection, window: Window, seen: Sequence[Sighting]) -> str:
    """Where a direction comes from that is no source's."""
    fits = [(_inside(one, Box(*thing.sides), window), thing.label) for thing in seen if thing.label]
    _, label = max(((float(fit.mean()), label) for fit, label in fits if fit.max() >= MIN_THERE_FIT), default=(0.0, ""))
    return f"from the {label}" if label else one.words


def _inside(one: HeardDirection, box: Box, window: Window) -> NDArray[np.float32]:
    """How well the parts of a box fit a direction."""
    rows, columns = one.fits.shape
    across, down = columns / window.center.width, rows / window.center.height
    x, y = min(max(int(box.x1 * across), 0), columns - 1), min(max(int(box.y1 * down), 0), rows - 1)
    return one.fits[y : max(y + 1, round(box.y2 * down)), x : max(x + 1, round(box.x2 * across))]
