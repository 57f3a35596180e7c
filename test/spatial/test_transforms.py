"""Frames of a robot: composed, interpolated, and refused where they are not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import wrong_about_a_tree

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial import transforms
from gar_ssl_ros.spatial.transforms import Transform, TransformBuffer, TransformError

numbers = st.floats(-10, 10)
POINTS = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 0.0]])


@st.composite
def turned(draw) -> Transform:
    quaternion = tuple(draw(st.floats(-1, 1)) for _ in range(3))
    return Transform((draw(numbers), draw(numbers), draw(numbers)), (*quaternion, draw(st.floats(0.1, 1))))


def at(x: float) -> Transform:
    return Transform((x, 0.0, 0.0))


def test_a_thousand_random_trees_are_as_scipy_has_them():
    wrong = [said for seed in range(1000) if (said := wrong_about_a_tree(np.random.default_rng(seed)))]
    assert wrong == []


@given(turned(), turned())
def test_transforms_follow_one_another_and_go_back(one, other):
    assert np.allclose(one.after(other).apply(POINTS), one.apply(other.apply(POINTS)), atol=1e-9)
    assert np.allclose(one.inverse().apply(one.apply(POINTS)), POINTS, atol=1e-9)


@given(turned(), turned(), st.floats(0, 1))
def test_the_way_between_two_begins_and_ends_at_them_and_never_is_longer(one, other, share):
    def turn(a: Transform, b: Transform) -> float:
        return float(np.arccos(np.clip((np.trace(a.matrix.T @ b.matrix) - 1) / 2, -1, 1)))

    assert np.allclose(one.toward(other, 0).apply(POINTS), one.apply(POINTS), atol=1e-6)
    assert np.allclose(one.toward(other, 1).apply(POINTS), other.apply(POINTS), atol=1e-6)
    assert turn(one, one.toward(other, share)) == pytest.approx(share * turn(one, other), abs=1e-5)


@pytest.mark.parametrize("rotation", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.0, float("nan"), 1.0)])
def test_what_is_no_quaternion_is_refused(rotation):
    with pytest.raises(TransformError, match="is no translation and quaternion"):
        Transform(rotation=rotation)


def test_what_is_not_known_at_a_time_is_refused_with_the_reason():
    buffer = TransformBuffer(10 * SECOND)
    buffer.add("odom", "base", 5 * SECOND, at(1))
    buffer.add("odom", "base", 6 * SECOND, at(3))
    buffer.add("base", "camera", 0, at(10), static=True)
    assert buffer.lookup("odom", "camera", 5 * SECOND + SECOND // 2).translation == (12.0, 0.0, 0.0)
    with pytest.raises(TransformError, match=r"where base is in odom is known only up to 0.25 s before the image"):
        buffer.lookup("odom", "camera", 6 * SECOND + SECOND // 4)
    with pytest.raises(TransformError, match=r"known only from 1.00 s after the image"):
        buffer.lookup("odom", "camera", 4 * SECOND)
    with pytest.raises(TransformError, match="no transform names the frame 'map'"):
        buffer.lookup("map", "camera", 5 * SECOND)
    buffer.add("elsewhere", "thing", 0, at(1), static=True)
    with pytest.raises(TransformError, match="no transforms lead from camera to thing"):
        buffer.lookup("thing", "camera", 5 * SECOND)
    assert buffer.lookup("/base", "camera", 0).translation == (10.0, 0.0, 0.0)


def test_frames_in_a_circle_are_refused():
    buffer = TransformBuffer(SECOND)
    for parent, child in (("a", "b"), ("b", "c"), ("c", "a")):
        buffer.add(parent, child, 0, at(1), static=True)
    with pytest.raises(TransformError, match="go in a circle"):
        buffer.lookup("a", "c", 0)
    with pytest.raises(TransformError, match="are no two frames"):
        buffer.add("a", "a", 0, at(1))


def test_it_holds_no_more_than_it_says():
    buffer = TransformBuffer(SECOND)
    for stamp in range(0, 3 * SECOND, SECOND // 2000):
        buffer.add("odom", "base", stamp, at(stamp / SECOND))
    assert len(buffer._frames["base"].history) <= transforms.MAX_STAMPS
    assert buffer.lookup("odom", "base", 2 * SECOND + SECOND // 2).translation[0] == pytest.approx(2.5)
    with pytest.raises(TransformError):
        buffer.lookup("odom", "base", SECOND)
    for child in range(transforms.MAX_FRAMES - 1):
        buffer.add("odom", f"f{child}", 4 * SECOND, at(1), static=child == 0)
    with pytest.raises(TransformError, match="one more than the 1000 frames"):
        buffer.add("odom", "one more", 3 * SECOND, at(1))
    buffer.add("odom", "one more", 6 * SECOND, at(1))  # by then, nothing has come of the others for long
    assert len(buffer) == 2  # and the static one


def test_a_bag_that_begins_anew_is_followed():
    buffer = TransformBuffer(2 * SECOND)
    for stamp in (100, 101, 10, 11):
        buffer.add("odom", "base", stamp * SECOND, at(stamp))
    assert buffer.lookup("odom", "base", 10 * SECOND + SECOND // 2).translation == (10.5, 0.0, 0.0)
