"""What things of the classes of `things.json` sound like, made anew for each individual."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gar_ssl_ros.evaluation.scenes.recognisable import Wave, bird, dog
from gar_ssl_ros.evaluation.scenes.sounds import (
    Random,
    SceneSound,
    added,
    events,
    impacts,
    melody,
    rhythm,
    scaled,
    speech,
)
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

SENTENCES = {"train": slice(0, 5), "val": slice(5, 6), "test": slice(6, 8)}  # of a split: none speaks another's


def cat(random: Random, seconds: float) -> SceneSound:
    """Mews: a voice that rises, then falls slowly."""
    pitch = random.uniform(550, 850)
    onsets = rhythm(random, seconds, gap=(0.7, 1.1))
    lengths = [random.uniform(0.45, 0.7) for _ in onsets]

    def mew(t: Wave) -> Wave:
        u = t / max(t[-1], 1e-9)
        phase = np.cumsum(pitch * (0.75 + 0.5 * np.minimum(u / 0.3, 1.25 - 0.5 * u))) / SPEECH_RATE_HZ
        loud = [np.exp(-(((h * pitch - 1500) / 900) ** 2)) + 0.1 / h for h in range(1, 9)]
        voice = added(a * np.sin(2 * np.pi * h * phase) for h, a in enumerate(loud, 1))
        return np.asarray((voice + random.normal(0, 0.05, len(t))) * np.sin(np.pi * u) ** 0.7)

    return events("cat", seconds, onsets, lengths, mew, random)


def frog(random: Random, seconds: float) -> SceneSound:
    """Croaks: trains of clicks that ring in a throat."""
    rate, ring = random.uniform(32, 55), random.uniform(700, 1200)
    onsets = rhythm(random, seconds, gap=(0.4, 0.8))
    lengths = [random.uniform(0.2, 0.35) for _ in onsets]

    def croak(t: Wave) -> Wave:
        since = t % (1 / rate)
        tone = np.sin(2 * np.pi * ring * since) + 0.6 * np.sin(2 * np.pi * 2.3 * ring * since)
        return np.asarray((tone + random.normal(0, 0.2, len(t))) * np.exp(-since / 0.006) * (0.4 + t / t[-1]))

    return events("frog", seconds, onsets, lengths, croak, random)


def telephone(random: Random, seconds: float) -> SceneSound:
    """Rings: two bells struck in turn, twenty times a second."""
    low, trill = random.uniform(1000, 1500), random.uniform(18, 25)
    onsets = [float(at) for at in np.arange(random.uniform(0.02, 0.2), seconds, random.uniform(0.9, 1.3))]

    def ring(t: Wave) -> Wave:
        since, turn = t % (1 / trill), np.floor(t * trill) % 2
        pitch = low * (1 + 0.25 * turn)
        tone = added(np.sin(2 * np.pi * pitch * m * t) / m**0.5 for m in (1.0, 2.76, 4.1))
        strike = random.normal(0, 0.5, len(t)) * np.exp(-since / 0.003)
        return np.asarray(tone * np.exp(-since / 0.05) + strike)

    return events("telephone", seconds, onsets, [0.65] * len(onsets), ring, random)


def alarm_clock(random: Random, seconds: float) -> SceneSound:
    """Groups of four short beeps with many harmonics."""
    pitch, group = random.uniform(900, 1700), random.uniform(0.75, 1.0)
    onsets = [at + 0.11 * k for at in np.arange(random.uniform(0.02, 0.3), seconds, group) for k in range(4)]
    onsets = [float(at) for at in onsets if at < seconds - 0.06]

    def beep(t: Wave) -> Wave:
        return added(np.sin(2 * np.pi * pitch * h * t) / h for h in (1, 3, 5))

    return events("alarm clock", seconds, onsets, [0.06] * len(onsets), beep, random)


def bell(random: Random, seconds: float) -> SceneSound:
    """Strokes: partials of a bell that die away, the high ones first."""
    pitch = random.uniform(380, 800)
    onsets = rhythm(random, seconds, gap=(0.6, 1.1))

    def stroke(t: Wave) -> Wave:
        partials = ((0.5, 0.9), (1.0, 0.7), (1.19, 0.6), (1.56, 0.5), (2.0, 0.45), (2.66, 0.3), (4.1, 0.2))
        tone = added(np.sin(2 * np.pi * pitch * m * t) * np.exp(-t / d) for m, d in partials)
        return np.asarray(tone + 2 * random.normal(0, 1, len(t)) * np.exp(-t / 0.006))

    return events("bell", seconds, onsets, [0.9] * len(onsets), stroke, random)


def siren(random: Random, seconds: float) -> SceneSound:
    """Wails up and down."""
    t = np.arange(round(seconds * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    low, high, rate = random.uniform(450, 650), random.uniform(1200, 1700), random.uniform(0.6, 1.4)
    sweep = 0.5 - 0.5 * np.cos(2 * np.pi * (rate * t + random.uniform()))
    phase = np.cumsum(low + (high - low) * sweep) / SPEECH_RATE_HZ
    wave = added(np.sin(2 * np.pi * h * phase) / h for h in range(1, 5))
    return SceneSound(scaled(wave + random.normal(0, 0.03, len(t))), "siren", (0.0,))


def vacuum_cleaner(random: Random, seconds: float) -> SceneSound:
    """A motor's hum and whine in much wind."""
    count = round(seconds * SPEECH_RATE_HZ)
    t = np.arange(count) / SPEECH_RATE_HZ
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    frequency = np.fft.rfftfreq(count, 1 / SPEECH_RATE_HZ)
    middle = random.uniform(900, 2200)
    wind = np.fft.irfft(spectrum / (1 + ((frequency - middle) / 1500) ** 2), count)
    whine = added(np.sin(2 * np.pi * random.uniform(250, 420) * h * t) / h for h in (1, 2, 3, 4))
    return SceneSound(scaled(wind / wind.std() + 0.25 * whine), "vacuum cleaner", (0.0,))


