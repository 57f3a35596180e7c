"""A recording's spectra, and how much of each time and frequency comes straight from a source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FRAME_S, HOP_S = 0.048, 0.016
TAIL_DB_S = 120.0  # how fast a room's reverberation falls: RT60 0.5 s
TAIL_DELAY_S = 0.016  # after which it counts as that: what comes earlier may be the sound itself
TAIL_SHARE = 0.5  # of a sound's power that its tail starts with
FLOOR_QUANTILE = 0.1  # over time, of a frequency's power: its noise floor
ABOVE_TAIL, ABOVE_FLOOR = 3.0, 3.0  # times: what rises higher than both together comes straight from a source
# As the latter. Noise seldom does, so the few frequencies of a beep outweigh it. Chosen on rooms of seeds from 101,000.
CLEAR_OF_FLOOR = 6.0
LEAST_WEIGHT = 1e-3  # of what does not
TINY = np.float32(1e-20)  # of power: none
TELLING, LEAST_FRAMES = 0.25, 32  # share of a frequency's frames that tell of a direction, and how many at least

Power = NDArray[np.float32]  # (frequencies, frames)


@dataclass(frozen=True, eq=False)
class Spectra:
    """Of the frequencies that directions are told by.

    values: complex64 (frequencies, channels, frames). power: float32 (frequencies, frames), mean of the channels. hop:
    s, from one frame to the next.
    """

    values: NDArray[np.complex64]
    power: Power
    hop: float

    @cached_property
    def phases(self) -> NDArray[np.complex64]:
        """The values, each of length 1, or 0."""
        return np.asarray(self.values / np.maximum(np.abs(self.values), TINY), np.complex64)


def frequencies(rate: int, fmin: float, fmax: float) -> NDArray[np.float64]:
    """Of spectra of sound of so many samples a second, from fmin to fmax, Hz."""
    return np.asarray(np.fft.rfftfreq(_size(rate), 1 / rate)[_kept(rate, fmin, fmax)])


def spectra(samples: NDArray[np.float32], rate: int, fmin: float, fmax: float) -> Spectra:
    """samples: (channels, n), of which each is windowed in frames of FRAME_S; zeros follow what is shorter."""
    size, hop = _size(rate), max(1, round(HOP_S * rate))
    if samples.shape[1] < size:
        samples = np.pad(samples, ((0, 0), (0, size - samples.shape[1])))
    window, kept = np.hanning(size + 1)[:size].astype(np.float32), _kept(rate, fmin, fmax)
    frames = sliding_window_view(samples, size, axis=1)[:, ::hop]
    values = np.empty((kept.stop - kept.start, *frames.shape[:2]), np.complex64)
    power = np.zeros((len(values), frames.shape[1]), np.float32)
    for at, each in enumerate(frames):  # one channel at a time stays in the processor's cache
        # OpenCV's transform is ten times as fast as NumPy's; of each row it gives Re0, Re1, Im1, Re2, Im2, ...
        rows = cv2.dft(each * window, flags=cv2.DFT_ROWS)[:, 2 * kept.start - 1 : 2 * kept.stop - 1]
        power += (rows[:, ::2] ** 2 + rows[:, 1::2] ** 2).T
        values[:, at] = rows.view(np.complex64).T
    power /= len(samples)
    return Spectra(values, power, hop / rate)


def weights(power: Power, hop: float) -> tuple[Power, Power]:
    """How far each time and frequency rises above the noise floor and the tail of what came before: 0..1, as power.

    power: (frequencies, frames). hop: s, from one frame to the next. Returns that for what may come straight from a
    source, be it as even as noise, and for what is clear of noise.
    """
    rank = int(FLOOR_QUANTILE * power.shape[1])
    floor = np.partition(power, rank, axis=1)[:, rank, None]
    delay, fall = max(1, round(TAIL_DELAY_S / hop)), 10 ** (-TAIL_DB_S * hop / 10)
    tail, late = power.copy(), TAIL_SHARE * power[:, 0]  # of the first frames, what came before is not known
    for at in range(delay, power.shape[1]):
        late = np.maximum(late * fall, TAIL_SHARE * power[:, at - delay])
        tail[:, at] = late
    return _share_above(ABOVE_TAIL * tail + ABOVE_FLOOR * floor, power), _share_above(
        ABOVE_TAIL * tail + CLEAR_OF_FLOOR * floor, power
    )


def strongest(heard: Spectra, weights: Power, clear: Power) -> tuple[Spectra, Power, Power]:
    """Of each frequency the frames that tell most by `weights`, in their order, and both weights of them."""
    frames = weights.shape[1]
    most = min(frames, max(LEAST_FRAMES, round(TELLING * frames)))
    at = np.sort(np.argpartition(weights, frames - most, axis=1)[:, frames - most :], axis=1)
    values = np.take_along_axis(heard.values, at[:, None], axis=2)
    power, weights, clear = (np.take_along_axis(each, at, axis=1) for each in (heard.power, weights, clear))
    return Spectra(values, power, heard.hop), weights, clear


def _share_above(level: Power, power: Power) -> Power:
    """What of a power is above a level, LEAST_WEIGHT..1."""
    return np.asarray(np.clip(1 - np.maximum(level, TINY) / np.maximum(power, TINY), LEAST_WEIGHT, 1), np.float32)


def _size(rate: int) -> int:
    """Samples of a frame."""
    return 2 * round(FRAME_S * rate / 2)


def _kept(rate: int, fmin: float, fmax: float) -> slice:
    """Not quite up to half the rate, where a recorder's filter has left nothing."""
    first, last = np.searchsorted(np.fft.rfftfreq(_size(rate), 1 / rate), (fmin, min(fmax, 0.47 * rate)))
    return slice(int(first), int(last))
