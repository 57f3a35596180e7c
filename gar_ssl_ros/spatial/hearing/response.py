"""Steered response power (SRP-PHAT) of microphones in the open, or at the ears of a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.sound_direction import Known
from gar_ssl_ros.spatial.hearing.spectra import Spectra
from gar_ssl_ros.spatial.hearing.steering import delays, grid, lateral_basis, pairs, spacing

BLOCKS = 8  # of a window's time, whose agreement tells how sure a direction is
BAND = 16  # frequencies of it, likewise
LAGS_PER_PERIOD = 24  # of the highest frequency: between two of them, a correlation is as good as straight
LEAST_SD = {  # what reflections, the channels' own directions and a head's shape leave, however long one listens
    Kind.MICROPHONES: math.radians(1.2),
    Kind.AMBISONIC: math.radians(3.0),
    Kind.BINAURAL: math.radians(4.0),
}
SD_SCALE = 2.5  # of what the parts of a window tell: their reflections are alike
LEAST_ACROSS = 0.2
NEAR = math.cos(math.radians(20))  # as far as a direction moves once it is told apart from another
TINY = 1e-12
TABLE_BYTES = 32 * 2**20  # of lags, at most: of an array of many metres they are further apart
LAGS_OF_REACH = 200  # of the longest lag, at least: microphones of 1 cm apart tell 0.3 degrees
STEPS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])

Cross = NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class Peak:
    """Where a response is greatest.

    vector: of length 1, there. sd: rad. height: above the mean of all directions, in standard deviations of what chance
    would give. contrast: the same, as a share of what one source in the open would give. strength: as a share of what
    that would give at high frequencies, which tell it apart best. agreement: of each time and frequency with it, at
    most 1; 0 where it tells nothing.
    """

    vector: Points
    sd: float
    height: float
    contrast: float
    strength: float
    agreement: NDArray[np.float32]


class SteeredResponse:
    """Of one array of microphones to spectra of some frequencies, Hz.

    A low frequency tells directions apart less well: `_alone` is, of each, how far the response towards one source in
    the open is above that of all directions.
    """

    def __init__(self, array: MicrophoneArray, frequencies: NDArray[np.float64]) -> None:
        self._array, self._frequencies = array, frequencies
        self._grid, self._spacing = grid(array), spacing(array)
        self._first, self._second = pairs(len(array.positions))
        self._lags = self._pair_lags(self._grid)
        reach, most = float(np.abs(self._lags).max()), TABLE_BYTES / (16 * len(frequencies))
        fine = min(1 / (LAGS_PER_PERIOD * float(frequencies[-1])), reach / LAGS_OF_REACH)
        self._step = max(fine, reach / most)  # s
        self._half = math.ceil(reach / self._step) + 2
        lags = np.arange(-self._half, self._half + 1, dtype=np.float64) * self._step
        turns = self._turns(-lags)
        self._basis = np.concatenate([turns.real, -turns.imag])
        self._alone = np.sum([1 - np.abs(self._turns(each).mean(axis=1)) ** 2 for each in self._lags.T], axis=0)

    def peak(self, heard: Spectra, weights: NDArray[np.float32], near: Points | None = None) -> Peak:
        """Of the response to what is heard, weighted (frequencies, frames). near: where it is looked for, (3,)."""
        cross = self._cross(heard.phases, weights)
        correlations = self._correlations(cross.sum(axis=1))
        response = self._steered(correlations, self._lags)
        among = response if near is None else np.where(self._grid @ near >= NEAR, response, -np.inf)
        best, each = int(among.argmax()), weights.sum(axis=1)
        above = float(response[best] - response.mean())
        chance = math.sqrt(float((weights**2).sum(axis=1) @ self._alone) / 2)
        vector = self._refined(correlations, best)
        agreement = self._agreement(heard.phases, vector)
        height, contrast, strength = (
            above / max(most, TINY)
            for most in (chance, float(each @ self._alone), float(each.sum()) * len(self._first))
        )
        return Peak(vector, self._sd(cross, vector), height, contrast, strength, agreement)

    def _cross(self, phases: NDArray[np.complex64], weights: NDArray[np.float32]) -> Cross:
        """Weighted cross-spectra of the phases: (frequencies, blocks, pairs)."""
        whole = phases.shape[2]
        edges = np.linspace(0, whole, min(BLOCKS, whole) + 1).astype(int)
        weighted, other = phases * weights[:, None], phases.conj().transpose(0, 2, 1)
        blocks = [weighted[:, :, first:last] @ other[:, first:last] for first, last in pairwise(edges)]
        return np.stack([each[:, self._first, self._second] for each in blocks], axis=1)

    def _correlations(self, cross: Cross) -> NDArray[np.float32]:
        """Of (frequencies, pairs), at evenly spaced lags: (pairs, lags)."""
        return np.asarray(np.concatenate([cross.real, cross.imag]).T @ self._basis)

    def _steered(self, correlations: NDArray[np.float32], lags: Points) -> NDArray[np.float32]:
        """The response towards directions with such lags, (n, pairs): (n,)."""
        at = lags / self._step + self._half
        low = np.clip(at.astype(np.intp), 0, 2 * self._half - 1)
        share = (at - low).astype(np.float32)
        each = np.arange(lags.shape[1])
        return np.asarray(((1 - share) * correlations[each, low] + share * correlations[each, low + 1]).sum(axis=1))

    def _pair_lags(self, vectors: Points) -> Points:
        """By how much a sound comes later to the second of each pair than to the first: (n, pairs), s."""
        at = delays(self._array, vectors)
        return np.asarray(at[:, self._second] - at[:, self._first])

    def _refined(self, correlations: NDArray[np.float32], best: int) -> Points:
        """Up the response from a point of the grid, (3,)."""
        vector, reach = self._grid[best], self._spacing
        for _ in range(4):
            near = vector + reach * STEPS[:, None] * self._tangents(vector)[0]
            if self._array.known is Known.SPHERE:
                near = (near[:, None] + reach * STEPS[:, None] * self._tangents(vector)[1]).reshape(-1, 3)
            near = self._told(near)
            vector = near[int(self._steered(correlations, self._pair_lags(near)).argmax())]
            reach *= 0.4
        return np.asarray(vector)

    def _tangents(self, vector: Points) -> Points:
        """Along which a direction can be told, of length 1 and at right angles to it: (1 or 2, 3)."""
        if self._array.known is Known.LATERAL:
            axis, front = lateral_basis(self._array)
            return np.asarray((vector @ axis * front - vector @ front * axis)[None])
        across = np.cross((0.0, 0.0, 1.0), vector)
        length = float(np.linalg.norm(across))
        across = across / length if length > 1e-6 else np.array([0.0, 1.0, 0.0])
        both = np.stack([across, np.cross(vector, across)])
        return both if self._array.known is Known.SPHERE else both[:1]

    def _told(self, vectors: Points) -> Points:
        """As an array tells them, (n, 3): of length 1, and in front where it cannot know."""
        if self._array.known is Known.LATERAL:
            _, front = lateral_basis(self._array)
            ahead = vectors @ front
            vectors = vectors + (np.abs(ahead) - ahead)[:, None] * front
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None])

    def _agreement(self, phases: NDArray[np.complex64], vector: Points) -> NDArray[np.float32]:
        at = delays(self._array, vector[None])[0]
        summed = (self._turns(at)[:, None] @ phases)[:, 0]
        many = len(at)
        return np.asarray(((summed.real**2 + summed.imag**2) / many - 1) / (many - 1))

    def _turns(self, times: Points) -> Cross:
        """The phases of each frequency after times, s: (frequencies, ...)."""
        return np.exp(2j * np.pi * np.multiply.outer(self._frequencies, times)).astype(np.complex64)

    def _sd(self, cross: Cross, vector: Points) -> float:
        """By how differently the parts of time and frequency would turn it."""
        turn, variance = 1e-2, 0.0
        for tangent in self._tangents(vector):
            lags = self._pair_lags(self._told(vector + turn * np.array([[1.0], [0.0], [-1.0]]) * tangent))
            parts = (cross @ self._turns(-lags.T)).real  # (frequencies, blocks, 3)
            bands = np.add.reduceat(parts, np.arange(0, len(parts), BAND), axis=0)
            slopes = (bands[..., 0] - bands[..., 2]) / (2 * turn)
            bend = float((2 * bands[..., 1] - bands[..., 0] - bands[..., 2]).sum(dtype=np.float64)) / turn**2
            variance += float((slopes**2).sum()) / max(bend, 1e-9) ** 2
        least = LEAST_SD[self._array.kind]
        if self._array.known is Known.LATERAL:  # near the axis a delay hardly changes with the angle
            least /= max(float(vector @ lateral_basis(self._array)[1]), LEAST_ACROSS)
        return float(min(math.hypot(least, SD_SCALE * math.sqrt(variance)), math.pi / 2))
