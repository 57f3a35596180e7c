"""Distances of rendered things, with a stereo camera's noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rendered import CAMERAS, PINHOLE, ball, board, measured, random_center, ray_grid

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.depth import DepthImage, PointCloud, distance_along
from gar_ssl_ros.spatial.transforms import Transform
from gar_ssl_ros.spatial.view import View

RAYS = ray_grid(PINHOLE)
BESIDE = Transform((0.055, 0.002, 0.003), (0.01, 0.02, 0.005, 1.0))  # of a depth camera, in the colour camera's frame
AHEAD = np.array([0.0, 0.0, 1.0])


def view_of(depth: np.ndarray, camera: Camera = PINHOLE, **more) -> View:
    return View(camera, DepthImage(0, depth, 1.0, "camera"), **more)


@pytest.mark.parametrize("make", [ball, board])
@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 3.5, 6.0])
@pytest.mark.parametrize("millimetres", [False, True])
def test_a_thing_before_a_wall_is_where_it_is_within_two_percent(make, distance, millimetres):
    random = np.random.default_rng(round(10 * distance))
    told = []
    while len(told) < 8:
        scene = make(
            RAYS, random_center(random, RAYS, distance), random.uniform(0.05, 0.15), distance + random.uniform(0.5, 3)
        )
        if scene is None:
            continue
        depth = measured(random, scene.depth)
        view = view_of(depth)
        if millimetres:
            values = np.nan_to_num(1000 * depth).round().astype(np.uint16)
            view = View(PINHOLE, DepthImage(0, values, 1e-3, "camera"))
        place = view.place(scene.box)
        assert place.distance == pytest.approx(scene.surface, rel=0.02)
        assert np.linalg.norm(place.position) == pytest.approx(place.distance)
        assert 0 < place.distance_sd < 0.05 * distance
        told.append(place)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_registered_depth_image_may_have_another_scale(scale):
    small = PINHOLE.scaled(round(640 * scale), round(480 * scale))
    scene = ball(ray_grid(small), np.array([0.2, -0.1, 2.0]), 0.1, 4.0)
    full = ball(RAYS, np.array([0.2, -0.1, 2.0]), 0.1, 4.0)
    assert view_of(scene.depth).place(full.box).distance == pytest.approx(full.surface, rel=0.01)


@pytest.mark.parametrize("lens", CAMERAS)
def test_a_depth_camera_beside_the_other_one_tells_the_same(lens):
    """Of a lens with distortion, by the depth camera's own model and the transform between the two."""
    camera, random = CAMERAS[lens], np.random.default_rng(3)
    rays, told = ray_grid(camera), 0
    while told < 4:
        center = random_center(random, rays, 2.0)
        scene = ball(rays, center, 0.12, 50.0)
        beside = ball(RAYS, BESIDE.inverse().apply(center[None])[0], 0.12, 4.0)
        if scene is None or beside is None:
            continue
        told += 1
        view = view_of(measured(random, beside.depth), camera, depth_camera=PINHOLE, to_camera=BESIDE)
        assert view.place(scene.box).distance == pytest.approx(scene.surface, rel=0.02)
        points = DepthImage(0, beside.depth, 1.0, "depth").points(PINHOLE).astype(np.float32)
        cloud = View(camera, PointCloud(0, points, "depth"), to_camera=BESIDE)
        assert cloud.place(scene.box).distance == pytest.approx(scene.surface, rel=0.02)


def test_where_nothing_is_measured_nothing_is_told_but_the_direction():
    place = view_of(np.full((480, 640), np.nan)).place(Box(100, 100, 200, 200))
    assert np.isfinite(place.direction.bearing)
    assert np.isnan([place.distance, place.distance_sd, *place.position]).all()
    assert np.isnan(View().place(Box(0, 0, 9, 9)).direction.bearing)
    assert np.isnan(View(PINHOLE, PointCloud(0, np.empty((0, 3), np.float32), "x")).place(Box(0, 0, 9, 9)).distance)


def test_a_wall_behind_does_not_win_and_neither_do_a_few_points_in_front():
    wall, thing, flying = np.full(600, 5.0), np.full(300, 2.0), np.linspace(0.3, 1.5, 60)
    points = np.concatenate([wall, thing, flying])[:, None] * AHEAD
    assert distance_along(AHEAD, points) == (pytest.approx(2.0), pytest.approx(0.0))


def test_four_points_are_no_surface():
    assert np.isnan(distance_along(AHEAD, np.full((4, 1), 2.0) * AHEAD)).all()
    assert np.isnan(distance_along(AHEAD, np.geomspace(0.1, 100, 40)[:, None] * AHEAD)).all()


def test_a_position_is_told_in_the_target_frame_too():
    # A camera 1 m above base_link that looks ahead: optical z is the base's x, optical x its -y.
    to_target = Transform((0.2, 0.0, 1.0), (-0.5, 0.5, -0.5, 0.5))
    scene = board(RAYS, np.array([-0.5, -0.2, 2.0]), 0.1, 4.0)
    place = replace(view_of(scene.depth), to_target=to_target, target_frame="base_link").place(scene.box)
    assert place.target_position == pytest.approx((2.2, 0.5, 1.2), abs=0.02)
    assert place.target_bearing == pytest.approx(place.direction.bearing)
    assert place.target_elevation == pytest.approx(place.direction.elevation)


@pytest.mark.parametrize("scale", [1.0, 0.5, None])
def test_under_its_mask_the_median_depth_is_a_things_distance_though_another_one_is_nearer(scale):
    """A ring around a nearer pole: of the box's middle, the pole. scale: of the depth image; None for a cloud."""
    pixels = np.zeros((480, 640), np.bool_)
    pixels[140:260, 200:320] = True
    pixels[180:220, 240:280] = False
    depths = np.where(pixels, 2.0, 5.0)
    depths[170:230, 230:290] = 1.0
    pixels[170:230, 230:290] = False
    size = 1.0 if scale is None else scale
    view = view_of(depths[:: round(1 / size), :: round(1 / size)])
    if scale is None:
        points = view.depth.points(PINHOLE).astype(np.float32)
        view = View(PINHOLE, PointCloud(0, points, "camera"))
    box = Box(200, 140, 320, 260)
    assert view.place(box).distance < 1.2
    place = view.place(box, Mask(pixels))
    assert place.distance == pytest.approx(2.0, rel=0.05)
    assert np.linalg.norm(place.position) == pytest.approx(place.distance)
