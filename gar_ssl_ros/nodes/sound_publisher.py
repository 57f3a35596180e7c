"""Sound onto a topic, in whichever family of audio messages is installed."""

from __future__ import annotations

from array import array
from time import monotonic
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.messages.ros import message_type

PORTAUDIO_INT16 = 8  # paInt16
GRAPH_POLL_S, TELL = 0.1, 1.0  # s: how often it is looked for new listeners, and how often those there are told again


class SoundPublisher:
    """Publishes sound of 16 bits on `audio`: AudioStamped, which describes itself, or AudioDataStamped with AudioInfo.

    Which of the two is installed decides; AudioInfo goes to `audio_info`.
    """

    def __init__(self, node: Any, frame_id: str, channels: int, rate: int) -> None:
        """channels, rate: of the sound, as far as known. Raises LookupError where no audio messages are installed."""
        self._frame_id = frame_id
        self._form = (channels, rate)
        self._info: Any = None
        self._told = (0, 0.0)  # how many listeners, and when
        try:
            self._type = message_type("audio_common_msgs/msg/AudioStamped")
        except LookupError:
            self._type = message_type("audio_common_msgs/msg/AudioDataStamped")
            self._info_type = message_type("audio_common_msgs/msg/AudioInfo")
            self._info = node.create_publisher(self._info_type, "audio_info", QoSProfile(depth=1))
            node.create_timer(GRAPH_POLL_S, self._poll_graph, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._publisher = node.create_publisher(self._type, "audio", QoSProfile(depth=100))

    @property
    def listeners(self) -> int:
        """How many listen, and have been told what to."""
        listening = int(self._publisher.get_subscription_count())
        return listening if self._info is None else min(listening, self._told[0])

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
            if (channels, audio.rate) != self._form:
                self._form = (channels, audio.rate)
                self._tell()
            message.audio.data = array("B", samples.tobytes())
        self._publisher.publish(message)

    def _poll_graph(self) -> None:
        listeners, when = self._told
        if self._info.get_subscription_count() > listeners or monotonic() - when >= TELL:
            self._tell()

    def _tell(self) -> None:
        channels, rate = self._form
        told = {"sample_format": "S16LE", "coding_format": "wave", "bitrate": 16 * channels * rate}
        listeners = self._info.get_subscription_count()
        self._info.publish(self._info_type(channels=channels, sample_rate=rate, **told))
        self._told = (listeners, monotonic())
