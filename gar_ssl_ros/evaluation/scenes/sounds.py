"""Sounds to go with drawn things: each a rhythm, a timbre, and the coarse label that an honest listener gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from gar_ssl_ros.media.clip import SoundRecording
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

SPEECH_FILE = Path(__file__).with_name("speech.flac")  # eight sentences of ours, by eSpeak NG 1.51; docs/scenes.md

Samples = NDArray[np.float32]
Random = np.random.Generator


@dataclass(frozen=True, eq=False)
class SceneSound:
    """samples: float32 (samples,) in [-1, 1] at SPEECH_RATE_HZ. label: what it is. onsets: when its events begin, s."""

    samples: Samples
    label: str
    onsets: tuple[float, ...]

    def level(self, times: NDArray[np.float64], over: float) -> NDArray[np.float64]:
        """RMS around each of `times` (s), over `over` s, relative to its greatest: 0..1."""
        energy = np.concatenate([[0.0], np.cumsum(self.samples.astype(np.float64) ** 2)])
        at = np.arange(len(energy)) / SPEECH_RATE_HZ
        heard = np.interp(times + over / 2, at, energy) - np.interp(times - over / 2, at, energy)
        level = np.sqrt(np.maximum(heard, 0))
        return np.asarray(level / max(level.max(initial=0.0), 1e-9))


def impacts(random: Random, seconds: float) -> SceneSound:
    """Knocks and drum strokes: a few short decaying resonances excited by noise."""
    onsets = rhythm(random, seconds, gap=(0.25, 0.75))
    pitch, decay = random.uniform(80, 900), random.uniform(0.04, 0.12)

    def stroke(t: NDArray[np.float64]) -> NDArray[np.float64]:
        ring = added(np.sin(2 * np.pi * pitch * m * t) / m for m in (1.0, 1.59, 2.14))
        return np.asarray((0.7 * ring + random.normal(0, 0.8, len(t)) * np.exp(-t / 0.01)) * np.exp(-t / decay))

    return events("impact", seconds, onsets, [8 * decay] * len(onsets), stroke, random)


def tones(random: Random, seconds: float) -> SceneSound:
    """Beeps of one pitch."""
    onsets = rhythm(random, seconds, gap=(0.35, 0.8))
    pitch = random.uniform(250, 2500)
    lengths = [random.uniform(0.12, 0.3) for _ in onsets]
    return events("tonal", seconds, onsets, lengths, lambda t: np.sin(2 * np.pi * pitch * t), random)


def noises(random: Random, seconds: float) -> SceneSound:
    """Bursts of coloured noise, as of a spray or a saw."""
    onsets = rhythm(random, seconds, gap=(0.4, 0.9))
    lengths = [random.uniform(0.15, 0.4) for _ in onsets]
    low, high = sorted(random.uniform(150, 7000, 2))
    high = max(high, 3 * low)

    def burst(t: NDArray[np.float64]) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(random.normal(0, 1, len(t)))
        frequency = np.fft.rfftfreq(len(t), 1 / SPEECH_RATE_HZ)
        return np.fft.irfft(spectrum * ((frequency > low) & (frequency < high)), len(t))

    return events("noise", seconds, onsets, lengths, burst, random)


def melody(random: Random, seconds: float) -> SceneSound:
    """Notes of a pentatonic scale with harmonics, plucked or bowed."""
    onsets = rhythm(random, seconds, gap=(0.22, 0.6))
    scale = random.uniform(180, 420) * 2 ** (np.array([0, 2, 4, 7, 9, 12, 14, 16]) / 12)
    plucked = random.random() < 0.5
    lengths = [random.uniform(0.2, 0.5) for _ in onsets]

    def note(t: NDArray[np.float64]) -> NDArray[np.float64]:
        pitch = random.choice(scale)
        wave = added(np.sin(2 * np.pi * pitch * h * t) / h**1.3 for h in range(1, 7))
        return np.asarray(wave * (np.exp(-t / 0.15) if plucked else 1.0))

    return events("music", seconds, onsets, lengths, note, random)


def speech(random: Random, seconds: float, sentences: slice = slice(None)) -> SceneSound:
    """Sentences of `speech.flac` in any order, faster and higher or slower and lower, with pauses between them."""
    pace = random.uniform(0.85, 1.2)
    utterances = _utterances()[sentences]
    spoken = list(random.permutation(len(utterances)))
    parts: list[NDArray[np.float64]] = []
    while sum(map(len, parts)) < (seconds + 1) * pace * SPEECH_RATE_HZ:
        pause = np.zeros(round(random.uniform(0.1, 0.5) * SPEECH_RATE_HZ))
        parts += [pause, utterances[spoken[len(parts) // 2 % len(spoken)]]]
    paced = np.asarray(soxr.resample(np.concatenate(parts), SPEECH_RATE_HZ * pace, SPEECH_RATE_HZ))
    samples = paced[: round(seconds * SPEECH_RATE_HZ)]
    loud = np.sqrt(np.convolve(samples**2, np.ones(480) / 480, "same")) > 0.15 * np.sqrt((samples**2).max())
    starts = np.flatnonzero(np.diff(loud.astype(int)) == 1) / SPEECH_RATE_HZ
    return SceneSound(scaled(samples), "speech", tuple(float(t) for t in starts))


def hush(random: Random, seconds: float) -> SceneSound:
    """Nothing: digital zeros, or the hiss of a microphone at -75 to -60 dBFS."""
    level = 0.0 if random.random() < 0.4 else 10 ** (random.uniform(-75, -60) / 20)
    return SceneSound((random.normal(0, 1, round(seconds * SPEECH_RATE_HZ)) * level).astype(np.float32), "silence", ())


KINDS: dict[str, Callable[[Random, float], SceneSound]] = {
    "impact": impacts,
    "tonal": tones,
    "noise": noises,
    "music": melody,
    "speech": speech,
}


def added(waves: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The sum of several waves."""
    return np.asarray(np.sum(list(waves), axis=0))


