"""Is there anything in a window's sound but noise, so that a reasoner need be asked? Levels alone, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.pipeline import SILENCE_DBFS, loudest
from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.options import Options, option

FRAME_S = 0.032  # of sound in a spectrum; each overlaps with half of the one before
SPECTRA = 6  # that are averaged, about 0.1 s, so that noise is even
BANDS_HZ = (125, 250, 500, 1000, 2000, 4000, 8000)
BAND_FLOOR = 1e-9  # mean square, -90 dBFS: what varies below that in a band is no sound
# From the quiet (a tenth of the time) to the loudest 0.1 s, in the band where that is most. Chosen on made noise of six
# kinds, which stays below 6.2, and on every second real clip, of which none is below 9.5.
EVEN_DB = 8.0


@dataclass(frozen=True)
class NoiseGateOptions(Options):
    """Raises OptionError where one is out of its range."""

    noise_gate: bool = option(
        False, "do not ask the reasoner about windows with nothing but even noise or below `noise_gate_level`"
    )
    noise_gate_level: float = option(
        -55.0,
        "with `noise_gate`: a window whose loudest 50 ms are below holds nothing to ask about, dBFS",
        least=-120,
        most=0,
    )


def held(audio: Audio | None, options: NoiseGateOptions) -> str:
    """Why the gate holds a window with that sound back, a sentence; empty where it does not.

    It does not where there is silence, or no sound at all: then nobody is asked anyway.
    """
    if not options.noise_gate or audio is None or (level := loudest(audio)) < SILENCE_DBFS:
        return ""
    if level < options.noise_gate_level:
        return f"held by the noise gate: no 50 ms of it are louder than {options.noise_gate_level:g} dBFS"
    if unevenness(audio) < EVEN_DB:
        return f"held by the noise gate: an even noise at {level:.0f} dBFS, in which nothing stands out"
    return ""


def unevenness(audio: Audio) -> float:
    """How far its loudest 0.1 s stands out from its quiet, dB, in the band where that is most; inf of too little."""
    size = max(2, round(audio.rate * FRAME_S))
    step = max(1, size // 2)
    hz = np.fft.rfftfreq(size, 1 / audio.rate)
    count = (audio.samples.shape[1] - size) // step + 1
    blocks = count // SPECTRA
    bands = [(low <= hz) & (hz < high) for low, high in pairwise(BANDS_HZ) if high <= audio.rate / 2]
    if blocks < SPECTRA or not bands:
        return float("inf")
    window = np.hanning(size).astype(np.float32)
    power: NDArray[np.float64] = np.zeros((count, len(bands)))
    for channel in audio.samples:
        spectra = np.lib.stride_tricks.sliding_window_view(channel, size)[::step] * window
        energy = np.square(np.abs(np.fft.rfft(spectra, axis=1))) * (2 / (size * np.square(window).sum()))
        power += np.stack([energy[:, band].sum(axis=1) for band in bands], axis=1)
    smooth = power[: blocks * SPECTRA].reshape(blocks, SPECTRA, -1).mean(axis=1) / len(audio.samples)
    level = 10 * np.log10(smooth + BAND_FLOOR)
    return float((level.max(axis=0) - np.quantile(level, 0.1, axis=0)).max())
