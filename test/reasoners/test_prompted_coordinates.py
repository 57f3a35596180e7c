"""Places as a model names them and as the image has them."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.reasoners.options import Coordinates
from gar_ssl_ros.reasoners.prompted.coordinates import View, view

CONVENTIONS = get_args(Coordinates)
images = st.tuples(st.integers(33, 4000), st.integers(33, 3000)) | st.sampled_from(
    [(33, 47), (4000, 3000), (1920, 1080)]
)
steps = st.integers(2, 160)
shares = st.floats(0, 1)


@given(st.sampled_from(CONVENTIONS), images, steps, steps, st.lists(shares, min_size=4, max_size=4))
def test_a_place_comes_back_to_the_pixel_it_started_from(known, image, across, down, at):
    seen = (across * 28, down * 28)
    here = view(known, image, seen)
    places = [share * end for share, end in zip(at, image * 2, strict=True)]
    named = here.to_model(places)
    span = here.span[::-1] if here.y_first else here.span
    assert all(0 <= place <= end + 1e-6 for place, end in zip(named, span * 2, strict=True))
    assert here.to_image(named) == pytest.approx(places, abs=1e-6)
    # Rounded, as a prompt names it, it is off by at most half of one of the model's own steps.
    rounded = here.to_image([round(place) for place in named])
    for got, meant, step in zip(rounded, places, here.scale * 2, strict=True):
        assert abs(got - meant) <= max(1.0, step) / 2 + 1e-6


@given(images)
def test_a_whole_picture_is_a_whole_picture_in_every_convention(image):
    for known in CONVENTIONS:
        here = view(known, image, (1316, 728))
        span = here.span[::-1] if here.y_first else here.span
        assert here.to_image((0, 0, *span)) == pytest.approx((0, 0, *image))


def test_each_model_is_read_in_its_own_convention():
    assert view("pixels", (1920, 1080), (1316, 728)).span == (1316, 728)
    assert view("thousandths", (1920, 1080), (1344, 768)).span == (1000, 1000)
    assert view("longest_1000", (1920, 1080), (1344, 768)).span == (1000, 562.5)
    assert view("thousandths_y_first", (1920, 1080), (1344, 768)).to_image((250, 500)) == (960, 270)
    # 1920x1080 is seen as 1316x728: the middle of what is seen is the middle of the image.
    assert view("pixels", (1920, 1080), (1316, 728)).to_image((658, 364)) == pytest.approx((960, 540))


@given(
    st.tuples(st.integers(1, 4000), st.integers(1, 3000)),
    st.tuples(steps, steps),
    st.lists(st.integers(-1_000_000, 1_000_000), min_size=4, max_size=4),
)
def test_any_four_numbers_are_a_box_of_the_image(image, span, numbers):
    x1, y1, x2, y2 = View(image, span).box_to_image(numbers)
    assert 0 <= x1 < x2 <= image[0]
    assert 0 <= y1 < y2 <= image[1]
    assert min(x2 - x1, y2 - y1) >= 1


def test_corners_in_any_order_are_one_box_and_a_point_is_its_pixel():
    here = View((200, 100), (100, 100))
    assert here.box_to_image((60, 80, 10, 20)) == here.box_to_image((10, 20, 60, 80)) == (20, 20, 120, 80)
    assert here.box_to_image((50, 40, 50, 40)) == (100, 40, 101, 41)
    assert here.box_to_image((100, 100, 100, 100)) == (199, 99, 200, 100)
    assert Box(*here.box_to_image((0, 0, 100, 100))) == Box(0, 0, 200, 100)
