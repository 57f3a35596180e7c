"""What a detector gives is within its picture."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.perception.detection import clipped

SIDE = st.floats(-1e4, 1e4, width=32)
ANY = st.floats(width=32)  # also none, and without end


@given(st.tuples(ANY, ANY, ANY, ANY), st.integers(1, 300), st.integers(1, 300))
def test_what_is_left_lies_within_the_picture_and_is_a_pixel_or_more(sides, width, height):
    box = clipped(np.array(sides, np.float32), np.zeros((height, width, 3), np.uint8))
    if box is not None:
        assert 0 <= box.x1 < box.x2 <= width
        assert 0 <= box.y1 < box.y2 <= height
        assert min(box.width, box.height) >= 1  # as floats tell it: 1e-45 to 1 is 1


@given(st.tuples(SIDE, SIDE, SIDE, SIDE), st.integers(1, 300), st.integers(1, 300))
def test_only_what_lies_outside_is_taken_away(sides, width, height):
    x1, y1, x2, y2 = (float(side) for side in np.array(sides, np.float32))
    across, down = min(x2, width) - max(x1, 0), min(y2, height) - max(y1, 0)
    box = clipped(np.array(sides, np.float32), np.zeros((height, width, 3), np.uint8))
    assert (box is not None) == (across >= 1 and down >= 1)
    if box is not None:
        assert (box.width, box.height) == (across, down)


@given(st.integers(0, 3), st.tuples(SIDE, SIDE, SIDE, SIDE))
def test_what_is_no_number_is_no_box(which, sides):
    with_nan = [math.nan if i == which else side for i, side in enumerate(sides)]
    assert clipped(np.array(with_nan, np.float32), np.zeros((50, 50, 3), np.uint8)) is None
