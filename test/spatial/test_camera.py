"""Pixels to rays and back, held against OpenCV's own projection."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rendered import CAMERAS, PINHOLE, ball, random_center, ray_grid

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.direction import angles_of_body, angles_of_optical, direction_of_box, optical_of_angles

small = st.floats(-0.02, 0.02)


@st.composite
def cameras(draw) -> Camera:
    width, height = draw(st.integers(160, 1920)), draw(st.integers(120, 1080))
    focal = draw(st.floats(0.5, 1.5)) * width
    matrix = (focal, 0.0, width / 2 + draw(small) * width, 0.0, focal, height / 2 + draw(small) * height, 0.0, 0.0, 1.0)
    model = draw(st.sampled_from(["plumb_bob", "rational_polynomial", "equidistant"]))
    if model == "equidistant":
        return Camera(width, height, matrix, tuple(draw(small) for _ in range(4)), model)
    bent = (draw(st.floats(-0.35, 0.2)), draw(st.floats(-0.05, 0.15)), draw(small) / 10, draw(small) / 10, draw(small))
    if model == "rational_polynomial":
        bent += (draw(st.floats(-0.1, 0.3)), draw(small), draw(small))
    return Camera(width, height, matrix, bent, model)


def seen(camera: Camera, point: np.ndarray) -> np.ndarray:
    """By OpenCV, in a box's pixels."""
    project = cv2.fisheye.projectPoints if camera.model == "equidistant" else cv2.projectPoints
    still = np.zeros(3)
    found, _ = project(
        point.reshape(1, 1, 3), still, still, np.reshape(camera.matrix, (3, 3)), np.array(camera.distortion)
    )
    return found.reshape(2) + 0.5


def degrees_between(one: np.ndarray, other: np.ndarray) -> float:
    cross = np.linalg.norm(np.cross(one, other))
    return math.degrees(math.atan2(float(cross), float(one @ other)))


@given(cameras(), st.floats(-1, 1), st.floats(-1, 1), st.floats(0.3, 30))
def test_a_point_that_is_projected_is_found_again_as_a_ray(camera, x, y, away):
    half = 0.5 * camera.width / camera.matrix[0]
    point = np.array([x * half, y * half, 1.0]) * away
    # Where a lens's polynomial turns back, two points have one pixel, and no calibration means that.
    radii = np.linspace(0, 1.05, 50)[:, None] * point[None, :2] / away
    steps = np.array([seen(camera, np.array([*radius, 1.0])) for radius in radii]) - seen(camera, np.array([0, 0, 1.0]))
    assume((np.diff(np.linalg.norm(steps, axis=1)) > -1e-9).all())
    # Nor does one mean that it turns back within the image, whose edges then see nothing.
    across, down = np.array([0.0, 0.5, 0.5, 1.0]) * camera.width, np.array([0.5, 0.0, 1.0, 0.5]) * camera.height
    assume(np.isfinite(camera.rays(np.stack([across, down], axis=1))).all())
    pixel = seen(camera, point)
    assume(0 <= pixel[0] <= camera.width and 0 <= pixel[1] <= camera.height)
    ray = camera.rays(pixel[None])[0]
    assert degrees_between(ray, point) < 0.05
    assert np.abs(camera.pixels(point[None])[0] - pixel).max() < 0.01


@given(cameras(), st.floats(0, 1), st.floats(0, 1))
def test_a_ray_is_of_length_1_and_of_its_pixel_or_none(camera, across, down):
    pixel = np.array([[across * camera.width, down * camera.height]])
    ray = camera.rays(pixel)[0]
    if np.isfinite(ray).all():
        assert np.linalg.norm(ray) == pytest.approx(1)
        assert np.abs(seen(camera, ray) - pixel).max() < 0.6


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_angles_are_a_rays_and_signed_as_a_body_has_them(bearing, elevation):
    ray = optical_of_angles(bearing, elevation)
    assert angles_of_optical(ray) == pytest.approx((bearing, elevation))
    assert angles_of_body(np.array([ray[2], -ray[0], -ray[1]])) == pytest.approx((bearing, elevation))


