"""Who speaks as ROS4HRI has it (REP-155): hri_msgs, tf, and ros-drivers' AudioData.

Raises LookupError where the message's package is not installed.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from std_msgs.msg import Header

from gar_ssl_ros.messages.audio.installed import audio_class
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.msg import SoundSource
from gar_ssl_ros.spatial.direction import optical_of_angles

UNKNOWN_DISTANCE_M = 1.0  # of a frame whose voice is no one knows how far: only its direction counts


def ids_message(header: Header, ids: Iterable[str]) -> Any:
    """The hri_msgs/IdsList of those that are tracked."""
    return message_type("hri_msgs/msg/IdsList")(header=header, ids=list(ids))


def match_message(voice: str, kind: str, human: str, likelihood: float) -> Any:
    """A hri_msgs/IdsMatch of a voice with a human's `face` or `body`. likelihood: 0..1; 0 where they are no longer."""
    made = message_type("hri_msgs/msg/IdsMatch")
    return made(id1=voice, id1_type=made.VOICE, id2=human, id2_type=getattr(made, kind.upper()), confidence=likelihood)


def sound_message(samples: NDArray[np.float32]) -> Any:
    """An AudioData of mono sound, (n,), -1..1: S16LE, which nothing in it says."""
    data = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    return audio_class("audio_common_msgs/msg/AudioData")(data=array("B", data))


def transform_message(header: Header, voice: str, source: SoundSource) -> TransformStamped | None:
    """The frame `voice_ID` in the camera's, of a header; None where its direction is not known. It is not turned."""
    place = source.position
    x, y, z = place.x, place.y, place.z
    if not all(map(math.isfinite, (x, y, z))):
        if not header.frame_id or not math.isfinite(source.bearing):
            return None
        x, y, z = map(float, UNKNOWN_DISTANCE_M * optical_of_angles(source.bearing, source.elevation))
    message = TransformStamped(header=header, child_frame_id=f"voice_{voice}")
    message.transform.translation.x, message.transform.translation.y, message.transform.translation.z = x, y, z
    message.transform.rotation.w = 1.0
    return message
