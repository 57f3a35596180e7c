"""From where the sounds of a window come: one source after the other, each without what the others explain."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.hearing.array import ArrayError, Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.channels import count_problem, usable
from gar_ssl_ros.spatial.hearing.intensity import IntensityResponse
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.response import SteeredResponse
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.spatial.hearing.spectra import frequencies, spectra, weights

SURE_AT, SURE_PER = 8.5, 1.5  # of a peak's height: probability 0.5, and how soon it is more
APART = math.radians(12)  # nearer to one that is found, another is the same
QUIETEST = 1e-12  # of full scale, as power: dBFS -120


class Listener:
    """Tells the directions of one array's sounds at one rate. Not thread-safe."""

    def __init__(self, array: MicrophoneArray, rate: int, options: HearingOptions) -> None:
        """rate: Hz. Raises ArrayError where that is too low for the frequencies asked for."""
        self._array, self._rate, self._options = array, rate, options
        self._frequencies = frequencies(rate, options.fmin, options.fmax)
        if len(self._frequencies) < 2:
            raise ArrayError(
                f"from fmin, {options.fmin:g} Hz, to fmax, {options.fmax:g} Hz, nothing is left at {rate} Hz: lower "
                "fmin, or record at a higher rate"
            )
        self._kept = tuple(range(len(array.channels)))
        self._part = array
        self._response = self._response_of(array)

    def directions(self, samples: NDArray[np.float32]) -> tuple[SoundDirection, ...]:
        """Those of a window, (recorded channels, n), the loudest first; none of silence and of diffuse noise.

        Dead and doubled channels are left out: see `channel_problem`. Raises ArrayError where the channels are not the
        array's, or too few of them can be used.
        """
        if wrong := count_problem(len(samples), self._array):
            raise ArrayError(wrong)
        own = np.nan_to_num(samples[list(self._array.channels)], posinf=0.0, neginf=0.0)
        if not own.any():
            return ()
        self._keep(usable(own, self._array))
        own = own[list(self._kept)]
        heard = spectra(own, self._rate, self._options.fmin, self._options.fmax)
        weighted, power, whole = weights(heard.power, heard.hop), float((own**2).mean()), float(heard.power.sum())
        found: list[SoundDirection] = []
        for _ in range(self._options.array_directions):
            peak = self._response.peak(heard, weighted)
            probability = 1 / (1 + math.exp(min((SURE_AT - peak.height) / SURE_PER, 100.0)))
            x, y, z = peak.vector.tolist()
            level = 10 * math.log10(max(power * float((heard.power * peak.share).sum()) / max(whole, 1e-20), QUIETEST))
            one = SoundDirection((x, y, z), peak.sd, level, probability, self._part.known, self._part.axis)
            if probability < 0.5 or any(one.apart(np.array([other.vector]))[0] < APART for other in found):
                break
            found.append(one)
            weighted = weighted * (1 - peak.share)
        return tuple(sorted(found, key=lambda one: -one.power))

    def _keep(self, kept: tuple[int, ...]) -> None:
        """Hear with these alone, by their places in the array."""
        if kept == self._kept:
            return
        array = self._array
        if len(kept) < (4 if array.kind is Kind.AMBISONIC else 2):
            raise ArrayError(f"of array {array.name}, {len(kept)} channels can be used, too few to tell a direction")
        self._part = replace(
            array,
            channels=tuple(array.channels[at] for at in kept),
            positions=tuple(array.positions[at] for at in kept),
        )
        self._response, self._kept = self._response_of(self._part), kept

    def _response_of(self, array: MicrophoneArray) -> SteeredResponse | IntensityResponse:
        ambisonic = array.kind is Kind.AMBISONIC
        return IntensityResponse() if ambisonic else SteeredResponse(array, self._frequencies)
