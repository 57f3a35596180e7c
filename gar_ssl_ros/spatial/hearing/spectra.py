"""A recording's spectra, and how much of each time and frequency comes straight from a source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FRAME_S, HOP_S = 0.032, 0.008
TAIL_DB_S = 120.0  # how fast a room's reverberation falls: RT60 0.5 s
TAIL_DELAY_S = 0.024  # after which it counts as that: what comes earlier may be the sound itself
TAIL_SHARE = 0.5  # of a sound's power that its tail starts with
FLOOR_QUANTILE = 0.1  # over time, of a frequency's power: its noise floor
ABOVE = 3.0  # times floor and tail: what rises higher comes straight from a source
LEAST_WEIGHT = 1e-3  # of what does not


@dataclass(frozen=True, eq=False)
class Spectra:
    """Of the frequencies that directions are told by.

    values: complex64 (frequencies, channels, frames). power: float32 (frequencies, frames), mean of the channels. hop:
    s, from one frame to the next.
    """

    values: NDArray[np.complex64]
    power: NDArray[np.float32]
    hop: float

    @cached_property
    def phases(self) -> NDArray[np.complex64]:
        """The values, each of length 1, or 0."""
        return np.asarray(self.values / np.maximum(np.abs(self.values), np.float32(1e-20)), np.complex64)


def frequencies(rate: int, fmin: float, fmax: float) -> NDArray[np.float64]:
    """Of spectra of sound of so many samples a second, from fmin to fmax, Hz."""
    return np.asarray(np.fft.rfftfreq(_size(rate), 1 / rate)[_kept(rate, fmin, fmax)])


def spectra(samples: NDArray[np.float32], rate: int, fmin: float, fmax: float) -> Spectra:
    """samples: (channels, n), of which each is windowed in frames of FRAME_S; zeros follow what is shorter."""
    size, hop = _size(rate), max(1, round(HOP_S * rate))
    if samples.shape[1] < size:
        samples = np.pad(samples, ((0, 0), (0, size - samples.shape[1])))
    window = np.hanning(size + 1)[:size].astype(np.float32)
    frames = sliding_window_view(samples, size, axis=1)[:, ::hop] * window
    values = np.ascontiguousarray(np.fft.rfft(frames)[:, :, _kept(rate, fmin, fmax)].transpose(2, 0, 1), np.complex64)
    power = (values.real**2 + values.imag**2).mean(axis=1)
    return Spectra(values, power, hop / rate)


def weights(power: NDArray[np.float32], hop: float) -> NDArray[np.float32]:
    """How far each time and frequency rises above the noise floor and the tail of what came before: 0..1, as power.

    power: (frequencies, frames). hop: s, from one frame to the next.
    """
    floor = np.quantile(power, FLOOR_QUANTILE, axis=1)
    delay, fall = max(1, round(TAIL_DELAY_S / hop)), 10 ** (-TAIL_DB_S * hop / 10)
    tail, late = np.zeros_like(power), np.zeros(len(power), np.float32)
    for at in range(delay, power.shape[1]):
        late = np.maximum(late * fall, TAIL_SHARE * power[:, at - delay])
        tail[:, at] = late
    rises = power / np.maximum(ABOVE * (tail + floor[:, None]), np.float32(1e-20))
    return np.asarray(np.clip(1 - 1 / np.maximum(rises, 1e-9), LEAST_WEIGHT, 1), np.float32)


def _size(rate: int) -> int:
    """Samples of a frame."""
    return 2 * round(FRAME_S * rate / 2)


def _kept(rate: int, fmin: float, fmax: float) -> slice:
    """Not quite up to half the rate, where a recorder's filter has left nothing."""
    first, last = np.searchsorted(np.fft.rfftfreq(_size(rate), 1 / rate), (fmin, min(fmax, 0.47 * rate)))
    return slice(int(first), int(last))
