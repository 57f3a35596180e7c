"""Sounds of things that have a name: what a dog, a car and a bird sound like, and speech."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.scenes.sounds import Random, SceneSound, added, events, rhythm, scaled, speech
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

Wave = NDArray[np.float64]


def dog(random: Random, seconds: float) -> SceneSound:
    """Barks: harmonics of a pitch that rises and falls, a throat's two resonances, and breath."""
    pitch, rise = random.uniform(300, 650), random.uniform(0.2, 0.6)
    formants = random.uniform(700, 1300), random.uniform(1500, 2800)
    onsets = rhythm(random, seconds, gap=(0.3, 0.7))
    lengths = [random.uniform(0.1, 0.22) for _ in onsets]

    def bark(t: Wave) -> Wave:
        u = t / max(t[-1], 1e-9)
        phase = np.cumsum(pitch * (1 + rise * np.sin(np.pi * u))) / SPEECH_RATE_HZ
        loud = [sum(np.exp(-(((h * pitch - f) / 500) ** 2)) for f in formants) + 0.15 / h for h in range(1, 12)]
        voice = added(a * np.sin(2 * np.pi * h * phase) for h, a in enumerate(loud, 1))
        return np.asarray((voice + random.normal(0, 0.25, len(t))) * np.sin(np.pi * u) ** 0.5)

    return events("dog", seconds, onsets, lengths, bark, random)


def car(random: Random, seconds: float) -> SceneSound:
    """An engine's harmonics, their speed wavering, its roughness, and the tyres' wide noise."""
    count = round(seconds * SPEECH_RATE_HZ)
    t = np.arange(count) / SPEECH_RATE_HZ
    firing = random.uniform(40, 110) * (
        1 + 0.1 * np.sin(2 * np.pi * random.uniform(0.1, 0.4) * t + random.uniform(0, 6))
    )
    phase = np.cumsum(firing) / SPEECH_RATE_HZ
    turns = random.uniform(0, 2 * np.pi, 30)
    engine = added(np.sin(2 * np.pi * h * phase + turns[h]) / h**0.7 for h in range(1, 30))
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    frequency = np.fft.rfftfreq(count, 1 / SPEECH_RATE_HZ)
    tyres = np.fft.irfft(spectrum / (1 + (frequency / random.uniform(500, 1200)) ** 2) ** 0.5, count)
    rough = 1 + 0.5 * np.sin(2 * np.pi * phase / 2)
    share = random.uniform(0.8, 1.5)
    return SceneSound(scaled(rough * (engine / engine.std() + share * tyres / tyres.std())), "car", (0.0,))


def bird(random: Random, seconds: float) -> SceneSound:
    """Chirps: short whistles between 2 and 7 kHz that sweep or trill."""
    pitch = random.uniform(2500, 5000)
    onsets = rhythm(random, seconds, gap=(0.15, 0.45))
    lengths = [random.uniform(0.05, 0.2) for _ in onsets]

    def chirp(t: Wave) -> Wave:
        u = t / max(t[-1], 1e-9)
        start, end = pitch * random.uniform(0.8, 1.3, 2)
        trill = random.choice([0.0, 0.06]) * np.sin(2 * np.pi * random.uniform(20, 45) * t)
        phase = np.cumsum((start + (end - start) * u) * (1 + trill)) / SPEECH_RATE_HZ
        return np.asarray((np.sin(2 * np.pi * phase) + 0.15 * np.sin(4 * np.pi * phase)) * np.sin(np.pi * u))

    return events("bird", seconds, onsets, lengths, chirp, random)


CLASSES: Mapping[str, Callable[[Random, float], SceneSound]] = {
    "speech": speech,
    "dog": dog,
    "car": car,
    "bird": bird,
}
