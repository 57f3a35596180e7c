"""Sound onto a topic, in whichever family of audio messages is installed."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.messages.audio.audio_type import InfoType
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES
from gar_ssl_ros.messages.ros import message_type

GRAPH_POLL_S = 0.1  # from one look for new listeners to the next
INFO_PERIOD_S = 1.0  # after which those who are there are told again what they hear


class SoundPublisher:
    """Publishes sound of 16 bits on `audio`, in the first of AUDIO_TYPES that is installed and can be written.

    What describes it, where it does not do so itself, goes to `audio_info`.
    """

    def __init__(self, node: Any, frame_id: str, channels: int, rate: int) -> None:
        """channels, rate: of the sound, as far as known. Raises LookupError where no audio messages are installed."""
        self._frame_id = frame_id
        self._form = (channels, rate)
        self._info: Any = None
        self._told = (0, 0.0)  # how many listeners, and when
        self._type, self._write, info = _installed()
        if info is not None:
            self._info_type, self._write_info = message_type(info.name), info.write
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
        message = self._type(header=Header(stamp=time_message(audio.stamp), frame_id=self._frame_id))
        self._write(message, samples, audio.rate)
        form = (samples.shape[1], audio.rate)
        if self._info is not None and form != self._form:
            self._form = form
            self._tell()
        self._publisher.publish(message)

    def _poll_graph(self) -> None:
        listeners, when = self._told
        if self._info.get_subscription_count() > listeners or monotonic() - when >= INFO_PERIOD_S:
            self._tell()

    def _tell(self) -> None:
        listeners, message = self._info.get_subscription_count(), self._info_type()
        self._write_info(message, *self._form)
        self._info.publish(message)
        self._told = (listeners, monotonic())


def _installed() -> tuple[Any, Callable[[Any, NDArray[np.int16], int], None], InfoType | None]:
    """The class of the messages to publish, what writes sound into one, and what describes it.

    Raises LookupError where none is installed.
    """
    for kind in AUDIO_TYPES.values():
        if kind.write is not None:
            try:
                return message_type(kind.name), kind.write, kind.info
            except LookupError as problem:
                missing = problem
    raise missing
