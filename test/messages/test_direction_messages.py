"""Directions of sound as messages."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gar_ssl_ros.msg import SoundDirectionArray, SoundSourceArray
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Case, Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.stages import AudioLabel, Hypothesis, Location
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.messages.answers import sources_message
from gar_ssl_ros.messages.directions import directions_message, pose_message
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.sound_direction import Distance, Known, SoundDirection

LEFT = SoundDirection(body_of_angles(0.5, 0.2), 0.05, -20.0, 0.9, distance=Distance.NEAR, identity=4)


def sent(message):
    return deserialize_message(serialize_message(message), type(message))


def test_a_direction_is_told_in_the_array_s_frame_by_vector_and_angles():
    came = sent(directions_message([LEFT], Header(frame_id="array"), SECOND // 2, "uma8", sources={4: 7}))
    (one,) = came.directions
    assert isinstance(came, SoundDirectionArray)
    assert (came.header.frame_id, came.duration, came.array) == ("array", 0.5, "uma8")
    assert (one.vector.x, one.vector.y, one.vector.z) == pytest.approx(LEFT.vector)
    assert (one.azimuth, one.elevation, one.sd) == pytest.approx((0.5, 0.2, 0.05))
    assert (one.id, one.source_id, one.distance, one.front_back_known) == (4, 7, one.NEAR, True)


@pytest.mark.parametrize(("known", "front_back"), [(Known.AZIMUTH, True), (Known.LATERAL, False)])
def test_what_an_array_cannot_tell_is_said(known, front_back):
    heard = SoundDirection(body_of_angles(-1.0, 0.0), 0.05, -20.0, 0.9, known)
    (one,) = directions_message([heard], Header(), SECOND, "pair").directions
    assert math.isnan(one.elevation)
    assert (one.elevation_known, one.front_back_known) == (False, front_back)


def test_respeaker_s_pose_is_turned_to_the_sound():
    turned = pose_message(LEFT, Header()).pose.orientation
    assert 2 * math.atan2(turned.z, turned.w) == pytest.approx(0.5)


def test_an_answer_says_which_direction_is_which_source_s_and_what_no_source_explains():
    box = Box(0, 0, 20, 20)
    location = Location(box.sides, "a dog", None)
    source = Source(box, "dog", 0.9, 0.8, "a dog", box, False, None)
    case = Case(location, Hypothesis(box, "a dog", AudioLabel("dog", 0.9)))
    dog = AnsweredDirection(3, 0, "ahead", 0.2, None, 0.05, 0.9, 0.7, 1.0)
    echo = AnsweredDirection(5, 0, "ahead", 0.3, None, 0.05, 0.9, 0.1, 1.0)
    behind = AnsweredDirection(8, None, "behind you", 3.0, -0.1, 0.05, 0.9, 0.2, 0.0)
    window = Window(0, SECOND, (Frame(SECOND // 2, np.zeros((48, 64, 3), np.uint8)),), None)
    found = Localization(
        Outcome.LOCALIZED, Stage.FINAL, "r", None, sources=(source,), cases=(case,), directions=(dog, echo, behind)
    )
    came = sent(sources_message(found, window, (1,), "image", 0))
    assert isinstance(came, SoundSourceArray)
    (told,), (other,) = came.sources, came.unmatched
    assert (told.direction_id, told.heard_bearing) == (3, pytest.approx(0.2))
    assert math.isnan(told.heard_elevation)
    assert (other.id, other.description, other.source_id) == (8, "behind you", 0)
    assert (other.azimuth, other.elevation) == pytest.approx((3.0, -0.1))
    assert other.vector.z == pytest.approx(math.cos(3.0) * math.cos(0.1))  # optical: z is ahead
