"""All that is known of one image's camera and surroundings, and so where its boxes are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.spatial.camera import Camera, Points
from gar_ssl_ros.spatial.depth import DepthImage, PointCloud, distance_along, middle_along, middle_of_box
from gar_ssl_ros.spatial.direction import UNKNOWN_DIRECTION, Direction, angles_of_body, center_ray, direction_of_box
from gar_ssl_ros.spatial.transforms import IDENTITY, Transform, Vector, as_vector

UNKNOWN: Vector = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Place:
    """Where a source is; NaN where that is not known.

    direction: as seen from the camera. distance, distance_sd: m, from the camera to its surface. position: m, in the
    camera's optical frame. target_bearing, target_elevation: of the ray from the camera, about the target frame's axes
    (x forward, y left, z up), rad. target_position: m, in the target frame.
    """

    direction: Direction = UNKNOWN_DIRECTION
    distance: float = math.nan
    distance_sd: float = math.nan
    position: Vector = UNKNOWN
    target_bearing: float = math.nan
    target_elevation: float = math.nan
    target_position: Vector = UNKNOWN


@dataclass(frozen=True, eq=False)
class View:
    """Of one image.

    camera: of the image's size; None where it is not known. depth: of about the same time; None where there is none.
    depth_camera: of a depth image that is not registered; None where its pixels are the image's, at any scale.
    to_camera: from the depth's frame to the camera's. to_target: from the camera's to the target frame's; None where it
    is not known, or not asked for. problem: what is missing, one sentence; empty where nothing is.
    """

    camera: Camera | None = None
    depth: DepthImage | PointCloud | None = None
    depth_camera: Camera | None = None
    to_camera: Transform = IDENTITY
    to_target: Transform | None = None
    target_frame: str = ""
    problem: str = ""

    def place(self, box: Box, mask: Mask | None = None) -> Place:
        """Of the source in a box of the image. mask: its pixels, where they are known: their depth is its distance."""
        if self.camera is None:
            return Place()
        with np.errstate(all="ignore"):  # what is no number comes out as NaN
            return self._place(self.camera, box, mask)

    def distances(self, rows: int, columns: int) -> Points | None:
        """Along the rays through the middles of so many cells of the image, m: (rows, columns).

        NaN where nothing is measured; None where there is no camera, or no depth.
        """
        if self.camera is None or self.depth is None:
            return None
        cells = self.camera.width / columns, self.camera.height / rows
        found = np.full(rows * columns, np.nan)
        if isinstance(self.depth, DepthImage) and self.depth_camera is None:
            across, down = np.meshgrid((np.arange(columns) + 0.5) * cells[0], (np.arange(rows) + 0.5) * cells[1])
            rays = self.camera.rays(np.stack([across.ravel(), down.ravel()], axis=1))
            return self.depth.sampled(rows, columns) / rays[:, 2].reshape(rows, columns)
        points, pixels = self._projected
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels < (self.camera.width, self.camera.height))).all(axis=1) & (
                points[:, 2] > 0
            )
        at = (pixels[inside] // cells).astype(int)
        # The furthest first, so that the nearest of a cell stays.
        away = np.linalg.norm(points[inside], axis=1)
        order = np.argsort(-away)
        found[at[order, 1] * columns + at[order, 0]] = away[order]
        return found.reshape(rows, columns)

    def _place(self, camera: Camera, box: Box, mask: Mask | None) -> Place:
        ray = center_ray(camera, box)
        if mask is None or mask.box is None:
            distance, sd = distance_along(ray, self._points(camera, middle_of_box(box)))
        else:
            distance, sd = middle_along(ray, self._masked(camera, mask, mask.box))
        position = distance * ray
        direction = direction_of_box(camera, box)
        if self.to_target is None:
            return Place(direction, distance, sd, as_vector(position))
        bearing, elevation = angles_of_body(self.to_target.turn(ray[None])[0])
        target = as_vector(self.to_target.apply(position[None])[0])
        return Place(direction, distance, sd, as_vector(position), bearing, elevation, target)

    def _points(self, camera: Camera, box: Box) -> Points:
        """What is measured in a box of the image: (n, 3), m, in the camera's frame."""
        if isinstance(self.depth, DepthImage) and self.depth_camera is None:
            across, down = self.depth.width / camera.width, self.depth.height / camera.height
            scaled = Box(box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down)
            return self.depth.points(camera.scaled(self.depth.width, self.depth.height), scaled)
        points, pixels = self._projected
        inside = (pixels >= (box.x1, box.y1)).all(axis=1) & (pixels < (box.x2, box.y2)).all(axis=1)
        return points[inside]

    def _masked(self, camera: Camera, mask: Mask, box: Box) -> Points:
        """The same under a mask of the image, whose box that is."""
        points = self._points(camera, box)
        if not len(points):
            return points
        column, row = (camera.pixels(points) // 1).astype(int).T
        inside = (row >= 0) & (row < mask.height) & (column >= 0) & (column < mask.width)
        points, row, column = points[inside], row[inside], column[inside]
        return np.asarray(points[mask.pixels[row, column]])

    @cached_property
    def _projected(self) -> tuple[Points, Points]:
        """Every point that is measured, (n, 3), in the camera's frame, and the image's pixels, (n, 2)."""
        points: Points = np.empty((0, 3))
        if isinstance(self.depth, PointCloud):
            points = self.depth.points.astype(np.float64)
        elif self.depth is not None and self.depth_camera is not None:
            points = self.depth.points(self.depth_camera)
        if self.camera is None or not len(points):
            return points, points[:, :2]
        points = self.to_camera.apply(points)
        return points, self.camera.pixels(points)


NO_VIEW = View()  # of a camera of which nothing is known
