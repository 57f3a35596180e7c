"""Whether something moves in time with the sound, and how surely it is more than chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.reasoners.signal.motion import CHANGE_UNITS, Motion, Region

Series = NDArray[np.float64]
Loudness = Callable[[Series, Series], Series]  # of the sound, or of a band of it, between times and times, s

LAGS_S = (-0.07, -0.035, 0.0, 0.035, 0.07)  # s: how much later the sound may be stamped than what is seen of it
SCORE_PER_DEVIATION = 0.05  # of score for each standard deviation above what is usual for a region
SCORE_PER_EFOLD = (
    0.1  # of score for each e-fold of a region's share of all motion: the thing that moves most often sounds
)
MIN_LOUDNESS = 0.01  # loudness, -80 dBFS: what is fainter is not heard
MIN_SHARE = 0.02  # a share below which less says no more
UNRELATED_S = 0.4  # s: audio shifted by more than this has nothing to do with what is seen


@dataclass(frozen=True)
class Way:
    """One way in which a motion and a sound can go together.

    tag: its name as a role tag. words: what it is to a person. motion, sound: the two courses that are compared.
    signed: True if their direction matters (a thing's state may follow the loudness up or down).
    """

    tag: str
    words: str
    motion: str
    sound: str
    signed: bool = True


WAYS = (
    Way("moves_while_loud", "moves the more the louder it is", "speed", "between"),
    Way("moves_as_loudness_changes", "moves as the loudness changes", "speed", "change"),
    Way("moves_at_onsets", "moves when a sound begins", "speed", "onset"),
    Way("displaced_while_loud", "departs from its rest as it gets loud", "departure", "level"),
    Way("displaced_while_loud", "departs from its rest as it gets loud", "state", "level", signed=False),
    Way("moves_as_loudness_changes", "moves as the loudness changes", "step", "slope", signed=False),
)
SPEED = 0  # indices into WAYS of the plain courses
STEP = 5
UNSIGNED = np.array([not way.signed for way in WAYS])


@dataclass(frozen=True)
class Match:
    """How well one region's motion goes with the sound.

    correlation: of the best way, lag and band, -1..1. agreement: of all ways together, their 4-norm, so that several
    that agree count for more than one alone. surprise: how many standard deviations the agreement lies above its
    value for audio shifted in time. share: of all motion, the region's. way, lag: the best ones, lag in s. bands: the
    best correlation with each of the loudnesses that were compared, 0..1.
    """

    correlation: float
    agreement: float
    surprise: float
    share: float
    way: Way
    lag: float
    bands: tuple[float, ...]

    @property
    def score(self) -> float:
        """One figure: the agreement, a little for its being out of the ordinary, and less the less moves."""
        return (
            self.agreement
            + SCORE_PER_DEVIATION * self.surprise
            + SCORE_PER_EFOLD * math.log(max(self.share, MIN_SHARE))
        )


class Courses:
    """The courses of a window's regions and of its sound, ready to be compared over any part of its time."""

    def __init__(self, times: Series, regions: Sequence[Region], loudnesses: Sequence[Loudness]) -> None:
        self.count = len(times) - 1
        self._shares = [region.share for region in regions]
        self._step = (times[-1] - times[0]) / self.count
        self._motion = np.array([[_motion(region, way) for way in WAYS] for region in regions])
        heard = [_heard(loudness, times, lag) for loudness in loudnesses for lag in LAGS_S]
        self._sound = np.array([[course[way.sound] for course in heard] for way in WAYS])  # (ways, bands x lags, count)

    def matches(self, part: slice = slice(None)) -> list[Match]:
        """For each region, over a part of the intervals between frames."""
        if not len(self._motion):
            return []
        motion = _unit(self._motion[:, :, part])
        sound = _unit(self._sound[:, :, part])
        actual = _rectified(np.einsum("rwn,wln->rwl", motion, sound))
        agreement = _agreement(actual)
        chance = _agreement(_rectified(np.einsum("rwn,swln->srwl", motion, self._shifted(sound), optimize=True)))
        surprise = (agreement - chance.mean(axis=0)) / np.maximum(chance.std(axis=0), 1e-3)
        found = []
        for region, agreed, surprising, share in zip(actual, agreement, surprise, self._shares, strict=True):
            way, lag = np.unravel_index(int(region.argmax()), region.shape)
            bands = region.reshape(len(WAYS), -1, len(LAGS_S)).max(axis=(0, 2))
            best = float(region[way, lag])
            found.append(
                Match(
                    best,
                    float(agreed),
                    float(surprising),
                    share,
                    WAYS[way],
                    LAGS_S[lag % len(LAGS_S)],
                    tuple(bands.tolist()),
                )
            )
        return found

    def stretch(self, random: np.random.Generator) -> slice:
        """A part of the intervals, 60 to 90 % of them, for one trial."""
        length = max(3, round(self.count * random.uniform(0.6, 0.9)))
        first = int(random.integers(0, self.count - length + 1))
        return slice(first, first + length)

    def alike(self, one: int, other: int) -> float:
        """How far two regions move as one: the correlation of their speeds, or that of their steps, -1..1."""
        speed, step = (float(_unit(self._motion[one, way]) @ _unit(self._motion[other, way])) for way in (SPEED, STEP))
        return max(speed, abs(step))

    def _shifted(self, sound: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sound turned about, by every other shift that takes it far away: (shifts, ways, bands x lags, n)."""
        count = sound.shape[2]
        guard = min(max(1, round(UNRELATED_S / self._step)), count // 3)
        shifts = np.arange(guard, count - guard + 1, 2)
        turned = sound[:, :, (np.arange(count)[None] - shifts[:, None]) % count]
        return turned.transpose(2, 0, 1, 3)


def synchrony_map(motion: Motion, loudness: Loudness) -> NDArray[np.float64]:
    """How far each pixel of `motion.energy` moves in time with the sound: >= 0, about 1 where both are certain."""
    intervals, height, width = motion.change.shape
    half = (max(1, width // 2), max(1, height // 2))
    speed = np.stack([cv2.resize(cv2.blur(c, (3, 3)), half, interpolation=cv2.INTER_AREA) for c in motion.change])
    heard = [_heard(loudness, motion.times, lag) for lag in LAGS_S]
    sound = _unit(np.array([course[way.sound] for course in heard for way in WAYS if way.motion == "speed"]))
    speed = speed.reshape(intervals, -1).astype(np.float32)
    speed -= speed.mean(axis=0)
    varying = np.sqrt(np.einsum("tp,tp->p", speed, speed))
    timed = (sound.astype(np.float32) @ speed).max(axis=0) / np.maximum(varying, CHANGE_UNITS)
    timed = cv2.resize(np.maximum(timed, 0).reshape(half[::-1]), (width, height))
    return np.asarray(timed * np.clip((motion.energy - 1) / 2, 0, 1), np.float64)


def swing(loudness: Loudness, times: Series) -> float:
    """How far the sound's loudness goes up and down between frames, dB: from what is usual in its quiet to its loud."""
    level = 40 * np.log10(
        np.maximum(loudness(times[:-1], times[1:]), MIN_LOUDNESS)
    )  # loudness is the root of amplitude
    quiet, loud = np.quantile(level, [0.1, 0.95])
    return float(loud - quiet)


def _motion(region: Region, way: Way) -> Series:
    return {
        "speed": region.speed,
        "departure": region.departure[1:],
        "state": region.state[1:],
        "step": np.diff(region.state),
    }[way.motion]


def _heard(loudness: Loudness, times: Series, lag: float) -> dict[str, Series]:
    """The courses of a sound heard `lag` s later than it is seen, for each interval between frames."""
    times = times + lag
    half = (times[-1] - times[0]) / (len(times) - 1) / 2
    level = loudness(times - half, times + half)
    slope = np.diff(level)
    return {
        "between": loudness(times[:-1], times[1:]),
        "level": level[1:],
        "slope": slope,
        "change": np.abs(slope),
        "onset": np.maximum(slope, 0.0),
    }


def _unit(courses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis without mean and of length 1; all zero where nothing varies."""
    centered = courses - courses.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centered, axis=-1, keepdims=True)
    return np.where(length > 1e-9, centered / np.maximum(length, 1e-9), 0.0)


def _rectified(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., ways, bands x lags): only what speaks for a match."""
    rectified = np.maximum(correlations, 0.0)
    rectified[..., UNSIGNED, :] = np.abs(correlations[..., UNSIGNED, :])
    return rectified


def _agreement(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((correlations.max(axis=-1) ** 4).sum(axis=-1) ** 0.25)
