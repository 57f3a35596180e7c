"""Directions of sound that a device tells by itself: respeaker_ros's PoseStamped, odas_ros's OdasSstArrayStamped."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.messages.stamps import MAX_FRAME_ID_CHARACTERS, StampError, stamp_of
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.transforms import Transform, TransformError

DEVICE_SD = math.radians(10.0)  # of a direction, as no device tells it
LEVEL = math.radians(
    1.0
)  # nearer to the plane of the microphones than this is told by a device that knows no elevation
POSE_TYPE = "geometry_msgs/msg/PoseStamped"
ODAS_TYPES = tuple(f"{package}/msg/OdasSstArrayStamped" for package in ("odas_ros_msgs", "odas_ros"))
MAX_SOURCES = 100  # of one message


class DeviceDirectionError(UserError):
    """What tells no direction: one sentence that says why."""


def directions_from_message(kind: str, message: Any, now: int) -> tuple[tuple[SoundDirection, ...], int, str]:
    """The directions of a message of that type, the surest first, when they were heard, ns, and its frame_id.

    now: counts where it has no stamp. Raises DeviceDirectionError.
    """
    frame_id = str(message.header.frame_id).lstrip("/")
    if len(frame_id) > MAX_FRAME_ID_CHARACTERS:
        told = f"its frame_id has {len(frame_id)} characters"
        raise DeviceDirectionError(f"{told}: give it at most {MAX_FRAME_ID_CHARACTERS}")
    try:
        return DIRECTION_TYPES[kind](message), stamp_of(message.header) or now, frame_id
    except (StampError, TransformError) as problem:
        raise DeviceDirectionError(str(problem)) from None


def _of_pose(message: Any) -> tuple[SoundDirection, ...]:
    """Of respeaker_ros: it lies at the array, or beside it, and is turned to where the sound comes from."""
    turned = message.pose.orientation
    x, y, z = Transform(rotation=(turned.x, turned.y, turned.z, turned.w)).turn(np.array([[1.0, 0.0, 0.0]]))[0].tolist()
    return (_direction(x, y, z, 1.0),)


def _of_odas(message: Any) -> tuple[SoundDirection, ...]:
    """Of odas_ros: tracked sources as vectors; those without an id are none."""
    if len(message.sources) > MAX_SOURCES:
        raise DeviceDirectionError(f"it has {len(message.sources)} sources: send at most {MAX_SOURCES}")
    there = [one for one in message.sources if one.id > 0 and (one.x, one.y, one.z) != (0.0, 0.0, 0.0)]
    if not all(map(math.isfinite, (number for one in there for number in (one.x, one.y, one.z, one.activity)))):
        raise DeviceDirectionError("its numbers are not all numbers: look at its configuration")
    there.sort(key=lambda one: -one.activity)
    return tuple(_direction(one.x, one.y, one.z, min(1.0, max(0.0, one.activity))) for one in there)


def _direction(x: float, y: float, z: float, probability: float) -> SoundDirection:
    length = math.hypot(x, y, z)
    if not 1e-9 < length < math.inf:
        raise DeviceDirectionError(f"({x:g}, {y:g}, {z:g}) is no direction: look at its configuration")
    level = abs(z) <= LEVEL * length
    known = Known.AZIMUTH if level else Known.SPHERE
    length, z = (math.hypot(x, y), 0.0) if level else (length, z)
    return SoundDirection((x / length, y / length, z / length), DEVICE_SD, math.nan, probability, known)


DIRECTION_TYPES: Mapping[str, Callable[[Any], tuple[SoundDirection, ...]]] = {
    POSE_TYPE: _of_pose,
    **dict.fromkeys(ODAS_TYPES, _of_odas),
}
