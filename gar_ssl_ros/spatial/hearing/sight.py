"""Where in a picture the directions lie that an array heard: the camera beside the array, with parallax."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import HeardDirection
from gar_ssl_ros.spatial.camera import Camera, Points
from gar_ssl_ros.spatial.direction import angles_of_optical
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.spatial.hearing.steering import sphere
from gar_ssl_ros.spatial.panorama import Panorama
from gar_ssl_ros.spatial.transforms import Transform

ROWS, COLUMNS = 54, 96  # of the cells of a picture: under 1 degree each of a usual camera, 4 of a panorama
DISTANCES_M = np.geomspace(0.5, 8.0, 9)  # that a source is taken to be at, each as likely, where no depth is known
USUAL_DISTANCE_M = 2.0  # for what is told of a direction as a whole
NEAR_PICTURE = math.radians(2.0)  # what is that near to a cell of the picture is in it
MOUNTING_SD = math.radians(1.0)  # of how the array and the camera are held to each other
USUAL_ELEVATION = math.radians(20.0)  # standard deviation of a source's, where nothing tells
SPHERE_RAYS = 8000  # 2.3 degrees apart
BEHIND, HALF_BEHIND, AHEAD, HIGH = (math.radians(degrees) for degrees in (160.0, 130.0, 5.0, 30.0))


@dataclass(frozen=True, eq=False)
class Sight:
    """A camera that looks at what an array hears.

    to_array: takes points of the camera's optical frame to the array's frame. distances: (ROWS, COLUMNS), m along the
    ray through the middle of each cell of the picture; NaN where that is not known, None where none is.
    """

    camera: Camera | Panorama
    to_array: Transform
    distances: NDArray[np.float64] | None = None

    def heard(self, directions: Sequence[SoundDirection], gate: float) -> tuple[HeardDirection, ...]:
        """Directions in the array's frame beside the picture, in their order. gate: as of HearingOptions, rad."""
        powers = np.array([10 ** (one.power / 10) if math.isfinite(one.power) else 1.0 for one in directions])
        shares = powers / max(float(powers.sum()), 1e-30)
        return tuple(self._heard(one, float(share), gate) for one, share in zip(directions, shares, strict=True))

    def _heard(self, direction: SoundDirection, share: float, gate: float) -> HeardDirection:
        sd = math.hypot(direction.sd, MOUNTING_SD)
        apart = direction.apart(self._cells)
        fits = _normal(apart, sd, gate).reshape(-1, ROWS, COLUMNS).mean(axis=0)
        inside = bool(np.nanmin(apart, initial=math.inf) <= NEAR_PICTURE)
        if inside:  # where each distance has its own best place, none of them fits all
            fits /= fits.max()
        rays, seen, usual = self._sphere
        anywhere = usual * _normal(direction.apart(rays), sd, math.inf)
        in_view = float(anywhere[seen].sum() / max(float(anywhere.sum()), 1e-30))
        point = USUAL_DISTANCE_M * np.array([direction.vector])
        bearing, elevation = angles_of_optical(self.to_array.inverse().apply(point)[0])
        return HeardDirection(
            direction.identity,
            _words(direction, bearing, elevation, fits if inside else None),
            direction.probability,
            share,
            in_view,
            fits.astype(np.float32),
            bearing,
            elevation if direction.elevation_known else None,
            direction.sd,
            direction.front_back_known,
        )

    @cached_property
    def _cells(self) -> Points:
        """Rays from the array to the picture's cells, for each distance that these may have: (distances * cells, 3)."""
        across, down = (np.arange(COLUMNS) + 0.5) / COLUMNS, (np.arange(ROWS) + 0.5) / ROWS
        x, y = np.meshgrid(across * self.camera.width, down * self.camera.height)
        rays = self.camera.rays(np.stack([x.ravel(), y.ravel()], axis=1))
        distances = np.repeat(DISTANCES_M[:, None], len(rays), axis=1)
        if self.distances is not None:
            distances = np.where(np.isfinite(self.distances.ravel()), self.distances.ravel(), distances)
        if not any(self.to_array.translation):
            distances = distances[:1]
        points = self.to_array.apply((distances[..., None] * rays).reshape(-1, 3))
        return np.asarray(points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9))

    @cached_property
    def _sphere(self) -> tuple[Points, NDArray[np.bool_], Points]:
        """Rays from the array to all sides, evenly, which of them are in the picture, and how usual each is."""
        rays = sphere(SPHERE_RAYS)
        pixels = self.camera.pixels(self.to_array.inverse().apply(USUAL_DISTANCE_M * rays))
        with np.errstate(invalid="ignore"):
            seen = np.asarray(((pixels >= 0) & (pixels <= (self.camera.width, self.camera.height))).all(axis=1))
        return rays, seen, np.exp(-0.5 * (np.arcsin(rays[:, 2]) / USUAL_ELEVATION) ** 2)


def _normal(apart: Points, sd: float, gate: float) -> Points:
    """How well angles, rad, agree with one of that standard deviation: 1..0; 0 beyond the gate, and of no number."""
    with np.errstate(invalid="ignore"):
        return np.where(apart <= gate + 2 * sd, np.exp(-0.5 * (apart / sd) ** 2), 0.0)


def _words(direction: SoundDirection, bearing: float, elevation: float, fits: Points | None) -> str:
    """Where it is as seen from the camera, rad. fits: over the picture; None where it is out of that."""
    side, turned = "left" if bearing > 0 else "right", 5 * round(math.degrees(abs(bearing)) / 5)
    where = "ahead" if abs(bearing) <= AHEAD else f"{turned} degrees to the {side}"
    if not direction.front_back_known:
        where += ", in front or behind"
    elif abs(bearing) >= HALF_BEHIND:
        where = "behind you" if abs(bearing) >= BEHIND else f"behind you, to the {side}"
    if direction.elevation_known and abs(elevation) >= HIGH:
        where += f", {5 * round(math.degrees(abs(elevation)) / 5)} degrees {'up' if elevation > 0 else 'down'}"
    if fits is None:
        return where if where.startswith("behind") else f"{where}, out of view"
    across = float(fits.sum(axis=0) @ (np.arange(COLUMNS) + 0.5)) / float(fits.sum()) / COLUMNS
    return f"{where}, in the {('left', 'middle', 'right')[min(2, int(3 * across))]} of the picture"
