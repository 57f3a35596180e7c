"""Directions that devices tell by themselves: whatever is in a message, it is a direction or one sentence."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from geometry_msgs.msg import PoseStamped
from hypothesis import given
from hypothesis import strategies as st
from odas_ros_msgs.msg import OdasSst, OdasSstArrayStamped

from gar_ssl_ros.messages.device_directions import (
    ODAS_TYPES,
    POSE_TYPE,
    DeviceDirectionError,
    directions_from_message,
)

anything = st.floats(width=64)
angles = st.floats(-math.pi, math.pi)


def pose(x: float, y: float, z: float, w: float) -> PoseStamped:
    message = PoseStamped()
    message.header.frame_id = "/respeaker_base"
    turned = message.pose.orientation
    turned.x, turned.y, turned.z, turned.w = x, y, z, w
    return message


def tracked(*sources: tuple[int, float, float, float, float]) -> OdasSstArrayStamped:
    fields = ("id", "x", "y", "z", "activity")
    return OdasSstArrayStamped(sources=[OdasSst(**dict(zip(fields, one, strict=True))) for one in sources])


@given(angles)
def test_a_pose_is_turned_to_where_the_sound_comes_from(azimuth):
    directions, stamp, frame_id = directions_from_message(
        POSE_TYPE, pose(0.0, 0.0, math.sin(azimuth / 2), math.cos(azimuth / 2)), 7
    )
    assert (stamp, frame_id, len(directions)) == (7, "respeaker_base", 1)
    assert math.cos(directions[0].azimuth - azimuth) == pytest.approx(1.0)
    assert not directions[0].elevation_known


def test_of_odas_the_surest_comes_first_and_what_has_no_id_is_none():
    message = tracked((3, 0.0, 1.0, 0.0, 0.4), (0, 0.0, 0.0, 0.0, 0.0), (9, 0.0, 0.6, 0.8, 1.7))
    (first, second), *_ = directions_from_message(ODAS_TYPES[0], message, 7)
    assert (first.vector, first.probability, first.elevation_known) == ((0.0, 0.6, 0.8), 1.0, True)
    assert (second.azimuth, second.probability, second.elevation_known) == (pytest.approx(math.pi / 2), 0.4, False)
    assert directions_from_message(ODAS_TYPES[0], tracked(), 7)[0] == ()


@given(st.tuples(anything, anything, anything, anything))
def test_any_numbers_are_directions_of_length_1_or_a_sentence(numbers):
    for kind, message in ((POSE_TYPE, pose(*numbers)), (ODAS_TYPES[0], tracked((1, *numbers)))):
        with suppress(DeviceDirectionError):
            directions, *_ = directions_from_message(kind, message, 7)
            assert all(math.hypot(*one.vector) == pytest.approx(1.0) for one in directions)