def rhythm(random: Random, seconds: float, gap: tuple[float, float]) -> list[float]:
    """Irregular onset times, s; one rhythm in five is regular."""
    steady = random.uniform(*gap) if random.random() < 0.2 else None
    times, at = [], float(random.uniform(0.05, 0.4))
    while at < seconds - 0.1:
        times.append(at)
        at += steady or float(random.uniform(*gap)) * float(random.choice([1.0, 1.0, 1.6]))
    return times


def events(
    label: str,
    seconds: float,
    onsets: list[float],
    lengths: list[float],
    wave: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    random: Random,
) -> SceneSound:
    """A sound of `wave`s, which are given their times from their onset, s; each a little softer or louder."""
    samples = np.zeros(round(seconds * SPEECH_RATE_HZ) + SPEECH_RATE_HZ, np.float64)
    for onset, length in zip(onsets, lengths, strict=True):
        t = np.arange(round(length * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
        fade = np.minimum(1, np.minimum(t / 0.004, (length - t) / 0.02)).clip(0)
        first = round(onset * SPEECH_RATE_HZ)
        samples[first : first + len(t)] += wave(t) * fade * random.uniform(0.6, 1.0)
    return SceneSound(scaled(samples[: round(seconds * SPEECH_RATE_HZ)]), label, tuple(onsets))


@cache
def _utterances() -> tuple[NDArray[np.float64], ...]:
    """The sentences of `speech.flac`, between which there are at least 0.2 s of digital silence."""
    pieces = [piece.mono(SPEECH_RATE_HZ) for piece in SoundRecording(SPEECH_FILE).audio()]
    samples = np.concatenate(pieces).astype(np.float64)
    sounding = np.flatnonzero(samples)
    ends = np.flatnonzero(np.diff(sounding) > SPEECH_RATE_HZ // 5)
    firsts, lasts = sounding[[0, *(ends + 1)]], sounding[[*ends, -1]]
    return tuple(samples[first : last + 1] for first, last in zip(firsts, lasts, strict=True))


def scaled(samples: NDArray[np.float64]) -> Samples:
    """With a peak of a half."""
    return np.asarray(samples * (0.5 / max(float(np.abs(samples).max(initial=0.0)), 1e-9)), np.float32)
