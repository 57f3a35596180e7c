"""Which of the faces in view speaks: lips that move as speech does, and in time with the sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from weakref import ref

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Window
from gar_ssl_ros.perception.detection import Image
from gar_ssl_ros.perception.light_asd import REACH, STEPS_HZ, LightASD
from gar_ssl_ros.perception.tracks import STEP, FaceTrack, first_step
from gar_ssl_ros.perception.winograd import Floats

NEAR_STEPS = (-1, 0, 1)  # steps by which sound and picture of one recording differ
# Steps from which on, and by which, the sound is moved to hear how it does for these lips out of time.
FAR_STEPS = (8, 3)
LAG_STEPS = range(-4, 5)  # steps between loudness and the lips' motion: they open before they sound
BLUR_STEPS = 3  # steps over which both are averaged
MIN_LOUDNESS = 1e-3  # of full scale: the loudness below which differences count little
LIPS = (slice(56, None), slice(24, 88))  # rows and columns of a crop
AT_ONCE = 2  # faces, each by a thread: the small machines that this is for have two cores
SAME_PLACE = 0.02  # of half a face's size: from a crop so far off, what was seen in the window before stands
# Conditional logit over two faces and nobody, fitted to one half of the speakers that benchmarks/speakers.py lists.
PER_ODDS, PER_TIMING, PER_MOTION, NOBODY = 1.56, 2.15, 4.2, 1.75
PER_TALKING = 1.5  # of the log-odds that the surest of them talks: by so much less is it nobody in view


@dataclass(frozen=True, eq=False)
class Speaking:
    """How a face goes with the sound of its window.

    log_odds: the network's of speaking, for each of the track's steps. score: their mean. timing: how much higher
    that mean is than with the sound moved out of time; motion: the correlation of the lips' motion with the loudness,
    -1..1. probability: that the sound is this face's; those of all faces seen at the same time, and of none, are 1.
    """

    track: FaceTrack
    log_odds: Floats
    score: float
    timing: float
    motion: float
    probability: float


class Speakers(Protocol):
    """Tells which of a window's faces speak."""

    def speaking(self, window: Window, tracks: Sequence[FaceTrack], samples: Floats) -> list[Speaking]:
        """One for each track, in their order. samples: the window's sound, (samples,) in [-1, 1] at SPEECH_RATE_HZ."""

    def prepare(self, tracks: Sequence[FaceTrack], check: Callable[[], None]) -> None:
        """Look at the faces of a window to come. check: called before each; what it raises ends it."""


