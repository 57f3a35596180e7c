"""What a sound is like, by sounds of the split `train`: linear discriminants of its spectrum, made anew each time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.questions.catalog import Catalog
from gar_ssl_ros.evaluation.scenes.rooms import convolved
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

FFT, HOP = 512, 256  # samples
BANDS, LOWEST_HZ, HIGHEST_HZ = 32, 100.0, 7500.0
EXAMPLES = 48  # of each class
SHRINKAGE = 0.15  # of the covariance towards its diagonal
DOUBT = 0.3  # times the discriminants: frames of a sound are not independent
FLOOR = 1e-6  # of the loudest band's power
Floats = NDArray[np.float64]


class Timbre:
    """Tells classes by their sounds."""

    def __init__(self, catalog: Catalog, rt60: float, snr: float) -> None:
        """From sounds as a room of that RT60, s, and with noise of that SNR, dB, might carry them."""
        self._classes = catalog.sounding
        random = np.random.default_rng(0)
        features: list[Floats] = []
        for label in self._classes:
            names = list(catalog.sound_names(label, "train"))
            picked = [names[int(at)] for at in np.linspace(0, len(names) - 1, min(EXAMPLES, len(names)))]
            features.append(np.stack([_features(_carried(random, catalog.sound(label, n), rt60, snr)) for n in picked]))
        self._means = np.stack([one.mean(axis=0) for one in features])
        spread = np.concatenate([one - one.mean(axis=0) for one in features])
        covariance = spread.T @ spread / max(1, len(spread) - len(self._classes))
        diagonal = np.diag(np.diag(covariance)) + 1e-3 * np.eye(len(covariance))
        self._precision = np.linalg.inv((1 - SHRINKAGE) * covariance + SHRINKAGE * diagonal)

    def labels(self, samples: NDArray[np.float32]) -> Mapping[str, float]:
        """How likely a sound, (samples,), is of each class."""
        apart = self._means - _features(samples.astype(np.float64))
        score = -0.5 * DOUBT * np.einsum("ij,jk,ik->i", apart, self._precision, apart)
        likely = np.exp(score - score.max())
        return dict(zip(self._classes, (likely / likely.sum()).tolist(), strict=True))


def _carried(random: np.random.Generator, samples: NDArray[np.float32], rt60: float, snr: float) -> Floats:
    t = np.arange(max(1, round(rt60 * SPEECH_RATE_HZ))) / SPEECH_RATE_HZ
    tail = random.standard_normal(len(t)) * np.exp(-6.9 * t / max(rt60, 1e-3)) * 0.03
    tail[0] = 1.0
    heard = convolved(samples, tail[None])[0, : len(samples)]
    return np.asarray(heard / max(heard.std(), 1e-9) + random.standard_normal(len(heard)) * 10 ** (-snr / 20))


def _features(samples: Floats) -> Floats:
    """The mean spectrum in bands, how much each band changes, and how soon."""
    padded = np.pad(samples, (0, max(0, 3 * FFT - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP] * np.hanning(FFT)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ _filters()
    log = np.log(power + FLOOR * max(float(power.max()), 1e-12))
    loud = power.sum(axis=1)
    mean = np.log(power.T @ loud / max(float(loud.sum()), 1e-12) + FLOOR * max(float(power.max()), 1e-12))
    return np.concatenate([mean - mean.mean(), log.std(axis=0), np.abs(np.diff(log, axis=0)).mean(axis=0)])


@cache
def _filters() -> Floats:
    """(bins, bands): triangles that are even on a logarithmic scale, the low ones wider."""
    mel = np.linspace(np.log1p(LOWEST_HZ / 700), np.log1p(HIGHEST_HZ / 700), BANDS + 2)
    edges = 700 * np.expm1(mel) / SPEECH_RATE_HZ * FFT
    bins = np.arange(FFT // 2 + 1)
    return np.stack([np.interp(bins, edges[at : at + 3], (0.0, 1.0, 0.0)) for at in range(BANDS)], axis=1)
