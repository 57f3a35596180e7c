"""Directions of first-order ambisonics: where the intensity of each time and frequency points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.response import LEAST_SD, OVERLAP, SD_SCALE, Peak
from gar_ssl_ros.spatial.hearing.spectra import Spectra
from gar_ssl_ros.spatial.hearing.steering import sphere

CELLS = 1000  # of the sphere, of which each holds the weight of what points into it
NEARNESS = 30.0  # of a von Mises-Fisher density: 10 degrees around a direction count for it
ORDER = np.array([3, 1, 2])  # x, y, z of the channels W Y Z X


class IntensityResponse:
    """Of AmbiX to spectra: how much of them points to each cell of the sphere."""

    def __init__(self) -> None:
        self._cells = sphere(CELLS)
        self._near = np.exp(NEARNESS * (self._cells @ self._cells.T - 1)).astype(np.float32)

    def peak(self, heard: Spectra, weights: NDArray[np.float32]) -> Peak:
        """Of the response to what is heard, (frequencies, 4, frames), weighted (frequencies, frames)."""
        pressure, velocity = heard.values[:, :1], heard.values[:, ORDER]
        flow = (pressure.conj() * velocity).real  # towards the source: of a plane wave, the velocity is W times that
        size = np.linalg.norm(flow, axis=1)
        toward = (flow / np.maximum(size, np.float32(1e-20))[:, None]).transpose(0, 2, 1).reshape(-1, 3)
        energy = (np.abs(heard.values) ** 2).sum(axis=1) / 2
        weight = (weights * size / np.maximum(energy, np.float32(1e-20))).ravel()  # the diffuse counts less
        held = np.bincount(self._nearest(toward), weight, CELLS).astype(np.float32)
        response = self._near @ held
        chance = math.sqrt(OVERLAP * float((weight**2).sum()) * float(self._near[0].var()))
        height = float(response.max() - response.mean()) / max(chance, 1e-12)
        vector = self._cells[int(response.argmax())]
        for _ in range(3):  # mean shift
            near = weight * np.exp(NEARNESS * (toward @ vector - 1))
            total = near @ toward
            vector = np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float64)
        agree = np.exp(NEARNESS * (toward @ vector - 1))
        spread = float((weight * agree * np.maximum(1 - (toward @ vector) ** 2, 0)).sum())
        count = float((weight * agree).sum()) ** 2 / max(float(((weight * agree) ** 2).sum()), 1e-12)
        sd = math.hypot(
            LEAST_SD, SD_SCALE * math.sqrt(spread / max(float((weight * agree).sum()), 1e-12) / max(count / 8, 1))
        )
        return Peak(vector, sd, height, agree.reshape(weights.shape).astype(np.float32))

    def _nearest(self, toward: Points) -> NDArray[np.intp]:
        return np.concatenate(
            [(part @ self._cells.T.astype(np.float32)).argmax(axis=1) for part in np.array_split(toward, 8)]
        )
