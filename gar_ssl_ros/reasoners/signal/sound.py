"""How loud a window was at any time, whole and in bands of frequency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SPEECH_RATE_HZ

Series = NDArray[np.float64]

BAND_EDGES_HZ = tuple(np.geomspace(100, 7500, 9).tolist())  # Hz: edges of 8 bands
FRAME_SAMPLES = 512  # samples: 32 ms
HOP_SAMPLES = 64  # samples: 4 ms


class Sound:
    """The mono sound of a window, (samples,) at SPEECH_RATE_HZ, its first sample at the window's start.

    Loudness is the square root of the RMS amplitude: nearer to what is heard than the amplitude, and an event half as
    loud still counts.
    """

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples
        self._times = np.arange(len(samples) + 1) / SPEECH_RATE_HZ
        self._energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)]) / SPEECH_RATE_HZ

    def loudness(self, starts: Series, ends: Series) -> Series:
        """Between each of `starts` and `ends`, s."""
        return _loudness(self._times, self._energy, starts, ends)


class BandedSound:
    """The same sound in each of BAND_EDGES_HZ."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        count = -(-max(len(samples), FRAME_SAMPLES) // HOP_SAMPLES)
        around = FRAME_SAMPLES // 2  # so that each frame's middle is where its hop begins
        padded = np.pad(samples, (around, max(0, FRAME_SAMPLES - len(samples)) + around))
        frames = sliding_window_view(padded, FRAME_SAMPLES)[::HOP_SAMPLES][:count]
        window = np.hanning(FRAME_SAMPLES + 1)[:-1].astype(np.float32)
        power = np.abs(np.fft.rfft(frames * window)).T ** 2
        edges = np.searchsorted(np.fft.rfftfreq(FRAME_SAMPLES, 1 / SPEECH_RATE_HZ), BAND_EDGES_HZ)
        banded = np.add.reduceat(power, edges, axis=0)[:-1]
        self._times = np.arange(banded.shape[1] + 1) * HOP_SAMPLES / SPEECH_RATE_HZ
        self._energy = np.pad(np.cumsum(banded, axis=1, dtype=np.float64), ((0, 0), (1, 0)))

    def band(self, index: int) -> Callable[[Series, Series], Series]:
        """The loudness of one band, as of a `Sound`."""
        return lambda starts, ends: _loudness(self._times, self._energy[index], starts, ends)


def _loudness(times: Series, energy: Series, starts: Series, ends: Series) -> Series:
    between = np.interp(ends, times, energy) - np.interp(starts, times, energy)
    return np.asarray(np.maximum(between, 0.0) / np.maximum(ends - starts, 1e-9)) ** 0.25
