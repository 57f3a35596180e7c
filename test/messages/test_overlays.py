"""What people look at, as messages."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.media.window import SECOND, Frame
from gar_ssl_ros.messages.answers import header_of_frame
from gar_ssl_ros.messages.images import frame_from_message
from gar_ssl_ros.messages.overlays import Overlay, annotated_message, annotations_message, compressed_message
from gar_ssl_ros.output.drawing import COLOURS, DARK

LEFT, RIGHT = Box(10, 20, 50, 40), Box(70.5, 30, 120, 80)
PICTURE = np.repeat(np.arange(128, dtype=np.uint8)[None, :, None], 96, axis=0).repeat(3, axis=2)
FRAME = Frame(12 * SECOND + 5, PICTURE, "camera")
FOUND = Localization(
    Outcome.LOCALIZED,
    Stage.FINAL,
    "r",
    None,
    sources=(
        Source(LEFT, "dog_bark", 0.9, 0.8, "a dog", LEFT, False, None),
        Source(RIGHT, "speech", 0.7, 0.8, "a face", RIGHT, False, None, "face-1"),
    ),
)


def test_the_overlay_is_the_cameras_image_with_its_size_header_and_pixels():
    message = annotated_message(FRAME, Overlay(FOUND))
    assert (message.header, message.width, message.height) == (header_of_frame(FRAME), 128, 96)
    drawn = frame_from_message(message, 0).image
    assert (drawn[20, 12:48] == COLOURS[0]).all()
    assert (drawn[50:70, :60] == PICTURE[50:70, :60]).all()
    assert (PICTURE[20, 12:48] != COLOURS[0]).any()  # which is not drawn into
    assert (frame_from_message(annotated_message(FRAME, None), 0).image == PICTURE).all()


def test_compressed_it_is_the_same_picture_as_image_transport_names_it():
    message = compressed_message(PICTURE, header_of_frame(FRAME))
    assert (message.header, message.format) == (header_of_frame(FRAME), "rgb8; jpeg compressed bgr8")
    again = frame_from_message(message, 0)
    assert (again.stamp, again.frame_id) == (FRAME.stamp, "camera")
    assert np.abs(again.image.astype(int) - PICTURE).mean() < 2
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 255
    assert frame_from_message(compressed_message(red, header_of_frame(FRAME)), 0).image[8, 8].tolist()[0] > 200


def test_annotations_are_boxes_of_four_corners_and_words_in_pixels_of_the_image():
    message = annotations_message(FRAME, Overlay(FOUND, 1.6, 0.5))
    message = deserialize_message(serialize_message(message), type(message))
    assert (message.timestamp.sec, message.timestamp.nanosec) == (12, 5)
    first, second = message.points
    assert (first.type, first.timestamp) == (type(first).LINE_LOOP, message.timestamp)
    assert [(point.x, point.y) for point in second.points] == [(70.5, 30), (120, 30), (120, 80), (70.5, 80)]
    colour = second.outline_color
    assert (colour.r, colour.g, colour.b, colour.a) == (*(part / 255 for part in COLOURS[1]), 0.5)
    assert first.thickness >= 1
    assert [text.text for text in message.texts] == ["dog bark 0.90", "speech 0.70  [face-1]", "localized, 1.6 s ago"]
    label, _, line = message.texts
    assert (label.position.x, label.position.y, line.position.y) == (10, 20, 96)
    assert (label.text_color.r, label.background_color.a) == (DARK[0] / 255, 0.5)


def test_where_nothing_is_shown_annotations_are_empty_and_of_the_image_all_the_same():
    message = annotations_message(FRAME, None)
    assert (message.timestamp.sec, list(message.points), list(message.texts)) == (12, [], [])


def test_without_foxglove_msgs_there_are_none(monkeypatch):
    monkeypatch.setattr("gar_ssl_ros.messages.overlays.ANNOTATIONS_TYPE", "no_msgs/msg/ImageAnnotations")
    with pytest.raises(LookupError, match="install the package no_msgs"):
        annotations_message(FRAME, None)
