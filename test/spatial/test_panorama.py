"""The band of a panorama that the model of spatial questions looks at."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.spatial.camera import CameraError
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.panorama import Panorama, band_of, pixel_of

SIZES = ((204, 56), (408, 112), (812, 224))


def optical(azimuth: float, elevation: float) -> np.ndarray:
    x, y, z = body_of_angles(math.radians(azimuth), math.radians(elevation))
    return np.array([[-y, -z, x]])


@given(st.floats(-179, 179), st.floats(-45, 45), st.integers(100, 700).map(lambda one: 2 * one), st.sampled_from(SIZES))
def test_what_is_seen_in_a_direction_of_a_panorama_is_where_questions_have_it_in_the_band(
    azimuth, elevation, height, size
):
    camera = Panorama(2 * height, height)
    (seen,) = camera.pixels(optical(azimuth, elevation))
    image = np.zeros((height, 2 * height, 3), np.uint8)
    radius = height // 60
    cv2.circle(image, (round(seen[0] - 0.5), round(seen[1] - 0.5)), radius, (255, 255, 255), -1)
    band = cv2.resize(band_of(image), size, interpolation=cv2.INTER_AREA)[..., 0].astype(float)
    rows, columns = np.indices(band.shape)
    found = (columns * band).sum() / band.sum() + 0.5, (rows * band).sum() / band.sum() + 0.5
    asked = QuestionOptions(width=size[0], height=size[1]).pixels(azimuth, elevation)
    if 2 * radius < seen[0] < camera.width - 2 * radius:  # whole in the picture
        # A pixel of either picture, where a drawn disc is set on whole ones.
        assert math.dist(found, asked) <= 1 + size[0] / camera.width


@given(st.floats(-179, 179), st.floats(-89, 89), st.integers(2, 2000))
def test_a_direction_s_pixel_is_that_of_the_panorama_s_own_camera(azimuth, elevation, height):
    (seen,) = Panorama(2 * height, height).pixels(optical(azimuth, elevation))
    assert pixel_of(azimuth, elevation, 2 * height, height) == pytest.approx(tuple(seen), abs=1e-6 * height)


@pytest.mark.parametrize("size", SIZES)
def test_a_band_stays_as_it_is(size):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    assert band_of(image) is image


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1920, 1080), (2560, 720), (1344, 376), (100, 100)])
def test_what_is_no_panorama_is_one_sentence(width, height):
    with pytest.raises(CameraError, match=f"{width}x{height} is no panorama: it is 360 degrees across"):
        band_of(np.zeros((height, width, 3), np.uint8))
