"""Directions of sound as messages: SoundDirectionArray, and what respeaker_ros publishes instead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from geometry_msgs.msg import PoseStamped, TransformStamped, Vector3
from std_msgs.msg import Header

from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.msg import SoundDirection as DirectionMessage
from gar_ssl_ros.msg import SoundDirectionArray
from gar_ssl_ros.spatial.direction import optical_of_angles
from gar_ssl_ros.spatial.hearing.sound_direction import Distance, SoundDirection
from gar_ssl_ros.spatial.transforms import Vector

DISTANCES = {distance: getattr(DirectionMessage, distance.name) for distance in Distance}


def directions_message(
    directions: Sequence[SoundDirection],
    header: Header,
    duration: int,
    array: str,
    detail: str = "",
    sources: Mapping[int, int] | None = None,
) -> SoundDirectionArray:
    """What an array hears.

    header: of the array's frame. duration: ns. sources: ids of sources by those of directions.
    """
    return SoundDirectionArray(
        header=header,
        duration=duration / SECOND,
        array=array,
        detail=detail,
        directions=[_heard(one, (sources or {}).get(one.identity, 0)) for one in directions],
    )


def unmatched_messages(directions: Sequence[AnsweredDirection]) -> list[DirectionMessage]:
    """Those of an answer that none of its sources explains, in the camera's optical frame."""
    return [_answered(one) for one in directions if one.source is None]


def pose_message(direction: SoundDirection, header: Header) -> PoseStamped:
    """As respeaker_ros has it on `sound_localization`: at the array, turned to where the sound comes from."""
    message = PoseStamped(header=header)
    message.pose.orientation.z = math.sin(direction.azimuth / 2)
    message.pose.orientation.w = math.cos(direction.azimuth / 2)
    return message


def direction_frame(direction: SoundDirection, header: Header) -> TransformStamped:
    """The frame `direction_ID` in the array's, 1 m away; its x axis points on from the array."""
    message = TransformStamped(header=header, child_frame_id=f"direction_{direction.identity}")
    message.transform.translation = _vector(direction.vector)
    yaw, pitch = direction.azimuth / 2, -direction.elevation / 2
    turned = message.transform.rotation
    turned.x, turned.y = -math.sin(yaw) * math.sin(pitch), math.cos(yaw) * math.sin(pitch)
    turned.z, turned.w = math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch)
    return message


def _heard(one: SoundDirection, source: int) -> DirectionMessage:
    return DirectionMessage(
        id=one.identity,
        vector=_vector(one.vector),
        azimuth=one.azimuth,
        elevation=one.elevation if one.elevation_known else math.nan,
        sd=one.sd,
        elevation_known=one.elevation_known,
        front_back_known=one.front_back_known,
        distance=DISTANCES[one.distance],
        power=one.power,
        probability=one.probability,
        source_id=source,
    )


def _answered(one: AnsweredDirection) -> DirectionMessage:
    x, y, z = optical_of_angles(one.bearing, one.elevation or 0.0).tolist()
    return DirectionMessage(
        id=one.id,
        vector=_vector((x, y, z)),
        azimuth=one.bearing,
        elevation=math.nan if one.elevation is None else one.elevation,
        sd=one.sd,
        elevation_known=one.elevation is not None,
        front_back_known=one.front_back_known,
        power=math.nan,
        probability=one.probability,
        description=one.words,
    )


def _vector(vector: Vector) -> Vector3:
    x, y, z = vector
    return Vector3(x=x, y=y, z=z)
