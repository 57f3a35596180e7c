"""Where a box is as seen from the camera: a ray, as the bearing and elevation that a robot turns by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.spatial.camera import Camera, Points
from gar_ssl_ros.spatial.transforms import Vector

SD_OF_UNIFORM = 1 / math.sqrt(12)  # standard deviation of what is anywhere in an interval of length 1


@dataclass(frozen=True)
class Direction:
    """Angles, rad, about the camera's optical frame, signed as a robot's body frame has them (REP-103).

    bearing: from straight ahead, positive to the left, counter-clockwise about up. elevation: positive up. The standard
    deviations are those of a source that is anywhere in the box.
    """

    bearing: float
    elevation: float
    bearing_sd: float
    elevation_sd: float


UNKNOWN_DIRECTION = Direction(math.nan, math.nan, math.nan, math.nan)


def angles_of_optical(ray: Points) -> tuple[float, float]:
    """Bearing and elevation, rad, of a vector (3,) in an optical frame: x right, y down, z forward."""
    return angles_of_body(np.array([ray[2], -ray[0], -ray[1]]))


def angles_of_body(ray: Points) -> tuple[float, float]:
    """Bearing and elevation, rad, of a vector (3,) in a body frame: x forward, y left, z up."""
    x, y, z = map(float, ray)
    return math.atan2(y, x), math.atan2(z, math.hypot(x, y))


def body_of_angles(bearing: float, elevation: float) -> Vector:
    """The way back: a unit vector in the body frame."""
    level = math.cos(elevation)
    return math.cos(bearing) * level, math.sin(bearing) * level, math.sin(elevation)


def optical_of_angles(bearing: float, elevation: float) -> Points:
    """The same, (3,), in the optical frame."""
    x, y, z = body_of_angles(bearing, elevation)
    return np.array([-y, -z, x])


def center_ray(camera: Camera, box: Box) -> Points:
    """The unit vector (3,) to the middle of a box in the camera's image; NaN where the lens's model has none."""
    ray: Points = camera.rays(np.array([box.center]))[0]
    return ray


def direction_of_box(camera: Camera, box: Box) -> Direction:
    """To the middle of a box in the camera's image; NaN where the lens's model has no ray of it."""
    x, y = box.center
    middle, left, right, top, bottom = (
        angles_of_optical(ray)
        for ray in camera.rays(np.array([(x, y), (box.x1, y), (box.x2, y), (x, box.y1), (x, box.y2)]))
    )
    across = math.remainder(left[0] - right[0], math.tau)
    return Direction(*middle, abs(across) * SD_OF_UNIFORM, abs(top[1] - bottom[1]) * SD_OF_UNIFORM)
