"""What the robot's own detectors say, out of their messages: vision_msgs' detections, ROS4HRI's faces and bodies.

Boxes are about the camera's image, and of its size in pixels. No rclpy here, and no clock.
"""

from __future__ import annotations

import math
import re
from typing import Any

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.gar.boxes import box_from_reply
from gar_ssl_ros.gar.consensus import unit
from gar_ssl_ros.media.window import Detections, Frame, Sighting
from gar_ssl_ros.messages.stamps import StampError, stamp_of

MAX_DETECTIONS = 100  # things that one message may say are seen; of more, the surest count
MAX_HUMANS = 20  # faces, or bodies, that may be tracked at a time
MAX_CHARACTERS = 100  # characters of a name or id
NAME = re.compile(r"(?!.*__)[A-Za-z_][A-Za-z0-9_]{0,63}")  # a part of a topic's name


class SightingError(UserError):
    """What is no sighting: one sentence that says why."""


def detections_from_array(message: Any, detector: str, frame: Frame | None, now: int) -> tuple[Detections, str]:
    """A vision_msgs/Detection2DArray, as of `now`, ns, where it has no stamp, and what is wrong with parts of it.

    frame: the newest image. What cannot be used of it is left out, and said. Raises SightingError where all of it
    cannot be.
    """
    stamp, frame = _placed(message.header, frame, now)
    sightings, problems = [], []
    for one in message.detections:
        try:
            sightings.append(_sighting(one, frame))
        except SightingError as problem:
            problems.append(str(problem))
    if len(sightings) > MAX_DETECTIONS:
        problems.append(f"they are more than the {MAX_DETECTIONS} that count, the surest")
        sightings = sorted(sightings, key=lambda seen: -seen.score)[:MAX_DETECTIONS]
    count = len(message.detections)
    told = f"{count - len(sightings)} of its {count} detections cannot be used: {problems[0]}" if problems else ""
    return Detections(stamp, detector, tuple(sightings)), told


def detections_from_region(
    message: Any, detector: str, label: str, identity: str, frame: Frame | None, now: int
) -> Detections:
    """A hri_msgs/NormalizedRegionOfInterest2D, of a face or body with that id. Raises SightingError."""
    stamp, frame = _placed(message.header, frame, now)
    width, height = frame.width, frame.height
    sides = _inside((message.xmin * width, message.ymin * height, message.xmax * width, message.ymax * height), frame)
    # Who is tracked is there: a tracker that leaves the confidence at 0 does not doubt it.
    return Detections(stamp, detector, (Sighting(label, unit(message.c) or 1.0, sides, identity),))


def ids_from_list(message: Any) -> tuple[tuple[str, ...], str]:
    """The ids of a hri_msgs/IdsList that can be in a topic's name, MAX_HUMANS at most, and what is wrong with it."""
    given = tuple(dict.fromkeys(message.ids))
    usable = tuple(one for one in given if NAME.fullmatch(one))
    if len(usable) > MAX_HUMANS:
        return usable[:MAX_HUMANS], f"it has {len(usable)} ids: at most {MAX_HUMANS} are followed at a time"
    wrong = next((shortened(repr(one)) for one in given if one not in usable), "")
    return usable, f"its id {wrong} cannot be part of a topic's name" if wrong else ""


def _sighting(detection: Any, frame: Frame) -> Sighting:
    best = max((one.hypothesis for one in detection.results), key=lambda one: unit(one.score), default=None)
    label = "" if best is None else _text(best.class_id, "class_id").strip().lower()
    return Sighting(
        label,
        0.0 if best is None else unit(best.score),
        _inside(_sides(detection.bbox), frame),
        _text(detection.id, "id"),
    )


def _sides(box: Any) -> tuple[float, ...]:
    """Of a vision_msgs/BoundingBox2D: of the upright box around it, where it is turned."""
    center = getattr(box.center, "position", box.center)  # vision_msgs before 4 has no `position`
    if not (box.size_x > 0 and box.size_y > 0 and math.isfinite(box.center.theta)):
        raise SightingError(f"a box has positive sizes, not {box.size_x:g}x{box.size_y:g}, turned {box.center.theta:g}")
    sine, cosine = abs(math.sin(box.center.theta)), abs(math.cos(box.center.theta))
    half_width = (box.size_x * cosine + box.size_y * sine) / 2
    half_height = (box.size_x * sine + box.size_y * cosine) / 2
    return center.x - half_width, center.y - half_height, center.x + half_width, center.y + half_height


def _inside(sides: tuple[float, ...], frame: Frame) -> tuple[float, float, float, float]:
    box = box_from_reply(sides, frame.width, frame.height)
    if box is None:
        told = ", ".join(f"{side:g}" for side in sides)
        raise SightingError(f"[{told}] is no box of an image of {frame.width}x{frame.height} pixels")
    return box.sides


def _placed(header: Any, frame: Frame | None, now: int) -> tuple[int, Frame]:
    """When it was seen, ns, and the image that it is about."""
    if frame is None:
        raise SightingError("no image has come yet that it could be about")
    try:
        stamp = stamp_of(header)
    except StampError as problem:
        raise SightingError(str(problem)) from None
    if header.frame_id and frame.frame_id and header.frame_id != frame.frame_id:
        theirs, ours = shortened(repr(header.frame_id)), shortened(repr(frame.frame_id))
        raise SightingError(f"its frame_id is {theirs}, the images' {ours}: take the detector of the same camera")
    return stamp or now, frame


def _text(text: str, what: str) -> str:
    if len(text) > MAX_CHARACTERS or not text.isprintable():
        raise SightingError(f"its {what} {shortened(repr(text))} is not at most {MAX_CHARACTERS} printable characters")
    return text
