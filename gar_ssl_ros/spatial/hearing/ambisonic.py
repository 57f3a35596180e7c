"""Steered response of first-order ambisonics: its intensity, and how much of each direction's motion there is."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.array import Kind
from gar_ssl_ros.spatial.hearing.response import BAND, BLOCKS, LEAST_SD, NEAR, SD_SCALE, TINY, Peak
from gar_ssl_ros.spatial.hearing.spectra import Spectra
from gar_ssl_ros.spatial.hearing.steering import SPHERE_POINTS, sphere

ORDER = np.array([0, 3, 1, 2])  # w, x, y, z of the channels W Y Z X
MOST, MEAN = 2.0, 2 / 3  # response, per weight, towards a source in the open, and of all directions to it
CHANCE = 0.15  # its variance, per weight squared, where each time and frequency is another direction's
CLIMBS = 20


class AmbisonicResponse:
    """To AmbiX: |w + u d|**2 of each direction d, of pressure w and velocity u that together are of length 1."""

    def __init__(self) -> None:
        grid = sphere(SPHERE_POINTS)
        self._grid = np.concatenate([np.ones((len(grid), 1)), grid], axis=1)

    def peak(self, heard: Spectra, weights: NDArray[np.float32], near: Points | None = None) -> Peak:
        """As of SteeredResponse."""
        values = heard.values[:, ORDER]
        values /= np.maximum(np.linalg.norm(values, axis=1), np.float32(1e-20))[:, None]
        parts = _parts(values, weights)
        whole = parts.sum(axis=0)
        response = ((self._grid @ whole) * self._grid).sum(axis=1)
        among = response if near is None else np.where(self._grid[:, 1:] @ near >= NEAR, response, -np.inf)
        vector, total = self._grid[int(among.argmax()), 1:], float(weights.sum())
        for _ in range(CLIMBS):  # each is higher than the one before, since what is climbed is convex
            vector = whole[0, 1:] + whole[1:, 1:] @ vector
            vector = np.asarray(vector / max(float(np.linalg.norm(vector)), TINY))
        above = float(response.max() - response.mean()) if near is None else float(among.max() - response.mean())
        chance = math.sqrt(CHANCE * float((weights**2).sum()))
        along = np.concatenate([[1.0], vector]).astype(np.float32) @ values
        agreement = ((along.real**2 + along.imag**2) / MOST - 0.25) / 0.75
        contrast = above / max((MOST - MEAN) * total, TINY)
        return Peak(vector, _sd(parts, vector), above / max(chance, TINY), contrast, contrast, np.asarray(agreement))


def _parts(values: NDArray[np.complex64], weights: NDArray[np.float32]) -> Points:
    """Weighted covariances of parts of time and frequency: (parts, 4, 4)."""
    edges = np.linspace(0, weights.shape[1], min(BLOCKS, weights.shape[1]) + 1).astype(int)
    weighted, other = values * weights[:, None], values.conj().transpose(0, 2, 1)
    blocks = [(weighted[:, :, first:last] @ other[:, first:last]).real for first, last in pairwise(edges)]
    bands = [np.add.reduceat(block, np.arange(0, len(block), BAND), axis=0) for block in blocks]
    return np.concatenate(bands).astype(np.float64)


def _sd(parts: Points, vector: Points) -> float:
    """By how differently the parts would turn it."""
    across = np.linalg.svd(vector[None])[2][1:]  # (2, 3), at right angles to it
    slopes = (parts[:, 0, 1:] + parts[:, 1:, 1:] @ vector) @ across.T
    whole = parts.sum(axis=0)
    ahead = float(vector @ (whole[0, 1:] + whole[1:, 1:] @ vector))
    bend = ahead * np.eye(2) - across @ whole[1:, 1:] @ across.T
    turned = slopes @ np.linalg.pinv(bend)
    return float(min(math.hypot(LEAST_SD[Kind.AMBISONIC], SD_SCALE * math.sqrt(float((turned**2).sum()))), math.pi / 2))
