"""What an array heard beside a camera's picture: turned together, parallax, and words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered import PINHOLE

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.mounting import OPTICAL_IN_BODY, camera_in_array
from gar_ssl_ros.spatial.hearing.sight import COLUMNS, ROWS, Sight
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.panorama import Panorama
from gar_ssl_ros.spatial.transforms import Transform

GATE = 0.25
SD = math.radians(3)
turns = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda four: math.hypot(*four) > 0.1)


def direction(vector, known=Known.SPHERE, axis=(0.0, 0.0, 1.0)) -> SoundDirection:
    return SoundDirection(tuple(map(float, vector)), SD, -30.0, 0.9, known, axis)


def fit(sight: Sight, heard, pixel) -> float:
    x, y = pixel
    return float(heard.fits[int(y / sight.camera.height * ROWS), int(x / sight.camera.width * COLUMNS)])


def words(azimuth: float, known=Known.SPHERE, elevation=0.0) -> str:
    axis = (0.0, 1.0, 0.0) if known is Known.LATERAL else (0.0, 0.0, 1.0)
    one = direction(body_of_angles(math.radians(azimuth), math.radians(elevation)), known, axis)
    return Sight(PINHOLE, OPTICAL_IN_BODY).heard([one], GATE)[0].words


@settings(max_examples=30)
@given(st.floats(0, 0.999), st.floats(0, 0.999), turns, st.sampled_from([PINHOLE, Panorama(640, 320)]))
def test_a_pixels_own_ray_fits_and_what_is_far_from_it_does_not(x, y, turn, camera):
    sight = Sight(camera, Transform(rotation=turn))
    pixel = (x * camera.width, y * camera.height)
    own = sight.to_array.turn(camera.rays(np.array([pixel])))[0]
    (heard,) = sight.heard([direction(own)], GATE)
    assert fit(sight, heard, pixel) > 0.5  # the middle of a cell is up to 3 degrees away
    far = int((x + 0.5) % 1 * COLUMNS)
    near_pole = isinstance(camera, Panorama) and abs(y - 0.5) > 0.3
    assert near_pole or heard.fits[int(y * ROWS), far] < 0.05


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(-1, 1), turns, st.sampled_from(Known))
def test_turning_array_and_sound_together_turns_nothing(bearing, elevation, turn, known):
    one = direction(body_of_angles(bearing, elevation), known, (0.0, 1.0, 0.0))
    sight, turned = Sight(PINHOLE, camera_in_array("0.1 0 -0.2 0 0.1 0.2")), Transform(rotation=turn)
    again = Sight(PINHOLE, turned.after(sight.to_array))
    fits, other = sight.heard([one], GATE)[0].fits, again.heard([one.turned(turned)], GATE)[0].fits
    np.testing.assert_allclose(fits, other, atol=1e-4)


@settings(max_examples=30)
@given(st.floats(100, 540), st.floats(100, 380), st.floats(0.5, 8))
def test_parallax_is_taken_out_where_the_depth_is_known_and_allowed_for_where_not(x, y, away):
    sight = Sight(PINHOLE, camera_in_array("0 0.2 0.1 0 0 0"), np.full((ROWS, COLUMNS), away))
    x, y = x / 640 * PINHOLE.width, y / 480 * PINHOLE.height
    source = sight.to_array.apply(away * PINHOLE.rays(np.array([[x, y]])))[0]
    one = direction(source / np.linalg.norm(source))
    assert fit(sight, sight.heard([one], GATE)[0], (x, y)) > 0.8
    unknown = Sight(PINHOLE, sight.to_array)
    assert fit(unknown, unknown.heard([one], GATE)[0], (x, y)) > 0.05


def test_an_azimuth_alone_fits_a_column_and_a_lateral_angle_what_is_behind_too():
    ahead = direction((1.0, 0.0, 0.0), Known.AZIMUTH)
    (heard,) = Sight(PINHOLE, OPTICAL_IN_BODY).heard([ahead], GATE)
    assert heard.fits[:, COLUMNS // 2].min() > 0.9
    pair = direction((1.0, 0.0, 0.0), Known.LATERAL, (0.0, 1.0, 0.0))
    behind = Sight(PINHOLE, camera_in_array(f"0 0 0 0 0 {math.pi}")).heard([pair], GATE)[0]
    assert behind.fits.max() > 0.9
    assert behind.in_view < 0.6


def test_what_is_out_of_view_fits_nowhere_and_says_so():
    aside = direction(body_of_angles(math.radians(-90), 0.0))
    (heard,) = Sight(PINHOLE, OPTICAL_IN_BODY).heard([aside], GATE)
    assert heard.in_view < 1e-9
    assert not heard.fits.any()


def test_directions_are_told_in_words():
    assert words(0) == "ahead, in the middle of the picture"
    assert words(20) == "20 degrees to the left, in the left of the picture"
    assert words(-90) == "90 degrees to the right, out of view"
    assert words(180) == "behind you"
    assert words(-140) == "behind you, to the right"
    assert words(60, elevation=40) == "60 degrees to the left, 40 degrees up, out of view"
    assert words(80, Known.LATERAL) == "80 degrees to the left, in front or behind, out of view"


def test_the_louder_of_two_has_the_greater_share():
    one, other = direction((1.0, 0.0, 0.0)), SoundDirection((0.0, 1.0, 0.0), SD, -40.0, 0.5, identity=7)
    heard = Sight(PINHOLE, OPTICAL_IN_BODY).heard([one, other], GATE)
    assert heard[0].share == pytest.approx(10 / 11)
    assert [one.id for one in heard] == [0, 7]
    unknown = replace(one, power=math.nan)
    assert [said.share for said in Sight(PINHOLE, OPTICAL_IN_BODY).heard([unknown, unknown], GATE)] == [0.5, 0.5]


@given(turns, st.integers(10, 500))
def test_a_panorama_sees_every_ray(turn, height):
    ray = Transform(rotation=turn).turn(np.array([[0.0, 0.0, 1.0]]))
    camera = Panorama(2 * height, height)
    np.testing.assert_allclose(camera.rays(camera.pixels(ray)), ray, atol=1e-9)


def test_a_camera_that_looks_to_the_left_sees_what_is_there():
    turned = camera_in_array(f"1 2 3 0 0 {math.pi / 2}")
    np.testing.assert_allclose(turned.apply(np.array([[0.0, 0.0, 1.0]])), [[1, 3, 3]], atol=1e-9)


@pytest.mark.parametrize("text", ["", "1 2 3", "1 2 3 4 5 six", "1 2 3 4 5 inf"])
def test_what_is_no_mounting_is_told(text):
    with pytest.raises(OptionError, match="six numbers"):
        camera_in_array(text)