def test_left_and_up_are_positive():
    told = direction_of_box(PINHOLE, Box(0, 0, 20, 10))
    assert told.bearing > 0.3
    assert told.elevation > 0.3
    middle = direction_of_box(PINHOLE, Box(308.5, 233.5, 328.5, 253.5))
    assert (middle.bearing, middle.elevation) == pytest.approx((0, 0), abs=1e-9)
    assert middle.bearing_sd == pytest.approx(20 / 525 / math.sqrt(12), rel=1e-3)


@pytest.mark.parametrize("model", CAMERAS)
def test_rays_to_rendered_balls_are_within_a_fifth_of_a_degree(model):
    camera, random = CAMERAS[model], np.random.default_rng(1)
    rays, scenes = ray_grid(camera), 0
    while scenes < 40:
        distance = random.uniform(2, 6)
        scene = ball(rays, random_center(random, rays, distance), random.uniform(0.05, 0.1), 50.0)
        if scene is None:
            continue
        scenes += 1
        told = direction_of_box(camera, scene.box)
        assert degrees_between(optical_of_angles(told.bearing, told.elevation), scene.center) < 0.2


@pytest.mark.parametrize("model", CAMERAS)
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_image_of_another_size_has_the_same_rays(model, factor):
    camera = CAMERAS[model]
    scaled = camera.scaled(round(camera.width * factor), round(camera.height * factor))
    pixels = np.array([[10.0, 20.0], [300.0, 200.0], [500.0, 400.0]])
    assert np.allclose(camera.rays(pixels), scaled.rays(pixels * factor), atol=1e-9)


def test_a_part_of_the_sensor_has_the_rays_of_its_place_and_binning_joins_them():
    camera = CAMERAS["plumb_bob"]
    part = camera.cropped(100, 60, 400, 300, 2, 2)
    assert (part.width, part.height) == (200, 150)
    assert np.allclose(part.rays(np.array([[50.0, 30.0]])), camera.rays(np.array([[200.0, 120.0]])), atol=1e-9)
    with pytest.raises(CameraError, match="reaches out of its 640x480 pixels"):
        camera.cropped(300, 0, 400, 300, 1, 1)


def test_another_aspect_is_refused():
    with pytest.raises(CameraError, match="640x480 pixels, and the images' 640x360"):
        PINHOLE.scaled(640, 360)


def test_a_rectified_image_is_seen_by_p_alone():
    projection = (400.0, 0.0, 320.0, 0.0, 400.0, 240.0, 0.0, 0.0, 1.0)
    turned = tuple(cv2.Rodrigues(np.array([0.0, 0.02, 0.01]))[0].ravel())
    raw = replace(CAMERAS["plumb_bob"], rectification=turned, projection=projection)
    rectified = replace(raw, rectified=True)
    pixels = np.array([[100.0, 90.0], [420.5, 300.5]])
    lens, bend = np.reshape(raw.matrix, (3, 3)), np.array(raw.distortion)
    moved = cv2.undistortPoints(
        pixels[:, None] - 0.5, lens, bend, R=np.reshape(turned, (3, 3)), P=np.reshape(projection, (3, 3))
    )
    assert np.allclose(raw.rays(pixels), rectified.rays(moved[:, 0] + 0.5), atol=1e-4)
    assert np.allclose(raw.pixels(raw.rays(pixels)), pixels, atol=0.01)
    assert np.allclose(rectified.rays(np.array([[320.5, 240.5]])), [[0, 0, 1]])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"matrix": (0.0,) * 9}, "its K is zero"),
        ({"matrix": (math.nan,) * 9}, "not all numbers"),
        ({"model": "kannala"}, "its distortion_model 'kannala' is not known"),
        ({"width": 0}, "its size is 0x480"),
        ({"distortion": (0.1, 0.2)}, "its D has 2 numbers"),
    ],
)
def test_what_is_no_camera_is_refused_by_a_sentence(changed, said):
    with pytest.raises(CameraError, match=said):
        replace(PINHOLE, **changed)


def test_what_is_behind_the_camera_or_far_beside_its_image_is_not_seen():
    for camera in CAMERAS.values():
        assert np.isnan(camera.pixels(np.array([[0.0, 0.0, -1.0], [1.0, 0.0, -0.1]]))).all()
    assert np.isnan(CAMERAS["plumb_bob"].pixels(np.array([[3.0, 0.0, 1.0]]))).all()
