"""A picture of all directions: equirectangular, as 360-degree cameras give it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.camera import CameraError, Points

BAND = 56 / 204  # rows to a column of a band from -49 to 49 degrees, as many pixels to a degree down as across
MAX_MISFIT = 0.003  # of the width: rounding, and never two pictures of 16:9 side by side (0.5625 / 2)


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


def band_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rows of a panorama (H, W, 3) from -49 to 49 degrees, the horizon in their middle; such a band as it is.

    Raises CameraError where it is neither twice as wide as high nor such a band.
    """
    height, width = image.shape[:2]
    if abs(height - width * BAND) <= MAX_MISFIT * width:
        return image
    if abs(width - 2 * height) > 2:
        raise CameraError(
            f"{width}x{height} is no panorama: it is 360 degrees across and, {width} wide, "
            f"{width // 2} or {round(width * BAND)} pixels high"
        )
    cut = round((height - width * BAND) / 2)
    return image[cut : height - cut]


def pixel_of(azimuth: float, elevation: float, width: int, height: int) -> tuple[float, float]:
    """Where a direction, degrees, is seen in a panorama or a band of one: as many pixels to a degree down as across."""
    across = math.remainder(-azimuth, 360.0) / 360.0 + 0.5
    return across * width, height / 2 - elevation / 360.0 * width
