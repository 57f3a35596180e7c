"""Steered response power (SRP-PHAT) of microphones in the open, or at the ears of a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.hearing.sound_direction import Known
from gar_ssl_ros.spatial.hearing.spectra import Spectra
from gar_ssl_ros.spatial.hearing.steering import delays, grid, pairs, spacing

BLOCKS = 8  # of a window's time, whose agreement tells how sure a direction is
BAND = 16  # frequencies of it, likewise
OVERLAP = 3.0  # frames that hold the same sound: so much less do they tell
LAGS_PER_PERIOD = 24  # of the highest frequency: between two of them, a correlation is as good as straight
LEAST_SD = math.radians(1.0)  # what reflections and the microphones' own places leave, however long one listens
SD_SCALE = 2.0
STEPS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])

Cross = NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class Peak:
    """Where a response is greatest.

    vector: of length 1, there. sd: rad. height: above the mean of all directions, in standard deviations of what chance
    would give. share: of each time and frequency, how much agrees with it, 0..1.
    """

    vector: Points
    sd: float
    height: float
    share: NDArray[np.float32]


class SteeredResponse:
    """Of one array of microphones to spectra of some frequencies, Hz."""

    def __init__(self, array: MicrophoneArray, frequencies: NDArray[np.float64]) -> None:
        self._array, self._frequencies = array, frequencies
        self._grid, self._spacing = grid(array), spacing(array)
        self._first, self._second = pairs(len(array.positions))
        self._lags = self._pair_lags(self._grid)
        self._step = 1 / (LAGS_PER_PERIOD * float(frequencies[-1]))  # s
        self._half = math.ceil(float(np.abs(self._lags).max()) / self._step) + 2
        lags = np.arange(-self._half, self._half + 1) * self._step
        turns = np.exp(-2j * np.pi * frequencies[:, None] * lags).astype(np.complex64)
        self._basis = np.concatenate([turns.real, -turns.imag])

    def peak(self, heard: Spectra, weights: NDArray[np.float32]) -> Peak:
        """Of the response to what is heard, weighted (frequencies, frames)."""
        cross = self._cross(heard.phases, weights)
        correlations = self._correlations(cross.sum(axis=0))
        response = self._steered(correlations, self._lags)
        chance = math.sqrt(OVERLAP * float((weights**2).sum()) * len(self._first) / 2)
        height = float(response.max() - response.mean()) / max(chance, 1e-12)
        vector = self._refined(correlations, int(response.argmax()))
        return Peak(vector, self._sd(cross, vector), height, self._share(heard.phases, vector))

    def _cross(self, phases: NDArray[np.complex64], weights: NDArray[np.float32]) -> Cross:
        """Weighted cross-spectra of the phases: (blocks, frequencies, pairs)."""
        whole = phases.shape[2]
        edges = np.linspace(0, whole, min(BLOCKS, whole) + 1).astype(int)
        found = []
        for first, last in pairwise(edges):
            part = phases[:, :, first:last]
            matrix = (part * weights[:, None, first:last]) @ part.conj().transpose(0, 2, 1)
            found.append(matrix[:, self._first, self._second])
        return np.stack(found)

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
            one, other = self._tangents(vector)
            steps = STEPS * reach
            near = vector + steps[:, None] * one
            if other is not None:
                near = (near[:, None] + steps[:, None] * other).reshape(-1, 3)
            near /= np.linalg.norm(near, axis=1)[:, None]
            vector = near[int(self._steered(correlations, self._pair_lags(near)).argmax())]
            reach *= 0.4
        return np.asarray(vector)

    def _tangents(self, vector: Points) -> tuple[Points, Points | None]:
        """Along which a direction can be told: of length 1, at right angles to it."""
        axis = np.array(self._array.axis)
        if self._array.known is Known.LATERAL:
            along = axis - (axis @ vector) * vector
            length = float(np.linalg.norm(along))
            return (along / length if length > 1e-6 else np.roll(axis, 1)), None
        across = np.cross(axis, vector)
        length = float(np.linalg.norm(across))
        across = across / length if length > 1e-6 else np.array([0.0, 1.0, 0.0])
        return across, np.cross(vector, across) if self._array.known is Known.SPHERE else None

    def _share(self, phases: NDArray[np.complex64], vector: Points) -> NDArray[np.float32]:
        """How much each time and frequency agrees with a direction, 0..1: (frequencies, frames)."""
        at = delays(self._array, vector[None])[0]
        turns = np.exp(2j * np.pi * self._frequencies[:, None] * at).astype(np.complex64)
        summed = (turns[:, None] @ phases)[:, 0]
        many = len(at)
        return np.asarray(np.clip(((summed.real**2 + summed.imag**2) / many - 1) / (many - 1), 0, 1))

    def _sd(self, cross: Cross, vector: Points) -> float:
        """By how differently the parts of time and frequency would turn it."""
        turn, variance = 1e-3, 0.0
        for tangent in self._tangents(vector):
            if tangent is None:
                continue
            moved = np.stack([vector + turn * tangent, vector, vector - turn * tangent])
            lags = self._pair_lags(moved / np.linalg.norm(moved, axis=1)[:, None])
            turns = np.exp(-2j * np.pi * self._frequencies[:, None] * lags[:, None])
            parts = np.einsum("bfp,nfp->nbf", cross, turns).real
            bands = np.add.reduceat(parts, np.arange(0, len(self._frequencies), BAND), axis=2)
            slopes = (bands[0] - bands[2]) / (2 * turn)
            bend = float((2 * bands[1] - bands[0] - bands[2]).sum()) / turn**2
            variance += float((slopes**2).sum()) / max(bend, 1e-9) ** 2
        return float(min(math.hypot(LEAST_SD, SD_SCALE * math.sqrt(variance)), math.pi / 2))
