"""How exactly directions are told: on the great circle, one told direction to each true one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.metrics.assignment import assigned

ACCURACY_DEGREES = (10, 15, 20, 30)
BESIDE = math.radians(15)  # from straight left or right: there, in front and behind are hardly two directions


@dataclass(frozen=True)
class Angles:
    """A direction, rad, azimuth positive to the left, elevation positive up and None where it is not known."""

    azimuth: float
    elevation: float | None


@dataclass(frozen=True)
class DirectionScores:
    """Of many samples. true, told, met: directions that there are, that are told, and that are told of one that there
    is. errors: of each true one, rad; pi where none is told. within: share of the true ones by ACCURACY_DEGREES.
    median: of all errors, rad. confused: share of what was told of what is in front or behind that was told to be on
    the other side; NaN where there is none.
    """

    true: int
    told: int
    met: int
    errors: tuple[float, ...]
    within: tuple[float, ...]
    median: float
    confused: float


def apart(one: Angles, other: Angles) -> float:
    """On the great circle, rad; in azimuth alone where an elevation is not known."""
    if one.elevation is None or other.elevation is None:
        return abs(math.remainder(one.azimuth - other.azimuth, math.tau))
    haversine = (
        math.sin((one.elevation - other.elevation) / 2) ** 2
        + math.cos(one.elevation) * math.cos(other.elevation) * math.sin((one.azimuth - other.azimuth) / 2) ** 2
    )
    return 2 * math.asin(min(1.0, math.sqrt(haversine)))


def mirrored(one: Angles) -> Angles:
    """As far to the side, behind where it is in front, and in front where it is behind."""
    return Angles(math.remainder(math.pi - one.azimuth, math.tau), one.elevation)


def direction_scores(samples: Sequence[tuple[Sequence[Angles], Sequence[Angles]]]) -> DirectionScores:
    """What was told beside what is true in each sample, so assigned that the errors' sum is least."""
    errors: list[float] = []
    sides: list[bool] = []
    told = met = 0
    for found, true in samples:
        told += len(found)
        own = [math.pi] * len(true)
        gains = np.array([[2 * math.pi - apart(one, other) for other in found] for one in true])
        for row, column in assigned(gains.reshape(len(true), len(found))):
            one, other = true[row], found[column]
            own[row] = apart(one, other)
            met += 1
            if abs(math.cos(one.azimuth)) > math.sin(BESIDE):
                sides.append(apart(mirrored(one), other) < own[row])
        errors += own
    all_errors: NDArray[np.float64] = np.array(errors)
    return DirectionScores(
        true=len(errors),
        told=told,
        met=met,
        errors=tuple(errors),
        within=tuple(float((all_errors <= math.radians(d)).mean()) if errors else math.nan for d in ACCURACY_DEGREES),
        median=float(np.median(all_errors)) if errors else math.nan,
        confused=sum(sides) / len(sides) if sides else math.nan,
    )
