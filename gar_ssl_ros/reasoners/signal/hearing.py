"""What a sound is, coarsely and honestly: speech, music, impact, tonal, noise or silence, and how sure that is.

The spectral features are FFmpeg's (`aspectralstats`). `profiles.json` holds, for each label, where the features
usually lie and how they vary together, measured at many levels of noise on rendered sounds by
`benchmarks/hearing.py --measure`; for speech, on six other sentences and four other voices of eSpeak NG than the scenes
have. The confidence is the label's share of the probability, with an unknown sound, unlike any profile, as one more
candidate; the same benchmark shows how often a label given with confidence c is right.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from gar_ssl_ros.gar.stages import SILENCE, AudioLabel
from gar_ssl_ros.reasoners.signal.sound import RATE

Samples = NDArray[np.float32]

FRAME = 1024  # samples of one spectrum: 64 ms
HOP = FRAME // 2
FINE = 80  # samples of one step of the envelope: 5 ms

UNKNOWN = -6.0  # log-likelihood of a sound that is like none of the profiles
TEMPER = 2.0  # sounds vary more than the rendered ones: their evidence counts half
FAR = 60.0  # a squared distance beyond which a sound is unlike a profile, and how far beyond means nothing


def hear(samples: Samples) -> AudioLabel:
    """The label of mono `samples` at RATE, and the probability that it is right."""
    samples = np.pad(samples, (0, max(0, FRAME - len(samples))))
    envelope = _envelope(samples)
    if not envelope.size or not envelope.any():
        return AudioLabel(SILENCE, 1.0)
    level = 20 * np.log10(np.maximum(np.quantile(envelope, [0.1, 0.95]), 1e-9))  # dBFS: of the quiet, of the loud
    # A microphone's own hiss is faint and steady; a faint sound that comes and goes is a sound.
    faint = 1 / (1 + np.exp((level[1] + 50) / 1.5))
    steady = 1 / (1 + np.exp((level[1] - level[0] - 5) / 0.7))
    silent = float(max(faint * steady, 1 / (1 + np.exp((level[1] + 65) / 1.5))))
    if silent > 0.5:
        return AudioLabel(SILENCE, silent)
    found = features(samples)
    profiles = _profiles()
    likelihood = np.array([UNKNOWN, *(profile.log_likelihood(found) for profile in profiles)])
    odds = np.exp((likelihood - likelihood.max()) / TEMPER)
    share = odds[1:] / odds.sum()
    best = int(share.argmax())
    return AudioLabel(profiles[best].label, float(share[best]) * (1 - silent))


@dataclass(frozen=True, eq=False)
class _Profile:
    """How the features of one label's sounds are distributed: as a Gaussian."""

    label: str
    mean: NDArray[np.float64]
    precision: NDArray[np.float64]
    log_volume: float

    def log_likelihood(self, found: NDArray[np.float64]) -> float:
        off = found - self.mean
        return -0.5 * (min(float(off @ self.precision @ off), FAR) + self.log_volume)


@cache
def _profiles() -> tuple[_Profile, ...]:
    told = json.loads(resources.files(__package__).joinpath("profiles.json").read_text())
    return tuple(
        _Profile(
            label, np.array(p["mean"]), np.linalg.inv(p["covariance"]), float(np.linalg.slogdet(p["covariance"])[1])
        )
        for label, p in told.items()
    )


def features(samples: Samples) -> NDArray[np.float64]:
    """What tells sounds apart: nine figures, the skewed ones as logarithms to base 2.

    How often the strongest pitch holds from one spectrum to the next; how many pitches there are; how far the
    spectral centroid wanders; the spectral crest; how much of the time is loud; the sharpest rise; how much of the
    loudness's swing is at the pace of syllables; the spectral flatness; the loudest moment over the mean.
    """
    envelope = _envelope(samples)
    centroid, crest, flatness = _spectral(samples)
    count = len(centroid)
    padded = np.pad(samples, (HOP, FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]
    energy = (frames.astype(np.float64) ** 2).mean(axis=1)
    weight = energy / energy.sum()
    lowest = 4  # bins: 62 Hz
    spectra = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32), axis=1))
    pitch = np.log2((spectra[:, lowest:].argmax(axis=1) + lowest)[energy > 0.0225 * energy.max()])
    pitches = np.unique(np.round(pitch * 6), return_counts=True)[1]  # by whole tones
    mean_centroid = float(weight @ centroid)

    rise = np.diff(np.log(envelope + 0.01 * envelope.max()))
    swing = envelope - envelope.mean()
    power = np.abs(np.fft.rfft(swing * np.hanning(len(swing)))) ** 2
    frequency = np.fft.rfftfreq(len(swing), FINE / RATE)
    syllables = power[(frequency > 2) & (frequency < 9)].sum() / (
        power[(frequency > 0.3) & (frequency < 40)].sum() + 1e-12
    )
    return np.array(
        [
            np.mean(np.abs(np.diff(pitch)) < 0.06) if len(pitch) > 1 else 1.0,
            np.log2(float((pitches >= max(2, 0.06 * len(pitch))).sum()) + 0.5),
            np.sqrt(weight @ (centroid - mean_centroid) ** 2) / max(mean_centroid, 1.0),
            np.log2(max(weight @ crest, 1.0)),
            np.log2((envelope > 0.25 * envelope.max()).mean() + 0.02),
            np.log2(max(float(np.quantile(rise, 0.995)), 0.0) + 0.05),
            np.sqrt(syllables),
            np.log2(weight @ flatness + 0.003),
            np.log2(envelope.max() / envelope.mean()),
        ]
    )


def _envelope(samples: Samples) -> NDArray[np.float64]:
    """RMS every 5 ms, over 15 ms."""
    whole = samples[: len(samples) // FINE * FINE].astype(np.float64)
    fine = np.sqrt((whole.reshape(-1, FINE) ** 2).mean(axis=1))
    return np.convolve(fine, np.ones(3) / 3, "same") if len(fine) >= 3 else fine


def _spectral(samples: Samples) -> NDArray[np.float64]:
    """Centroid (Hz), crest and flatness of each spectrum: (3, spectra).

    FFmpeg prints what its filter measures; PyAV reads a frame's metadata only from its version 18 on.
    """
    with os.fdopen(os.memfd_create("spectra"), "r") as printed:
        graph = Graph()
        graph.threads = 1  # else it makes a pool of them for this one window
        source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono", time_base=Fraction(1, RATE))
        measure = graph.add("aspectralstats", f"win_size={FRAME}:overlap=0.5:measure=centroid+crest+flatness")
        printer = graph.add("ametadata", f"mode=print:direct=1:file=/proc/self/fd/{printed.fileno()}")
        sink = graph.add("abuffersink")
        graph.link_nodes(source, measure, printer, sink).configure()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        source.push(frame)
        source.push(None)
        with suppress(av.EOFError):
            while True:
                sink.pull()
        printed.seek(0)
        told = [line.strip().rpartition(".1.")[2].partition("=") for line in printed if "=" in line]
    values = (
        [float(value) for name, _, value in told if name == wanted] for wanted in ("centroid", "crest", "flatness")
    )
    return np.asarray(np.nan_to_num(np.array(list(values))))
