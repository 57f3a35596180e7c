"""Answers as goals to drive to: geometry_msgs/PoseStamped."""

from __future__ import annotations

import math

from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Header

from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.spatial.approach import HeardSource, StandingPose


def heard_sources(answer: SoundSourceArray) -> list[HeardSource]:
    """What an answer claims to sound, with positions in its target frame; nothing where it is not LOCALIZED."""
    if answer.outcome != SoundSourceArray.LOCALIZED:
        return []
    return [
        HeardSource(one.id, one.av_consistency, (one.target_position.x, one.target_position.y, one.target_position.z))
        for one in answer.sources
    ]


def goal_message(answer: SoundSourceArray, pose: StandingPose) -> PoseStamped:
    """A pose in the answer's target frame, at its image's stamp."""
    message = PoseStamped(header=Header(stamp=answer.header.stamp, frame_id=answer.target_frame))
    message.pose.position.x, message.pose.position.y = pose.x, pose.y
    message.pose.orientation.z, message.pose.orientation.w = math.sin(pose.yaw / 2), math.cos(pose.yaw / 2)
    return message
