"""Sound as a page shows it: a column of levels and bands every 20 ms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SECOND, Audio

COLUMN_NS = SECOND // 50
BANDS = 64
VALUES = BANDS + 2  # rms and peak of the loudest channel, then the bands, the lowest first
LOWEST_HZ, HIGHEST_HZ = 60.0, 8000.0  # of the bands, which are equally far apart in octaves
FLOOR_DB = 100.0  # below full scale, which is 0; full scale is 255
OVERLAP = 2  # columns that a spectrum looks at


class Spectrum:
    """Of a stream of sound. For one thread."""

    def __init__(self) -> None:
        self._rate = 0
        self._end = 0  # ns: of what came last
        self._held = np.zeros((1, 0), np.float32)
        self._bands: list[slice] = []

    def add(self, audio: Audio) -> tuple[int, NDArray[np.uint8]] | None:
        """The time of the first new column, ns, and the new ones, uint8 (columns, VALUES): dB above -FLOOR_DB in steps
        that make full scale 255. None where there is none yet.
        """
        step = audio.rate * COLUMN_NS // SECOND
        if step < 8:  # of no use to see
            return None
        follows = abs(audio.stamp - self._end) < COLUMN_NS
        if audio.rate != self._rate or len(audio.samples) != len(self._held) or not follows:
            self._rate, self._held = audio.rate, np.zeros((len(audio.samples), 0), np.float32)
            self._bands = _bands(audio.rate, OVERLAP * step)
        self._end = audio.end
        samples = np.concatenate([self._held, audio.samples], axis=1)
        count = samples.shape[1] // step - (OVERLAP - 1)
        if count < 1:
            self._held = samples
            return None
        self._held = samples[:, count * step :]
        stamp = audio.end - round(samples.shape[1] * SECOND / audio.rate)
        return stamp, self._columns(samples, step, count)

    def _columns(self, samples: NDArray[np.float32], step: int, count: int) -> NDArray[np.uint8]:
        hops = samples[:, : count * step].reshape(len(samples), count, step)
        rms = np.sqrt(np.square(hops).mean(axis=2).max(axis=0))
        peak = np.abs(hops).max(axis=2).max(axis=0)
        mono = samples.mean(axis=0)
        frames = np.stack([mono[i * step : (i + OVERLAP) * step] for i in range(count)])
        window = np.hanning(OVERLAP * step).astype(np.float32)
        magnitude = np.abs(np.fft.rfft(frames * window, axis=1)) * (2 / window.sum())
        bands = np.stack([magnitude[:, band].max(axis=1) for band in self._bands], axis=1)
        return _steps(np.concatenate([rms[:, None], peak[:, None], bands], axis=1))


def _bands(rate: int, size: int) -> list[slice]:
    """The bins of each band, at least one."""
    highest = min(HIGHEST_HZ, rate / 2)
    edges = np.geomspace(min(LOWEST_HZ, highest / 2), highest, BANDS + 1) * size / rate
    bins = size // 2
    lows = np.minimum(np.floor(edges[:-1]).astype(int), bins)
    return [slice(low, max(low + 1, min(int(high), bins + 1))) for low, high in zip(lows, edges[1:], strict=True)]


def _steps(amplitudes: NDArray[np.floating]) -> NDArray[np.uint8]:
    decibels = 20 * np.log10(np.maximum(amplitudes, 10 ** (-FLOOR_DB / 20)))
    steps: NDArray[np.uint8] = np.clip(np.round((decibels + FLOOR_DB) * (255 / FLOOR_DB)), 0, 255).astype(np.uint8)
    return steps
