"""Sound onto a topic, in whichever family of audio messages is installed."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.nodes.messages import time_message
from gar_ssl_ros.nodes.ros import message_type

PORTAUDIO_INT16 = 8  # paInt16
INFO_EVERY = SECOND  # ns: for who comes late, as AudioInfo has no other way to them


class SoundPublisher:
    """Publishes sound of 16 bits on `audio`: AudioStamped, which describes itself, or AudioDataStamped with AudioInfo.

    Which of the two is there decides; AudioInfo goes to `audio_info`.
    """

    def __init__(self, node: Any, frame_id: str) -> None:
        """Raises LookupError where no package of audio messages is installed."""
        self._frame_id = frame_id
        self._info: Any = None
        self._told = -INFO_EVERY
        try:
            self._type = message_type("audio_common_msgs/msg/AudioStamped")
        except LookupError:
            self._type = message_type("audio_common_msgs/msg/AudioDataStamped")
            self._info_type = message_type("audio_common_msgs/msg/AudioInfo")
            self._info = node.create_publisher(self._info_type, "audio_info", QoSProfile(depth=1))
        self._publisher = node.create_publisher(self._type, "audio", QoSProfile(depth=100))

    @property
    def listeners(self) -> int:
        """How many listen."""
        return int(self._publisher.get_subscription_count())

    def publish(self, audio: Audio) -> None:
        """Publish a chunk."""
        samples = np.round(audio.samples.T * 32767).astype("<i2")
        channels = samples.shape[1]
        message = self._type(header=Header(stamp=time_message(audio.stamp), frame_id=self._frame_id))
        if self._info is None:
            message.audio.audio_data.int16_data = array("h", samples.tobytes())
            info = message.audio.info
            info.format, info.channels, info.rate, info.chunk = PORTAUDIO_INT16, channels, audio.rate, len(samples)
        else:
            if not 0 <= audio.stamp - self._told < INFO_EVERY:
                self._told = audio.stamp
                told = {"sample_format": "S16LE", "coding_format": "wave", "bitrate": 16 * channels * audio.rate}
                self._info.publish(self._info_type(channels=channels, sample_rate=audio.rate, **told))
            message.audio.data = array("B", samples.tobytes())
        self._publisher.publish(message)
