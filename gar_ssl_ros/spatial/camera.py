"""A camera as sensor_msgs/CameraInfo describes it: pixels to rays, and points to pixels.

Rays and points are in the optical frame (REP-103: x right, y down, z forward), which is the rectified camera's where
there is a rectification R, as image_geometry has it. Pixels are as boxes have them: (0, 0) is the image's upper left
corner, and the first pixel's middle is at (0.5, 0.5); OpenCV's (0, 0) is that middle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError, shortened

Points: TypeAlias = NDArray[np.float64]

MODELS = {"plumb_bob": (0, 4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,)}  # and how many numbers D has
ALIASES = {"": "plumb_bob", "fisheye": "equidistant"}  # a simulator's, of a lens without distortion; a driver's
PIXEL_MIDDLE = 0.5  # pixels from a pixel's edge
MAX_ITERATIONS, MIN_STEP = 100, 1e-10  # of the undistortion
MAX_MISS_PX = 0.5  # that a ray may miss its pixel by; one that misses by more is none


class CameraError(UserError):
    """What describes no camera, or not that of the image: one sentence that says why."""


@dataclass(frozen=True)
class Camera:
    """A lens and an image of width x height pixels.

    matrix: K, 3 x 3 by rows. distortion: D. model: a key of MODELS. rectification: R. projection: the left 3 x 3 of P.
    Both are 3 x 3 by rows; R of zeros is none, P of zeros is K. rectified: True if the image is: then P alone counts.
    frame_id: its optical frame. Raises CameraError where a number or the model is none.
    """

    width: int
    height: int
    matrix: tuple[float, ...]
    distortion: tuple[float, ...] = ()
    model: str = "plumb_bob"
    rectification: tuple[float, ...] = (0.0,) * 9
    projection: tuple[float, ...] = (0.0,) * 9
    rectified: bool = False
    frame_id: str = ""

    def __post_init__(self) -> None:
        if self.model in ALIASES:
            object.__setattr__(self, "model", ALIASES[self.model])
        if self.model not in MODELS:
            told = shortened(repr(self.model))
            raise CameraError(f"its distortion_model {told} is not known: it must be one of {', '.join(MODELS)}")
        if len(self.distortion) not in MODELS[self.model] and any(self.distortion):
            raise CameraError(f"its D has {len(self.distortion)} numbers, which {self.model} does not")
        numbers = (*self.matrix, *self.distortion, *self.rectification, *self.projection)
        if not np.isfinite(numbers).all():
            raise CameraError("its K, D, R and P are not all numbers: calibrate the camera")
        if self.width <= 0 or self.height <= 0:
            raise CameraError(f"its size is {self.width}x{self.height}: have its driver tell the image's")
        if self.matrix[0] <= 0 or self.matrix[4] <= 0:
            raise CameraError("its K is zero: calibrate the camera, and have its driver publish that")

    def cropped(self, x: int, y: int, width: int, height: int, binning_x: int, binning_y: int) -> Camera:
        """Of a part of the sensor from (x, y) on, whose pixels are joined by so many. Raises CameraError."""
        if not (min(x, y) >= 0 and 0 < width <= self.width - x and 0 < height <= self.height - y):
            raise CameraError(
                f"its roi {width}x{height} at {x}, {y} reaches out of its {self.width}x{self.height} pixels"
            )
        whole = replace(self, width=width, height=height, **self._moved(1.0, 1.0, float(x), float(y)))
        return whole._resized(width // max(1, binning_x), height // max(1, binning_y))

    def scaled(self, width: int, height: int) -> Camera:
        """Of the same view in an image of another size. Raises CameraError where its aspect is another."""
        if not self.fits(width, height):
            told = (
                f"it describes {self.width}x{self.height} pixels, and the images' {width}x{height} are no scale of that"
            )
            raise CameraError(f"{told}: take the CameraInfo of the same camera and mode")
        return self if (width, height) == (self.width, self.height) else self._resized(width, height)

    def fits(self, width: int, height: int) -> bool:
        """True if an image of that size has the same aspect, to a pixel."""
        return abs(width * self.height - height * self.width) <= max(width, height, self.width, self.height)

    def rays(self, pixels: Points) -> Points:
        """Unit vectors (n, 3) of pixels (n, 2); NaN where the lens's model has none."""
        if not len(pixels):
            return np.empty((0, 3))
        seen = np.asarray(pixels, np.float64) - PIXEL_MIDDLE
        rays = np.concatenate([self._flat(seen), np.ones((len(seen), 1))], axis=1)
        if not self._straight:
            missed = np.linalg.norm(self._projected(rays) - seen, axis=1)
            rays[~(missed <= MAX_MISS_PX)] = np.nan
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        return rays if self.rectified else rays @ self._turn.T

    def pixels(self, points: Points) -> Points:
        """Where points (n, 3) are seen, (n, 2); NaN behind the camera, and beyond the image's field."""
        given = np.asarray(points, np.float64) if self.rectified else np.asarray(points, np.float64) @ self._turn
        length = np.linalg.norm(given, axis=1)
        # A lens's polynomial leads points far out of its field back into it.
        seen = (given[:, 2] > 0) & (given[:, 2] >= length * self._edge)
        found = np.full((len(given), 2), np.nan)
        if seen.any():
            found[seen] = self._projected(given[seen]) + PIXEL_MIDDLE
        return found

    @property
    def _fisheye(self) -> bool:
        return self.model == "equidistant" and not self.rectified

    @property
    def _straight(self) -> bool:
        """True if it has no distortion: several times as fast without OpenCV's."""
        return not self._fisheye and not any(self._bend)

    @cached_property
    def _lens(self) -> NDArray[np.float64]:
        """What the image was made with: K, or P of a rectified one."""
        used = self.projection if self.rectified and any(self.projection) else self.matrix
        return np.reshape(np.asarray(used, np.float64), (3, 3))

    @cached_property
    def _bend(self) -> NDArray[np.float64]:
        given = () if self.rectified else self.distortion
        return np.asarray(given if any(given) else (0.0,) * 4, np.float64)

    @cached_property
    def _turn(self) -> NDArray[np.float64]:
        if not any(self.rectification):
            return np.eye(3)
        return np.reshape(np.asarray(self.rectification, np.float64), (3, 3))

    @cached_property
    def _edge(self) -> float:
        """The cosine of the widest angle that the image's edges see."""
        across, down = np.linspace(0, self.width, 9), np.linspace(0, self.height, 9)
        edges = [(x, y) for x in across for y in (0, self.height)] + [(x, y) for x in (0, self.width) for y in down]
        rays = self.rays(np.asarray(edges, np.float64))
        rays = rays if self.rectified else rays @ self._turn
        seen = rays[np.isfinite(rays[:, 2]), 2]
        return float(seen.min()) if len(seen) else 0.0

    def _flat(self, seen: Points) -> Points:
        """OpenCV's pixels (n, 2) on the plane at z 1, (n, 2); anything where the lens's model has no inverse."""
        if self._straight:
            return (seen - self._lens[:2, 2]) / self._lens.diagonal()[:2]
        given = np.ascontiguousarray(seen).reshape(-1, 1, 2)
        if self._fisheye:
            return np.asarray(cv2.fisheye.undistortPoints(given, self._lens, self._bend), np.float64).reshape(-1, 2)
        # OpenCV before 5 takes the criteria in a function of its own.
        undistort: Any = getattr(cv2, "undistortPointsIter", None) or cv2.undistortPoints
        criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, MAX_ITERATIONS, MIN_STEP)
        flat = undistort(given, self._lens, self._bend, R=None, P=None, criteria=criteria)
        return np.asarray(flat, np.float64).reshape(-1, 2)

    def _projected(self, points: Points) -> Points:
        """OpenCV's pixels (n, 2) of points (n, 3) in front of the lens."""
        if self._straight:
            return points[:, :2] / points[:, 2:] * self._lens.diagonal()[:2] + self._lens[:2, 2]
        still = np.zeros(3)
        project = cv2.fisheye.projectPoints if self._fisheye else cv2.projectPoints
        found, _ = project(points.reshape(-1, 1, 3), still, still, self._lens, self._bend)
        return np.asarray(found, np.float64).reshape(-1, 2)

    def _resized(self, width: int, height: int) -> Camera:
        moved = self._moved(width / self.width, height / self.height, 0.0, 0.0)
        return replace(self, width=width, height=height, **moved)

    def _moved(self, across: float, down: float, x: float, y: float) -> dict[str, Any]:
        """K and P after the image is cut off at (x, y), then scaled."""

        def moved(matrix: tuple[float, ...]) -> tuple[float, ...]:
            fx, skew, cx, _, fy, cy, *_ = matrix
            left, up = (cx - x + PIXEL_MIDDLE) * across - PIXEL_MIDDLE, (cy - y + PIXEL_MIDDLE) * down - PIXEL_MIDDLE
            return (fx * across, skew * across, left, 0.0, fy * down, up, 0.0, 0.0, 1.0)

        projection = moved(self.projection) if any(self.projection) else self.projection
        return {"matrix": moved(self.matrix), "projection": projection}
