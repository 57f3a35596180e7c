"""From where the sounds of a window come: one source after the other, each without what the others explain."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.hearing.ambisonic import AmbisonicResponse
from gar_ssl_ros.spatial.hearing.array import ArrayError, Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.channels import count_problem, usable
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.response import Peak, SteeredResponse
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.hearing.spectra import Power, Spectra, frequencies, spectra, strongest, weights
from gar_ssl_ros.spatial.transforms import as_vector

# Chosen on rooms of seeds from 100,000 on, and on noise from everywhere, in windows of 1 and 3 s.
SURE_AT, SURE_PER = 6.2, 1.0  # of a peak's height: probability 0.5, and how soon it is more; of noise, at most 5.4
CONTRAST_AT, CONTRAST_PER = 0.12, 0.02  # of its contrast, likewise; of noise, at most 0.08, 0.17 of a pair
SECOND_AT, SECOND_PER = 0.18, 0.015  # of the strength of one more peak, likewise: a wall, too, sends a sound back
BROAD_SECOND_AT = 0.31  # of that of ambisonics and of two microphones, which tell sources apart less well
EXPLAINED = 0.5  # of agreement: what agrees more with a source is its sound
SHARPNESS = 8.0  # how surely what agrees better with one source than with another is its
TOGETHER_SD = 1.5  # times the standard deviation, where others sound too
ROUNDS = 2  # of telling sources apart by each other's directions
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

        Their distance is left unknown: in rooms of 0.2 to 0.6 s, what is heard told near, mid and far no better than
        chance. Dead and doubled channels are left out: see `channel_problem`. Raises ArrayError where the channels are
        not the array's, or too few of them can be used.
        """
        if wrong := count_problem(len(samples), self._array):
            raise ArrayError(wrong)
        own = np.nan_to_num(samples[list(self._array.channels)], posinf=0.0, neginf=0.0)
        if not own.any():
            return ()
        self._keep(usable(own, self._array))
        own = own[list(self._kept)]
        whole = spectra(own, self._rate, self._options.fmin, self._options.fmax)
        heard, weighted, clear = strongest(whole, *weights(whole.power, whole.hop))
        peaks = self._peaks(heard, weighted, clear)
        if not peaks:
            return ()
        agreements = np.array([one.agreement for one, _ in peaks])
        ours = np.clip(agreements, 0, 1) * _shared(agreements)
        levels = (
            float((own**2).mean()) * (ours * heard.power).sum(axis=(1, 2)) / max(float(heard.power.sum()), QUIETEST)
        )
        told = [
            SoundDirection(
                as_vector(peak.vector),
                peak.sd * (TOGETHER_SD if len(peaks) > 1 else 1),
                10 * math.log10(max(level, QUIETEST)),
                probability,
                self._part.known,
                self._part.axis,
            )
            for (peak, probability), level in zip(peaks, levels.tolist(), strict=True)
        ]
        return tuple(sorted(told, key=lambda one: -one.power))

    def _peaks(self, heard: Spectra, weighted: Power, clear: Power) -> list[tuple[Peak, float]]:
        """With the probability of each. One after the other is found in what those before leave, then told apart.

        clear: weights by which the first is found; the others may be as even as noise.
        """
        found: list[tuple[Peak, float]] = []
        left = weighted
        while len(found) < self._options.array_directions:
            peak = self._response.peak(heard, left if found else clear)
            probability = min(_sure(peak.height, SURE_AT, SURE_PER), _sure(peak.contrast, CONTRAST_AT, CONTRAST_PER))
            if found:
                broad = self._array.kind is Kind.AMBISONIC or self._part.known is Known.LATERAL
                even = BROAD_SECOND_AT if broad else SECOND_AT
                probability = min(probability, _sure(peak.strength, even, SECOND_PER))
            if probability < 0.5 or any(self._apart(peak, other) < APART for other, _ in found):
                break
            found.append((peak, probability))
            left = left * (peak.agreement < EXPLAINED)
        for _ in range(ROUNDS if len(found) > 1 else 0):
            each = weighted * _shared(np.array([one.agreement for one, _ in found]))
            found = [
                (self._response.peak(heard, own, one.vector), probability)
                for (one, probability), own in zip(found, each, strict=True)
            ]
        later = [any(self._apart(one, other) < APART for other, _ in found[:at]) for at, (one, _) in enumerate(found)]
        return [one for one, met in zip(found, later, strict=True) if not met]

    def _apart(self, one: Peak, other: Peak) -> float:
        told = SoundDirection(as_vector(one.vector), one.sd, 0.0, 1.0, self._part.known, self._part.axis)
        return float(told.apart(other.vector[None])[0])

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

    def _response_of(self, array: MicrophoneArray) -> SteeredResponse | AmbisonicResponse:
        ambisonic = array.kind is Kind.AMBISONIC
        return AmbisonicResponse() if ambisonic else SteeredResponse(array, self._frequencies)


def _sure(value: float, even: float, per: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(min((even - value) / per, 100.0)))


def _shared(agreements: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each time and frequency shared between sources by how it agrees with each: (sources, frequencies, frames)."""
    odds = np.exp(SHARPNESS * (agreements - agreements.max(axis=0, initial=-1.0)))
    return np.asarray(odds / np.maximum(odds.sum(axis=0), QUIETEST), np.float32)
