"""What a sound is, coarsely and honestly: speech, music, impact, tonal, noise, silence, or just a sound.

librosa measures it. `profiles.json` holds, for each label, where the features usually lie and how they vary together,
measured on rendered sounds at many levels of noise by `benchmarks/hearing.py --measure`; for speech, on four of the
eight sentences that the scenes have. The confidence is the label's share of the probability, times how likely it is
that the sound is any of them: the farther a sound lies from all profiles, the less its label is worth. The same
benchmark shows how often a label given with confidence c is right, of rendered sounds and of real ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import librosa  # loads nothing yet: see `perception.sound.warm`
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.stages import SILENCE, AudioLabel
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

Samples = NDArray[np.float32]
Series = NDArray[np.float64]

SPECTRUM_SAMPLES = 1024  # samples of one spectrum: 64 ms
SPECTRUM_HOP_SAMPLES = SPECTRUM_SAMPLES // 2
ENVELOPE_SAMPLES = 80  # samples of one step of the envelope: 5 ms
MEL_BANDS = 40
MEDIAN_WIDTH = 9  # spectra, and mel bands, over which a median tells what is harmonic from what is percussive
LOWEST_BIN = 4  # bins: 62 Hz
SPECTRA_HZ = SPEECH_RATE_HZ / SPECTRUM_HOP_SAMPLES
BEAT_LAGS = slice(round(0.2 * SPECTRA_HZ), round(1.5 * SPECTRA_HZ))  # of the onsets' course: 300 to 40 beats a minute

CONFIDENCE_DIGITS = 5  # of a confidence: the sums behind it differ in later ones with the number of threads

# Chosen on rendered sounds (seeds 300000 and up) and on every second real clip together: there, what is said of real
# sounds is on average as sure as it is right.
EVIDENCE_TEMPER = 2.0  # sounds vary more than the rendered ones: their evidence counts half
STRANGE_DISTANCE = 42.0  # squared distance from its nearest profile at which a sound is as likely none of them
STRANGE_WIDTH = 8.0  # how gradually that changes
UNKNOWN = "sound"  # the label of what is likely none of them


def hear(samples: Samples) -> AudioLabel:
    """The label of mono `samples` at SPEECH_RATE_HZ, and the probability that it is right."""
    samples = np.pad(samples, (0, max(0, SPECTRUM_SAMPLES - len(samples))))
    envelope = _envelope(samples)
    if not envelope.any():
        return AudioLabel(SILENCE, 1.0)
    level = 20 * np.log10(np.maximum(np.quantile(envelope, [0.1, 0.95]), 1e-9))  # dBFS: of the quiet, of the loud
    # A microphone's own hiss is faint and steady; a faint sound that comes and goes is a sound.
    faint = 1 / (1 + np.exp((level[1] + 50) / 1.5))
    steady = 1 / (1 + np.exp((level[1] - level[0] - 5) / 0.7))
    silent = float(max(faint * steady, 1 / (1 + np.exp((level[1] + 65) / 1.5))))
    if silent > 0.5:
        return AudioLabel(SILENCE, round(silent, CONFIDENCE_DIGITS))
    found = features(samples)
    profiles = _profiles()
    distance = np.array([profile.distance(found) for profile in profiles])
    likelihood = -0.5 * (distance + [profile.log_volume for profile in profiles])
    odds = np.exp((likelihood - likelihood.max()) / EVIDENCE_TEMPER)
    best = int(odds.argmax())
    known = 1 / (1 + np.exp((distance[best] - STRANGE_DISTANCE) / STRANGE_WIDTH))
    confidence = float(odds[best] / odds.sum() * known) * (1 - silent)
    return AudioLabel(profiles[best].label if known > 0.5 else UNKNOWN, round(confidence, CONFIDENCE_DIGITS))


@dataclass(frozen=True, eq=False)
class _Profile:
    """How the features of one label's sounds are distributed: as a Gaussian."""

    label: str
    mean: Series
    precision: Series
    log_volume: float

    def distance(self, found: Series) -> float:
        """How far a sound's features are from the label's, squared, in units of how those vary."""
        off = found - self.mean
        return float(off @ self.precision @ off)


@cache
def _profiles() -> tuple[_Profile, ...]:
    told = json.loads(resources.files(__package__).joinpath("profiles.json").read_text())
    return tuple(
        _Profile(
            label, np.array(p["mean"]), np.linalg.inv(p["covariance"]), float(np.linalg.slogdet(p["covariance"])[1])
        )
        for label, p in told.items()
    )


