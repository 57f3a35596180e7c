"""A picture of all directions: equirectangular, as 360-degree cameras give it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gar_ssl_ros.spatial.camera import CameraError, Points


@dataclass(frozen=True)
class Panorama:
    """An image of width x height pixels whose columns are the bearings from behind, by the left, to behind again.

    Its rows are the elevations from straight up to straight down; its middle is ahead. Rays are in an optical frame
    (REP-103: x right, y down, z forward). Raises CameraError where it is not twice as wide as high.
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.height <= 0 or abs(self.width - 2 * self.height) > 2:
            raise CameraError(f"{self.width}x{self.height} is no panorama: an equirectangular one is twice as wide")

    def rays(self, pixels: Points) -> Points:
        """Unit vectors (n, 3) of pixels (n, 2)."""
        x, y = np.asarray(pixels, np.float64).reshape(-1, 2).T
        right, up = (x / self.width - 0.5) * math.tau, (0.5 - y / self.height) * math.pi
        return np.stack([np.sin(right) * np.cos(up), -np.sin(up), np.cos(right) * np.cos(up)], axis=1)

    def pixels(self, points: Points) -> Points:
        """Where points (n, 3) are seen, (n, 2)."""
        x, y, z = np.asarray(points, np.float64).reshape(-1, 3).T
        right, up = np.arctan2(x, z), np.arctan2(-y, np.hypot(x, z))
        return np.stack([(right / math.tau + 0.5) * self.width, (0.5 - up / math.pi) * self.height], axis=1)
