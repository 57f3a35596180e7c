"""Levels of sound as messages."""

from __future__ import annotations

from std_msgs.msg import Header

from gar_ssl_ros.media.level import Level
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.msg import SoundLevel


def level_message(level: Level, frame_id: str) -> SoundLevel:
    """A level, of sound whose messages have that frame_id."""
    return SoundLevel(
        header=Header(stamp=time_message(level.stamp), frame_id=frame_id),
        rms=level.rms_dbfs,
        peak=level.peak_dbfs,
        clipped=level.clipped,
        duration=level.seconds,
    )
