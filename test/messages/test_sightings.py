"""Detections of the robot's own, out of messages: whatever they hold, and as its detectors send them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hri_msgs.msg import IdsList, NormalizedRegionOfInterest2D
from hypothesis import given
from hypothesis import strategies as st
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, Frame
from gar_ssl_ros.messages.answers import bounding_box_from_box
from gar_ssl_ros.messages.sightings import (
    MAX_DETECTIONS,
    MAX_HUMANS,
    NAME,
    SightingError,
    detections_from_array,
    detections_from_region,
    ids_from_list,
)

FRAME = Frame(0, np.zeros((48, 64, 3), np.uint8), "camera")
ANY = st.floats(allow_nan=True, allow_infinity=True)
NOW = 7 * SECOND


def detection(box: Box, *hypotheses: tuple[str, float], name: str = "") -> Detection2D:
    message = Detection2D(bbox=bounding_box_from_box(box), id=name)
    for kind, score in hypotheses:
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = kind, score
        message.results.append(result)
    return message


def read(*detections: Detection2D, frame: Frame | None = FRAME):
    return detections_from_array(Detection2DArray(detections=list(detections)), "/yolo", frame, NOW)


@given(
    st.tuples(st.integers(0, 31), st.integers(0, 23), st.integers(33, 64), st.integers(25, 48)),
    st.floats(0, 1),
    st.text("abc 1_", max_size=20),
)
def test_a_detection_comes_as_it_was_meant(sides, score, identity):
    seen, problem = read(detection(Box(*sides), ("a cat", score / 2), (" Dog", score), name=identity))
    (one,) = seen.sightings
    assert problem == ""
    assert (seen.stamp, seen.detector) == (NOW, "/yolo")
    assert one.sides == pytest.approx(sides)
    assert (one.label, one.id) == ("dog" if score else "a cat", identity)
    assert one.score == score


@given(ANY, ANY, ANY, ANY, ANY, ANY)
def test_whatever_numbers_come_a_sighting_lies_in_the_image_or_is_left_out_and_said(x, y, width, height, turn, score):
    message = detection(Box(0, 0, 1, 1), ("dog", score))
    message.bbox.center.position.x, message.bbox.center.position.y, message.bbox.center.theta = x, y, turn
    message.bbox.size_x, message.bbox.size_y = width, height
    seen, problem = read(message, detection(Box(1, 1, 9, 9), ("cat", 0.5), name="7"))
    *broken, good = seen.sightings
    assert good.id == "7"
    assert bool(broken) == (problem == "")
    for one in broken:
        x1, y1, x2, y2 = one.sides
        assert 0 <= x1 < x2 <= 64
        assert 0 <= y1 < y2 <= 48
        assert 0 <= one.score <= 1


def test_a_turned_box_is_the_upright_one_around_it():
    message = detection(Box(22, 19, 42, 29), ("dog", 1.0))
    message.bbox.center.theta = math.pi / 2
    assert read(message)[0].sightings[0].sides == pytest.approx((27, 14, 37, 34))


def test_a_box_that_reaches_out_of_the_image_is_cut_off_and_one_outside_is_left_out():
    seen, problem = read(detection(Box(-10, -10, 20, 20)), detection(Box(70, 0, 90, 20)))
    assert [one.sides for one in seen.sightings] == [(0, 0, 20, 20)]
    assert problem == "1 of its 2 detections cannot be used: [70, 0, 90, 20] is no box of an image of 64x48 pixels"


@pytest.mark.parametrize("text", ["x" * 101, "a\nb", "\x1b[2J", "\ud800"])
def test_names_and_ids_are_short_and_printable(text):
    seen, problem = read(detection(Box(0, 0, 9, 9), name=text), detection(Box(0, 0, 9, 9), (text, 1.0)))
    assert seen.sightings == ()
    assert problem.startswith("2 of its 2 detections cannot be used: its id ")
    assert problem.isprintable()


def test_of_too_many_the_surest_count():
    seen, problem = read(*(detection(Box(0, 0, 9, 9), ("dog", at / 999)) for at in range(1000)))
    assert len(seen.sightings) == MAX_DETECTIONS
    assert min(one.score for one in seen.sightings) > 0.89
    assert problem.startswith("900 of its 1000 detections cannot be used: they are more than the 100")


def test_without_an_image_of_another_camera_or_another_time_it_is_refused():
    message = Detection2DArray()
    with pytest.raises(SightingError, match="no image has come yet"):
        detections_from_array(message, "/yolo", None, NOW)
    message.header.frame_id = "arm_camera"
    with pytest.raises(SightingError, match="its frame_id is 'arm_camera', the images' 'camera'"):
        detections_from_array(message, "/yolo", FRAME, NOW)
    message.header.frame_id, message.header.stamp.sec = "camera", -1
    with pytest.raises(SightingError, match="is no time"):
        detections_from_array(message, "/yolo", FRAME, NOW)


@given(st.tuples(*[st.floats(width=32)] * 5))
def test_whatever_a_region_holds_it_lies_in_the_image_or_is_refused(numbers):
    xmin, ymin, xmax, ymax, c = numbers
    message = NormalizedRegionOfInterest2D(check_fields=False, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax, c=c)
    try:
        (one,) = detections_from_region(message, "/f", "face", "abcde", FRAME, NOW).sightings
    except SightingError:
        return
    x1, y1, x2, y2 = one.sides
    assert 0 <= x1 < x2 <= 64
    assert 0 <= y1 < y2 <= 48
    assert 0 < one.score <= 1
    assert (one.label, one.id) == ("face", "abcde")


def test_a_region_is_a_share_of_the_image():
    message = NormalizedRegionOfInterest2D(xmin=0.25, ymin=0.5, xmax=0.5, ymax=1.0, c=0.75)
    (one,) = detections_from_region(message, "/f", "face", "abcde", FRAME, NOW).sightings
    assert (one.sides, one.score) == ((16, 24, 32, 48), 0.75)


@given(st.lists(st.text(max_size=70) | st.from_regex(NAME, fullmatch=True), max_size=40))
def test_of_ids_only_those_are_followed_that_a_topic_can_have(ids):
    usable, problem = ids_from_list(IdsList(check_fields=False, ids=ids))
    assert len(usable) <= MAX_HUMANS
    assert all(one in ids and one.isascii() and "/" not in one and "__" not in one for one in usable)
    assert bool(problem) == (set(usable) != set(ids))
    assert problem.isprintable()
