"""librosa made ready, and the features of a sound that trained models take."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache

import cv2
import librosa  # loads nothing yet: its parts come when they are asked for
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SPEECH_RATE_HZ

WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms, the spectrum over some zeros more
FILTERS, COEFFICIENTS, LIFTER, EMPHASIS = 26, 13, 22, 0.97
FULL_SCALE = 32_768  # Light-ASD was trained on sound as 16 bit integers


@cache
def warm() -> None:
    """Load what librosa needs and compiles: 2 s, and 20 s more on a machine where numba has not kept it yet.

    numba keeps it beside librosa or in the user's cache. Where it may write to neither, it refuses to work at all, so
    it is given a folder for as long as the process lives; `NUMBA_CACHE_DIR` names one that lasts.
    """
    import numba

    try:
        numba.jit(cache=True)(librosa.show_versions)  # looks for such a place, and compiles nothing
    except RuntimeError:
        numba.config.CACHE_DIR = tempfile.mkdtemp(prefix="numba-")
        atexit.register(shutil.rmtree, numba.config.CACHE_DIR, ignore_errors=True)
    librosa.feature.spectral_centroid(S=np.abs(librosa.stft(np.ones(FFT, np.float32), n_fft=FFT)))


def mfcc_light_asd(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """The cepstral coefficients that Light-ASD hears: (frames, 13), 100 frames a second, the last one padded.

    samples: mono at SPEECH_RATE_HZ, -1..1, at least one. They are those of `python_speech_features.mfcc` with numcep
    13, winlen 0.025 and winstep 0.010, as Light-ASD's code calls it: the first is the frame's log energy, triangles
    begin and end at whole bins of the spectrum, and the sound is one of 16 bit integers.
    """
    whole = FULL_SCALE * samples.astype(np.float64)
    emphasized = np.append(whole[:1], whole[1:] - EMPHASIS * whole[:-1])
    frames = 1 + max(0, -(-(len(whole) - WINDOW) // HOP))
    padded = np.pad(emphasized, (0, (frames - 1) * HOP + WINDOW - len(whole)))
    power = np.abs(np.fft.rfft(sliding_window_view(padded, WINDOW)[::HOP], FFT)).T ** 2 / FFT
    # Evenly spaced on the scale of mel, 2595 log10(1 + hertz / 700), up to half the rate.
    hertz = 700 * ((1 + SPEECH_RATE_HZ / 2 / 700) ** np.linspace(0, 1, FILTERS + 2) - 1)
    edges = np.floor((FFT + 1) * hertz / SPEECH_RATE_HZ)
    bins = np.arange(len(power))
    filters = np.array([np.interp(bins, edges[i : i + 3], (0, 1, 0)) for i in range(FILTERS)])
    cosines = np.asarray(cv2.dct(np.log(_positive(filters @ power)).T, flags=cv2.DCT_ROWS), np.float64)
    cepstra = cosines.T[:COEFFICIENTS]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER)[:, None]
    cepstra[0] = np.log(_positive(power.sum(axis=0)))
    return np.asarray(cepstra.T)


def _positive(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(power == 0, np.finfo(float).eps, power)
