"""How loud a window was at any time, whole and in bands of frequency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

RATE = 16_000  # Hz
BANDS = tuple(np.geomspace(100, 7500, 9).tolist())  # Hz: edges of 8 bands
FRAME = 512  # samples: 32 ms
HOP = 64  # samples: 4 ms


class Sound:
    """The mono sound of a window, (samples,) at RATE, its first sample at the window's start.

    Loudness is the square root of the RMS amplitude: nearer to what is heard than the amplitude, and an event half as
    loud still counts.
    """

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples
        self._times = np.arange(len(samples) + 1) / RATE
        self._energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)]) / RATE

    def loudness(self, starts: Series, ends: Series) -> Series:
        """Between each of `starts` and `ends`, s."""
        return _loudness(self._times, self._energy, starts, ends)


class BandedSound:
    """The same sound in each of BANDS."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        padded = np.pad(samples, (FRAME // 2, FRAME))
        frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[: len(samples) : HOP]
        power = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32), axis=1)) ** 2
        frequency = np.fft.rfftfreq(FRAME, 1 / RATE)
        edges = np.searchsorted(frequency, BANDS)
        banded = np.add.reduceat(power, edges, axis=1)[:, :-1]
        self._times = np.arange(len(banded) + 1) * HOP / RATE
        self._energy = np.concatenate([np.zeros((1, banded.shape[1])), np.cumsum(banded, axis=0)]).T

    def band(self, index: int) -> Callable[[Series, Series], Series]:
        """The loudness of one band, as of a `Sound`."""
        return lambda starts, ends: _loudness(self._times, self._energy[index], starts, ends)


def _loudness(times: Series, energy: Series, starts: Series, ends: Series) -> Series:
    between = np.interp(ends, times, energy) - np.interp(starts, times, energy)
    return np.asarray(np.maximum(between, 0.0) / np.maximum(ends - starts, 1e-9)) ** 0.25
