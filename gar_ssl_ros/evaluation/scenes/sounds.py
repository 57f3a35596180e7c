"""Sounds to go with drawn things: each a rhythm, a timbre, and the coarse label that an honest listener gives it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000  # Hz

Samples = NDArray[np.float32]
Random = np.random.Generator

WORDS = (
    "the robot turned towards the open window",
    "please put the red cup on the kitchen table",
    "who is knocking at the door this evening",
    "seven little boats went out to sea",
    "can you hear me from over there",
    "take two steps back and wait for me",
)


@dataclass(frozen=True, eq=False)
class Sound:
    """samples: float32 (samples,) in [-1, 1] at RATE. label: what it is. onsets: when its events begin, s."""

    samples: Samples
    label: str
    onsets: tuple[float, ...]

    def level(self, times: NDArray[np.float64], over: float) -> NDArray[np.float64]:
        """RMS around each of `times` (s), over `over` s, relative to its greatest: 0..1."""
        energy = np.concatenate([[0.0], np.cumsum(self.samples.astype(np.float64) ** 2)])
        at = np.arange(len(energy)) / RATE
        heard = np.interp(times + over / 2, at, energy) - np.interp(times - over / 2, at, energy)
        level = np.sqrt(np.maximum(heard, 0))
        return np.asarray(level / max(level.max(initial=0.0), 1e-9))


def impacts(random: Random, seconds: float) -> Sound:
    """Knocks and drum strokes: a few short decaying resonances excited by noise."""
    onsets = _rhythm(random, seconds, gap=(0.25, 0.75))
    pitch, decay = random.uniform(80, 900), random.uniform(0.04, 0.12)

    def stroke(t: NDArray[np.float64]) -> NDArray[np.float64]:
        ring = _added(np.sin(2 * np.pi * pitch * m * t) / m for m in (1.0, 1.59, 2.14))
        return np.asarray((0.7 * ring + random.normal(0, 0.8, len(t)) * np.exp(-t / 0.01)) * np.exp(-t / decay))

    return _events("impact", seconds, onsets, [8 * decay] * len(onsets), stroke, random)


def tones(random: Random, seconds: float) -> Sound:
    """Beeps of one pitch."""
    onsets = _rhythm(random, seconds, gap=(0.35, 0.8))
    pitch = random.uniform(250, 2500)
    lengths = [random.uniform(0.12, 0.3) for _ in onsets]
    return _events("tonal", seconds, onsets, lengths, lambda t: np.sin(2 * np.pi * pitch * t), random)


def noises(random: Random, seconds: float) -> Sound:
    """Bursts of coloured noise, as of a spray or a saw."""
    onsets = _rhythm(random, seconds, gap=(0.4, 0.9))
    lengths = [random.uniform(0.15, 0.4) for _ in onsets]
    low, high = sorted(random.uniform(150, 7000, 2))
    high = max(high, 3 * low)

    def burst(t: NDArray[np.float64]) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(random.normal(0, 1, len(t)))
        frequency = np.fft.rfftfreq(len(t), 1 / RATE)
        return np.fft.irfft(spectrum * ((frequency > low) & (frequency < high)), len(t))

    return _events("noise", seconds, onsets, lengths, burst, random)


def melody(random: Random, seconds: float) -> Sound:
    """Notes of a pentatonic scale with harmonics, plucked or bowed."""
    onsets = _rhythm(random, seconds, gap=(0.22, 0.6))
    scale = random.uniform(180, 420) * 2 ** (np.array([0, 2, 4, 7, 9, 12, 14, 16]) / 12)
    plucked = random.random() < 0.5
    lengths = [random.uniform(0.2, 0.5) for _ in onsets]

    def note(t: NDArray[np.float64]) -> NDArray[np.float64]:
        pitch = random.choice(scale)
        wave = _added(np.sin(2 * np.pi * pitch * h * t) / h**1.3 for h in range(1, 7))
        return np.asarray(wave * (np.exp(-t / 0.15) if plucked else 1.0))

    return _events("music", seconds, onsets, lengths, note, random)


def speech(random: Random, seconds: float) -> Sound:
    """Speech by espeak-ng where it is installed; else voiced and hissing syllables of gliding pitch."""
    spoken = _spoken(random, seconds) if shutil.which("espeak-ng") else None
    samples = _babble(random, seconds) if spoken is None else spoken
    loud = np.sqrt(np.convolve(samples**2, np.ones(480) / 480, "same")) > 0.15 * np.sqrt((samples**2).max())
    starts = np.flatnonzero(np.diff(loud.astype(int)) == 1) / RATE
    return Sound(_scaled(samples), "speech", tuple(float(t) for t in starts))


def hush(random: Random, seconds: float) -> Sound:
    """Nothing: digital zeros, or the hiss of a microphone at -75 to -60 dBFS."""
    level = 0.0 if random.random() < 0.4 else 10 ** (random.uniform(-75, -60) / 20)
    return Sound((random.normal(0, 1, round(seconds * RATE)) * level).astype(np.float32), "silence", ())


KINDS: dict[str, Callable[[Random, float], Sound]] = {
    "impact": impacts,
    "tonal": tones,
    "noise": noises,
    "music": melody,
    "speech": speech,
}


def _added(waves: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(np.sum(list(waves), axis=0))


def _rhythm(random: Random, seconds: float, gap: tuple[float, float]) -> list[float]:
    """Irregular onset times, s; one rhythm in five is regular."""
    steady = random.uniform(*gap) if random.random() < 0.2 else None
    times, at = [], float(random.uniform(0.05, 0.4))
    while at < seconds - 0.1:
        times.append(at)
        at += steady or float(random.uniform(*gap)) * float(random.choice([1.0, 1.0, 1.6]))
    return times


def _events(
    label: str,
    seconds: float,
    onsets: list[float],
    lengths: list[float],
    wave: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    random: Random,
) -> Sound:
    samples = np.zeros(round(seconds * RATE) + RATE, np.float64)
    for onset, length in zip(onsets, lengths, strict=True):
        t = np.arange(round(length * RATE)) / RATE
        fade = np.minimum(1, np.minimum(t / 0.004, (length - t) / 0.02)).clip(0)
        first = round(onset * RATE)
        samples[first : first + len(t)] += wave(t) * fade * random.uniform(0.6, 1.0)
    return Sound(_scaled(samples[: round(seconds * RATE)]), label, tuple(onsets))


def _babble(random: Random, seconds: float) -> NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    samples = np.zeros(len(t))
    at = float(random.uniform(0.0, 0.3))
    base = random.uniform(95, 220)
    while at < seconds:
        length = float(random.uniform(0.09, 0.22))
        inside = (t >= at) & (t < at + length)
        phase = (t[inside] - at) / length
        if random.random() < 0.25:
            sound = np.diff(random.normal(0, 0.35, inside.sum() + 1))
        else:
            pitch = base * (1 + random.uniform(-0.15, 0.15) + random.uniform(-0.2, 0.2) * phase)
            turns = 2 * np.pi * np.cumsum(pitch) / RATE
            formants = [(random.uniform(300, 800), 90), (random.uniform(900, 2200), 130), (2600, 200)]
            weights = [sum(1 / (1 + ((h * base - f) / w) ** 2) for f, w in formants) + 0.02 for h in range(1, 25)]
            sound = _added(w * np.sin(h * turns) for h, w in enumerate(weights, start=1))
        samples[inside] += sound * np.sin(np.pi * phase) ** 0.7
        at += length + float(random.choice([0.0, 0.02, 0.05, 0.25], p=[0.4, 0.3, 0.2, 0.1]))
    return samples


def _spoken(random: Random, seconds: float) -> NDArray[np.float64] | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        text = ". ".join(random.permutation(WORDS)[: 1 + int(seconds / 1.5)])
        voice = ["-v", f"en+{random.choice(['m1', 'm3', 'f2', 'f4'])}", "-p", str(random.integers(30, 70))]
        command = ["espeak-ng", *voice, "-s", str(random.integers(130, 170)), "-w", str(path), text]
        if subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0:
            return None
        with av.open(str(path)) as container:
            to_mono = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
            parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in to_mono.resample(frame)]
            parts += [part.to_ndarray()[0] for part in to_mono.resample(None)]
    samples = np.concatenate(parts).astype(np.float64)
    wanted = round(seconds * RATE)
    return np.resize(samples, wanted) if len(samples) < wanted else samples[:wanted]


def _scaled(samples: NDArray[np.float64]) -> Samples:
    return np.asarray(samples * (0.5 / max(float(np.abs(samples).max(initial=0.0)), 1e-9)), np.float32)