def kettle(random: Random, seconds: float) -> SceneSound:
    """Steam that hisses, and a whistle in it that wavers."""
    count = round(seconds * SPEECH_RATE_HZ)
    t = np.arange(count) / SPEECH_RATE_HZ
    pitch = random.uniform(2300, 3600) * (1 + 0.02 * np.sin(2 * np.pi * random.uniform(3, 7) * t))
    whistle = np.sin(2 * np.pi * np.cumsum(pitch) / SPEECH_RATE_HZ)
    hiss = np.diff(random.normal(0, 1, count + 1))  # rises with the frequency
    return SceneSound(scaled(whistle + 0.35 * hiss), "kettle", (0.0,))


def typewriter(random: Random, seconds: float) -> SceneSound:
    """Keys that clack, several a second."""
    onsets = rhythm(random, seconds, gap=(0.09, 0.2))
    tone = random.uniform(1800, 3200)

    def clack(t: Wave) -> Wave:
        ring = np.sin(2 * np.pi * tone * t) * np.exp(-t / 0.008)
        return np.asarray(ring + random.normal(0, 1.2, len(t)) * np.exp(-t / 0.004))

    return events("typewriter", seconds, onsets, [0.05] * len(onsets), clack, random)


SOUNDS: Mapping[str, Callable[[Random, float], SceneSound]] = {
    "dog": dog,
    "cat": cat,
    "bird": bird,
    "frog": frog,
    "telephone": telephone,
    "alarm clock": alarm_clock,
    "bell": bell,
    "drum": impacts,
    "guitar": melody,
    "siren": siren,
    "vacuum cleaner": vacuum_cleaner,
    "kettle": kettle,
    "typewriter": typewriter,
}


def made_sound(label: str, split: str, random: Random, seconds: float) -> SceneSound:
    """An individual's sound of a class, `person` among them. Raises KeyError where the class is silent."""
    return speech(random, seconds, SENTENCES[split]) if label == "person" else SOUNDS[label](random, seconds)
