"""How loud sound is, in dB below full scale (dBFS), and what that says of the microphone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gar_ssl_ros.media.window import Audio

FLOOR_DBFS = -200.0  # told of silence, whose level is -inf; the smallest step of 32 bits is at -187 dBFS
FULL_SCALE = 1 - 2.0**-15  # the highest value of 16 bits
CLIPPED_RUN = 3  # samples at full scale in a row, of either sign: fewer are a peak that just fits
MAX_CLIPPED = 0.01  # of sound that is not too loud
PERIOD_S = 0.2  # of sound that is measured together
NOW_S, RECENT_S = 1.0, 10.0  # of sound that `now` and `recent` are of


@dataclass(frozen=True)
class Level:
    """Of a stretch of sound, each of the channel where it is greatest.

    stamp: ns of its first sample. seconds: its length. power: mean square, 0..1. peak: 0..1. clipped: share of the
    samples that are clipped, 0..1.
    """

    stamp: int
    seconds: float
    power: float
    peak: float
    clipped: float

    @property
    def rms_dbfs(self) -> float:
        """FLOOR_DBFS..0: -3.01 of a sine of full scale, FLOOR_DBFS of silence."""
        return _dbfs(math.sqrt(self.power))

    @property
    def peak_dbfs(self) -> float:
        """FLOOR_DBFS..0."""
        return _dbfs(self.peak)


def level_of(audio: Audio) -> Level:
    """A message's level. A run of samples that goes on in the next message counts in each by itself."""
    count = audio.samples.shape[1]
    power = np.square(audio.samples).sum(axis=1, dtype=np.float64).max() / max(count, 1)
    magnitude = np.abs(audio.samples)
    peak = float(magnitude.max(initial=0.0))
    clipped = 0.0
    if peak >= FULL_SCALE and count >= CLIPPED_RUN:
        full = magnitude >= FULL_SCALE
        begins = full[:, :-2] & full[:, 1:-1] & full[:, 2:]  # CLIPPED_RUN of them
        member = np.zeros_like(full)
        for offset in range(CLIPPED_RUN):
            member[:, offset : offset + begins.shape[1]] |= begins
        clipped = float(member.mean(axis=1).max())
    return Level(audio.stamp, count / audio.rate, float(power), peak, clipped)


def joined(*levels: Level) -> Level:
    """The level of stretches, one or more, that follow one another."""
    seconds = sum(level.seconds for level in levels)
    shares = [level.seconds / (seconds or 1.0) for level in levels]
    return Level(
        levels[0].stamp,
        seconds,
        sum(share * level.power for share, level in zip(shares, levels, strict=True)),
        max(level.peak for level in levels),
        sum(share * level.clipped for share, level in zip(shares, levels, strict=True)),
    )


class LevelMeter:
    """Measures a stream of sound. `add` is for one thread, the rest for any."""

    def __init__(self) -> None:
        self._begun: Level | None = None
        self._recent: tuple[Level, ...] = ()

    def add(self, audio: Audio) -> Level | None:
        """The level since the last that was given, once that is PERIOD_S of sound or more."""
        level = level_of(audio)
        self._begun = level if self._begun is None else joined(self._begun, level)
        if self._begun.seconds < PERIOD_S:
            return None
        measured, self._begun = self._begun, None
        self._recent = _newest((*self._recent, measured), RECENT_S)
        return measured

    @property
    def values(self) -> dict[str, object]:
        """For /diagnostics: rms and peak of the newest NOW_S, what of RECENT_S is clipped; empty before any sound."""
        recent = self._recent
        if not recent:
            return {"level_dbfs": "", "peak_dbfs": "", "clipped": ""}
        now = joined(*_newest(recent, NOW_S))
        return {"level_dbfs": now.rms_dbfs, "peak_dbfs": now.peak_dbfs, "clipped": joined(*recent).clipped}

    @property
    def problem(self) -> str:
        """What is wrong with the newest RECENT_S, a sentence; empty where nothing is."""
        recent = self._recent
        if not recent:
            return ""
        level = joined(*recent)
        if level.clipped > MAX_CLIPPED:
            return f"more than {MAX_CLIPPED:.0%} of its last {RECENT_S:.0f} s is clipped: turn the gain down"
        if level.seconds >= RECENT_S and level.peak == 0.0:
            return f"its last {RECENT_S:.0f} s are digital silence: a muted or wrong device"
        return ""


def _newest(levels: tuple[Level, ...], seconds: float) -> tuple[Level, ...]:
    """As few of the newest as last so long; all where they do not."""
    begin = len(levels)
    while begin and sum(level.seconds for level in levels[begin:]) < seconds:
        begin -= 1
    return levels[begin:]


def _dbfs(amplitude: float) -> float:
    return max(20 * math.log10(amplitude), FLOOR_DBFS) if amplitude > 0 else FLOOR_DBFS