class SpeakerDetector:
    """Tells who speaks by Light-ASD. Raises ModelError where the file does not hold its weights.

    path: the weights trained on AVA (`pretrain_AVA_CVPR.model`), for which the constants above were fitted.
    """

    def __init__(self, path: Path) -> None:
        self._network = LightASD(path)
        self._seen: list[_Seen] = []  # of the last window that was asked about

    def speaking(self, window: Window, tracks: Sequence[FaceTrack], samples: Floats) -> list[Speaking]:
        """One for each track, in their order. samples: the window's sound, (samples,) in [-1, 1] at SPEECH_RATE_HZ.

        Of one who speaks and others who only move their mouths, the network alone prefers either about as often;
        what tells them apart is how much each of them loses where the sound is moved out of time.
        """
        first = first_step(window)
        samples = samples[(first * STEP - window.start) * SPEECH_RATE_HZ // SECOND :]
        steps = max([window.end // STEP - first, *(t.first + len(t.crops) - first for t in tracks)])
        loud = _loudness(samples, steps)

        def judged(track: FaceTrack) -> tuple[_Seen, Floats, float, float]:
            seen = self._see(track)
            during = slice(track.first - first, track.first - first + len(track.crops))
            return seen, *self._in_time(seen.features, hearing.result()[during]), _motion(track.crops, loud[during])

        with ThreadPoolExecutor(AT_ONCE) as pool:
            hearing = pool.submit(self._network.hear, samples, steps)
            found = list(pool.map(judged, tracks))
        self._seen = [seen for seen, *_ in found]
        scores = np.array([float(log_odds.mean()) for _, log_odds, *_ in found])
        worth = np.array(
            [_worth(score, timing, motion) for score, (*_, timing, motion) in zip(scores, found, strict=True)]
        )
        return [
            Speaking(track, log_odds, float(scores[i]), timing, motion, _share(i, worth, scores, tracks))
            for i, (track, (_, log_odds, timing, motion)) in enumerate(zip(tracks, found, strict=True))
        ]

    def prepare(self, tracks: Sequence[FaceTrack], check: Callable[[], None]) -> None:
        """See the faces of a window to come, the surest first, each beside the next.

        check: called before each; what it raises ends it.
        """

        def see(track: FaceTrack) -> _Seen:
            check()
            return self._see(track)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            looks = [pool.submit(see, track) for track in tracks]
        now = [look.result() for look in looks if look.exception() is None]
        self._seen = [*now, *self._seen[: len(tracks) - len(now)]]
        for look in looks:
            look.result()

    def _see(self, track: FaceTrack) -> _Seen:
        """What the network sees of a face; what it saw of it before stands where that is the same."""
        stretch, seen = max(
            ((known.same(track), known) for known in self._seen),
            key=lambda both: len(both[0]),
            default=(range(0), None),
        )
        ahead, behind = (stretch[0], stretch[-1] + 1) if stretch else (0, 0)
        twice = REACH * ((ahead > 0) + (behind < len(track.crops)))
        if seen is None or len(stretch) <= twice:  # not more steps than are looked at twice for it
            return _Seen(track.first, [ref(p) for p in track.pictures], track.places, self._network.see(track.crops))
        whole = slice(ahead + track.first - seen.first, behind + track.first - seen.first)
        features = [
            *([self._network.see(track.crops[: ahead + REACH], behind=True)] if ahead else []),
            seen.features[whole],
            *([self._network.see(track.crops[behind - REACH :], ahead=True)] if behind < len(track.crops) else []),
        ]
        places = [track.places[:ahead], seen.places[whole], track.places[behind:]]
        return _Seen(track.first, [ref(p) for p in track.pictures], np.concatenate(places), np.concatenate(features))

    def _in_time(self, seen: Floats, heard: Floats) -> tuple[Floats, float]:
        """Log-odds for each step, and by how much their mean exceeds what the face has by chance."""
        far = range(FAR_STEPS[0], len(seen) // 2 + 1, FAR_STEPS[1])
        shifts = [*NEAR_STEPS, *far, *(-shift for shift in far)]
        moved = np.stack([np.roll(heard, shift, axis=0) for shift in shifts])
        log_odds = self._network.log_odds(seen, moved)
        near, chance = np.split(log_odds.mean(axis=1), [len(NEAR_STEPS)])
        timing = float(near.max() - np.median(chance)) if len(chance) else 0.0
        return log_odds[NEAR_STEPS.index(0)], timing


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the network saw of a face, (steps, WIDTH), and where it looked; see `FaceTrack`."""

    first: int
    pictures: list[ref[Image]]
    places: NDArray[np.float64]
    features: Floats

    def same(self, track: FaceTrack) -> range:
        """The longest stretch of a track's steps whose pictures were all seen, with all around them, in this place."""
        begin = max(track.first, self.first)
        end = min(track.first + len(track.pictures), self.first + len(self.pictures))
        if end <= begin:
            return range(0)
        here, there = (slice(begin - first, end - first) for first in (track.first, self.first))
        apart = np.abs(self.places[there] - track.places[here]).max(axis=1) / track.places[here, 2]
        shown = [was() is now for was, now in zip(self.pictures[there], track.pictures[here], strict=True)]
        same = np.asarray((apart <= SAME_PLACE) & shown)
        # Beyond a face's first and last step there is nothing: where they are the same, so is that.
        before, after = track.first == self.first, len(track.pictures) + track.first == len(self.pictures) + self.first
        same = np.concatenate([[before] * REACH, same, [after] * REACH])
        around: NDArray[np.bool_] = sliding_window_view(same, 2 * REACH + 1).min(axis=1)
        breaks = np.concatenate([[-1], np.flatnonzero(~around), [len(around)]])
        longest = int(np.diff(breaks).argmax())
        offset = begin - track.first
        return range(offset + int(breaks[longest]) + 1, offset + int(breaks[longest + 1]))


def _worth(score: float, timing: float, motion: float) -> float:
    """Log-odds of being the one who speaks, against nobody. Above even odds, a higher score does not tell who it is."""
    return PER_ODDS * min(score, 0.0) + PER_TIMING * timing + PER_MOTION * motion - NOBODY


def _share(which: int, worth: NDArray[np.float64], scores: NDArray[np.float64], tracks: Sequence[FaceTrack]) -> float:
    """The probability of one among those that are seen while it is, and nobody: less so where one plainly talks."""
    one = tracks[which]
    together = [
        max(one.first, other.first) < min(one.first + len(one.crops), other.first + len(other.crops))
        for other in tracks
    ]
    rivals = np.append(worth[together], -PER_TALKING * max(0.0, float(scores[together].max())))
    return float(np.exp(worth[which] - rivals.max()) / np.exp(rivals - rivals.max()).sum())


def _loudness(samples: Floats, steps: int) -> NDArray[np.float64]:
    """The logarithm of each step's level."""
    length = SPEECH_RATE_HZ // STEPS_HZ
    whole = np.pad(samples[: steps * length], (0, max(0, steps * length - len(samples)))).astype(np.float64)
    return np.asarray(np.log(np.sqrt((whole.reshape(steps, length) ** 2).mean(axis=1)) + MIN_LOUDNESS))


def _motion(crops: NDArray[np.uint8], loud: NDArray[np.float64]) -> float:
    """The best correlation of lip motion with loudness at small lags; 0 where either stays as it is."""
    lips = crops[:, LIPS[0], LIPS[1]].astype(np.float32)
    change = np.abs(np.diff(lips, axis=0)).mean(axis=(1, 2), dtype=np.float64)
    moves, sounds = _normal(np.append(change[:1], change)), _normal(loud)
    return max(float((moves * np.roll(sounds, lag)).mean()) for lag in LAG_STEPS)


def _normal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Averaged over BLUR_STEPS steps, with mean 0 and deviation 1."""
    smooth = np.convolve(np.pad(values, BLUR_STEPS // 2, mode="edge"), np.ones(BLUR_STEPS) / BLUR_STEPS, "valid")
    away = smooth - smooth.mean()
    return np.asarray(away / (away.std() + 1e-6))
