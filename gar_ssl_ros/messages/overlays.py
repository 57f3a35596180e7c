"""An answer over an image of the camera: drawn on it, and as Foxglove's annotations beside it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.media.pictures import jpeg
from gar_ssl_ros.media.window import Frame
from gar_ssl_ros.messages.answers import header_of_frame, image_message, time_message
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.output.drawing import (
    DARK,
    Colour,
    caption_from_localization,
    outcome_colour,
    overlaid,
    source_colours,
    source_line,
    status_line,
)

ANNOTATIONS_TYPE = "foxglove_msgs/msg/ImageAnnotations"
JPEG_QUALITY = 80  # of 100
PIXELS_PER_LINE, PIXELS_PER_LETTER = 300, 40  # of an image's width for one of thickness, and one of a letter's height
MIN_LETTER_PX = 9.0
MAX_CHARACTERS = 100  # of an annotation, which Foxglove shows whole


@dataclass(frozen=True)
class Overlay:
    """What is shown of an answer.

    age: s from its image to the one that it is shown on. strength: 0..1, less than 1 once it fades.
    """

    found: Localization
    age: float = 0.0
    strength: float = 1.0


def drawn(frame: Frame, overlay: Overlay | None) -> NDArray[np.uint8]:
    """The frame's image with that on it, RGB uint8 of the same size; itself where there is nothing to show."""
    if overlay is None:
        return frame.image
    return overlaid(frame.image, caption_from_localization(overlay.found), overlay.age, overlay.strength)


def annotated_message(frame: Frame, overlay: Overlay | None) -> Image:
    """The frame's image with that drawn on it."""
    return image_message(drawn(frame, overlay), header_of_frame(frame))


def compressed_message(image: NDArray[np.uint8], header: Header) -> CompressedImage:
    """RGB uint8 (height, width, 3) as jpeg, in the words of image_transport."""
    data = array("B", jpeg(image, JPEG_QUALITY))
    return CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=data)


def annotations_message(frame: Frame, overlay: Overlay | None) -> Any:
    """A foxglove_msgs/ImageAnnotations for that frame: boxes, labels and how the window ended; empty without overlay.

    Raises LookupError where foxglove_msgs is not installed.
    """
    message, stamp = message_type(ANNOTATIONS_TYPE)(), time_message(frame.stamp)
    if hasattr(message, "timestamp"):  # since foxglove_msgs 3.2.5
        message.timestamp = stamp
    if overlay is None:
        return message
    caption, alpha = caption_from_localization(overlay.found), overlay.strength
    letter = max(MIN_LETTER_PX, frame.width / PIXELS_PER_LETTER)

    def text(words: str, x: float, y: float, letters: Colour, ground: Colour) -> Any:
        where, colours = _made("Point2", x=float(x), y=float(y)), (_colour(letters, alpha), _colour(ground, alpha))
        return _made(
            "TextAnnotation",
            timestamp=stamp,
            position=where,
            text=shortened(words, MAX_CHARACTERS),
            font_size=letter,
            text_color=colours[0],
            background_color=colours[1],
        )

    for colour, source in zip(source_colours(len(caption.sources)), caption.sources, strict=True):
        box = _made("PointsAnnotation", timestamp=stamp, points=_corners(source.box))
        box.type, box.thickness = type(box).LINE_LOOP, max(1.0, frame.width / PIXELS_PER_LINE)
        box.outline_color = _colour(colour, alpha)
        message.points.append(box)
        message.texts.append(text(source_line(source), source.box.x1, max(source.box.y1, letter), DARK, colour))
    line = status_line(caption, overlay.age)
    message.texts.append(text(line, 0.0, float(frame.height), outcome_colour(caption.outcome), DARK))
    return message


def _corners(box: Box) -> list[Any]:
    x1, y1, x2, y2 = map(float, box.sides)
    return [_made("Point2", x=x, y=y) for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))]


def _colour(colour: Colour, alpha: float) -> Any:
    red, green, blue = (part / 255 for part in colour)
    return _made("Color", r=red, g=green, b=blue, a=alpha)


def _made(name: str, **fields: Any) -> Any:
    return message_type(f"foxglove_msgs/msg/{name}")(**fields)
