"""How far things are: depth images and point clouds, and the distance of what a box frames.

A box holds its thing, what is behind and beside it, and now and then before it. The middle half of the box, each way,
is looked at, and there the nearest surface that takes a fifth of what is measured counts: a wall behind often has more
pixels, and a few flying pixels or a cable in front have less. Of that surface the median is the distance. Where the
thing's own pixels are known, it is the median of all that is measured there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.spatial.camera import PIXEL_MIDDLE, Camera, Points

MIDDLE_SHARE = 0.5  # of a box's width and height
MIN_SURFACE_SHARE = 0.2  # of the points there, that a surface takes
SURFACE_THICKNESS = 0.1  # of a surface's distance, to either side of it
MIN_POINTS = 5  # points that tell a distance
MAX_DISTANCE_M = 1e4  # that is measured
SD_OF_MAD = 1.4826  # standard deviation of a normal distribution whose median deviation is 1
MAX_BOX_POINTS = 4096  # of a box that are looked at
MAX_IMAGE_POINTS = 2**19  # pixels of a depth image that become points; of more, every second or third each way


class DepthError(UserError):
    """What is no depth, or not that of the image: one sentence that says why."""


@dataclass(frozen=True, eq=False)
class DepthImage:
    """Depths along the optical axis (REP-118). values: (height, width), of `unit` m each; 0 or no number where none."""

    stamp: int
    values: NDArray[Any]
    unit: float
    frame_id: str

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.values.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.values.shape[0])

    def points(self, camera: Camera, box: Box | None = None) -> Points:
        """What is measured, all or in a box of its own pixels: (n, 3), m, of that camera, whose image has its size."""
        x1, y1, x2, y2 = (0, 0, self.width, self.height) if box is None else _pixels(box)
        most = MAX_IMAGE_POINTS if box is None else MAX_BOX_POINTS
        stride = max(1, int(np.ceil(np.sqrt((x2 - x1) * (y2 - y1) / most))))
        depths = self.values[y1:y2:stride, x1:x2:stride].astype(np.float64) * self.unit
        down, across = np.nonzero(np.isfinite(depths) & (depths > 0))
        pixels = np.stack([x1 + across * stride, y1 + down * stride], axis=1).astype(np.float64) + PIXEL_MIDDLE
        rays = camera.rays(pixels)
        points = rays / rays[:, 2:] * depths[down, across, None]
        return points[np.isfinite(points).all(axis=1)]

    def sampled(self, rows: int, columns: int) -> Points:
        """Depths at the middles of so many cells, m: (rows, columns); NaN where none is measured."""
        down, across = (
            ((np.arange(count) + 0.5) * size / count).astype(int)
            for count, size in zip((rows, columns), self.values.shape, strict=True)
        )
        depths = self.values[np.ix_(down, across)].astype(np.float64) * self.unit
        return np.where(np.isfinite(depths) & (depths > 0), depths, np.nan)


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points (n, 3), m, in the frame of that id; finite."""

    stamp: int
    points: NDArray[np.float32]
    frame_id: str


def middle_of_box(box: Box) -> Box:
    """The part of a box that is most likely its thing's."""
    (x, y), half_width, half_height = box.center, box.width * MIDDLE_SHARE / 2, box.height * MIDDLE_SHARE / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def distance_along(ray: Points, points: Points) -> tuple[float, float]:
    """How far the nearest surface of points (n, 3) is along a unit vector (3,), and its standard deviation, m.

    NaN where there are too few of them.
    """
    along = np.sort(points @ ray)
    along = along[(along > 0) & (along < MAX_DISTANCE_M)]  # none where the ray is NaN
    if len(along) < MIN_POINTS:
        return np.nan, np.nan
    share = max(MIN_POINTS, int(np.ceil(MIN_SURFACE_SHARE * len(along))))
    nearest, last = along[: len(along) - share + 1], along[share - 1 :]
    surfaces = np.flatnonzero(last <= nearest * (1 + SURFACE_THICKNESS))
    if not len(surfaces):
        return np.nan, np.nan
    first = surfaces[0]
    distance = float(np.median(along[first : first + share]))
    for _ in range(10):  # from its near side to its middle
        surface = along[np.abs(along - distance) <= SURFACE_THICKNESS * distance]
        before, distance = distance, float(np.median(surface))
        if distance == before:
            break
    return distance, float(SD_OF_MAD * np.median(np.abs(surface - distance)))


def middle_along(ray: Points, points: Points) -> tuple[float, float]:
    """As `distance_along`, where all points are its thing's: their median."""
    along = points @ ray
    along = along[(along > 0) & (along < MAX_DISTANCE_M)]
    if len(along) < MIN_POINTS:
        return np.nan, np.nan
    distance = float(np.median(along))
    return distance, float(SD_OF_MAD * np.median(np.abs(along - distance)))


def _pixels(box: Box) -> tuple[int, int, int, int]:
    """The pixels whose middles it frames; one at least each way."""
    x1, y1 = max(0, round(box.x1)), max(0, round(box.y1))
    return x1, y1, max(x1 + 1, round(box.x2)), max(y1 + 1, round(box.y2))