def features(samples: Samples) -> Series:
    """What tells sounds apart: thirteen figures, the skewed ones as logarithms to base 2.

    How often the strongest pitch holds from one spectrum to the next; how many pitches there are; how far the
    spectral centroid wanders; the spectral crest; how much of the time is loud; the sharpest rise; how much of the
    loudness's swing is at the pace of syllables; the spectral flatness, and its spread; the loudest moment over the
    mean; the strongest onset over the mean; how regularly onsets come back, as at a tempo; the energy of the percussive
    part over that of the harmonic one.
    """
    spectra = np.abs(librosa.stft(samples, n_fft=SPECTRUM_SAMPLES, hop_length=SPECTRUM_HOP_SAMPLES))
    energy = librosa.feature.rms(S=spectra, frame_length=SPECTRUM_SAMPLES)[0].astype(np.float64) ** 2
    weight = energy / energy.sum()
    centroid = librosa.feature.spectral_centroid(S=spectra, sr=SPEECH_RATE_HZ)[0]
    flatness = librosa.feature.spectral_flatness(S=spectra)[0]
    crest = spectra.max(axis=0) / np.maximum(spectra.mean(axis=0), 1e-12)
    mel = _mel_filters() @ spectra**2
    harmonic, percussive = librosa.decompose.hpss(np.sqrt(mel), kernel_size=MEDIAN_WIDTH)
    onset = librosa.onset.onset_strength(
        S=librosa.power_to_db(mel, ref=np.max, top_db=60), sr=SPEECH_RATE_HZ, hop_length=SPECTRUM_HOP_SAMPLES
    )
    pitch = np.log2((spectra[LOWEST_BIN:].argmax(axis=0) + LOWEST_BIN)[energy > 0.0225 * energy.max()])
    pitches = np.unique(np.round(pitch * 6), return_counts=True)[1]  # by whole tones
    envelope = _envelope(samples)
    rise = np.diff(np.log(envelope + 0.01 * envelope.max()))
    mean_centroid = weight @ centroid
    return np.array(
        [
            np.mean(np.abs(np.diff(pitch)) < 0.06) if len(pitch) > 1 else 1.0,
            np.log2((pitches >= max(2, 0.06 * len(pitch))).sum() + 0.5),
            np.log2(_spread(weight, centroid) / max(mean_centroid, 1.0) + 0.02),
            np.log2(max(weight @ crest, 1.0)),
            np.log2((envelope > 0.25 * envelope.max()).mean() + 0.02),
            np.log2(max(float(np.quantile(rise, 0.995)), 0.0) + 0.05),
            np.sqrt(_syllables(envelope)),
            np.log2(weight @ flatness + 0.003),
            np.log2(_spread(weight, flatness) + 0.003),
            np.log2(envelope.max() / envelope.mean()),
            np.log2(onset.max() / max(onset.mean(), 1e-9) + 0.1),
            _regularity(onset),
            np.log2((np.sum(percussive**2) + 1e-9) / (np.sum(harmonic**2) + 1e-9) + 0.01),
        ]
    )


@cache
def _mel_filters() -> NDArray[np.float32]:
    return np.asarray(librosa.filters.mel(sr=SPEECH_RATE_HZ, n_fft=SPECTRUM_SAMPLES, n_mels=MEL_BANDS))


def _envelope(samples: Samples) -> Series:
    """RMS every 5 ms, over 15 ms."""
    return np.asarray(
        librosa.feature.rms(y=samples, frame_length=3 * ENVELOPE_SAMPLES, hop_length=ENVELOPE_SAMPLES)[0], np.float64
    )


def _spread(weight: Series, course: Series) -> float:
    return float(np.sqrt(weight @ (course - weight @ course) ** 2))


def _syllables(envelope: Series) -> float:
    """The share of the loudness's swing that is at the pace of syllables, 2 to 9 a second."""
    swing = envelope - envelope.mean()
    power = np.abs(np.fft.rfft(swing * np.hanning(len(swing)))) ** 2
    frequency = np.fft.rfftfreq(len(swing), ENVELOPE_SAMPLES / SPEECH_RATE_HZ)
    every = power[(frequency > 0.3) & (frequency < 40)].sum() + 1e-12
    return float(power[(frequency > 2) & (frequency < 9)].sum() / every)


def _regularity(onset: Series) -> float:
    """The correlation of the onsets' course with itself at the tempo where it is greatest, 0 where it is too short."""
    again = librosa.autocorrelate(onset - onset.mean())
    return float(again[BEAT_LAGS].max(initial=0.0) / max(again[0], 1e-9))
