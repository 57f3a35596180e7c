"""Sound onto a topic, in the audio messages of whoever listens."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.messages.audio.audio_type import AudioType
from gar_ssl_ros.messages.audio.families import PUBLISHED
from gar_ssl_ros.messages.audio.installed import audio_class
from gar_ssl_ros.messages.ros import message_type

GRAPH_POLL_S = 0.1  # from one look for new listeners to the next
INFO_PERIOD_S = 1.0  # after which those who are there are told again what they hear


class SoundPublisher:
    """Publishes sound of 16 bits, and on a topic beside it, `audio_info`, what describes it, where it does not itself.

    Thread-safe.
    """

    def __init__(
        self, node: Any, frame_id: str, channels: int, rate: int, family: str = "auto", topic: str = "audio"
    ) -> None:
        """channels, rate: of the sound, as far as known. family: of PUBLISHED, whose messages to publish; auto: the
        first installed ones that a subscriber of the topic understands, or else the first, decided anew only while
        nobody hears any. Raises LookupError where none are installed.
        """
        self._node = node
        self._name = topic
        self._topic = node.resolve_topic_name(topic)
        self._frame_id = frame_id
        self._form = (channels, rate)
        self._guard = Lock()
        self._choices = _installed(family)
        self._publisher: Any = None
        self._info: Any = None
        self._open(self._choices[0])
        self._timer = node.create_timer(GRAPH_POLL_S, self._poll_graph, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def listeners(self) -> int:
        """How many listen, and have been told what to."""
        with self._guard:
            listening = int(self._publisher.get_subscription_count())
            return listening if self._info is None else min(listening, self._told[0])

    def publish(self, audio: Audio) -> None:
        """Publish a chunk."""
        samples = np.round(audio.samples.T * 32767).astype("<i2")
        header = Header(stamp=time_message(audio.stamp), frame_id=self._frame_id)
        form = (samples.shape[1], audio.rate)
        with self._guard:
            message = self._publisher.msg_type(header=header)
            assert self._kind.write is not None  # as of all PUBLISHED
            self._kind.write(message, samples, audio.rate)
            if form != self._form:
                self._form = form
                self._tell()
            self._publisher.publish(message)

    def close(self) -> None:
        """Publish nothing more."""
        self._node.destroy_timer(self._timer)
        with self._guard:
            for one in filter(None, (self._publisher, self._info)):
                self._node.destroy_publisher(one)

    def _open(self, kind: AudioType) -> None:
        for old in filter(None, (self._publisher, self._info)):
            self._node.destroy_publisher(old)  # first: one participant may not have one topic with two types
        self._kind = kind
        self._told = (0, 0.0)  # how many listeners, and when
        self._info = None
        if kind.info is not None:
            self._info = self._node.create_publisher(
                message_type(kind.info.name), f"{self._name}_info", QoSProfile(depth=1)
            )
        self._publisher = self._node.create_publisher(audio_class(kind.name), self._name, QoSProfile(depth=100))

    def _poll_graph(self) -> None:
        with self._guard:
            if len(self._choices) > 1 and not self._publisher.get_subscription_count():
                self._choose()
            if self._info is not None:
                listeners, when = self._told
                if self._info.get_subscription_count() > listeners or monotonic() - when >= INFO_PERIOD_S:
                    self._tell()

    def _choose(self) -> None:
        """Publish what is understood, where nobody hears what is published now."""
        understood = {one.topic_type for one in self._node.get_subscriptions_info_by_topic(self._topic)}
        kind = next((one for one in self._choices if one.name in understood), self._kind)
        if kind is not self._kind:
            self._open(kind)
            self._node.get_logger().info(f"{self._topic} is {kind.name} now, which its subscriber understands")

    def _tell(self) -> None:
        if self._info is not None and self._kind.info is not None:
            listeners, message = self._info.get_subscription_count(), self._info.msg_type()
            self._kind.info.write(message, *self._form)
            self._info.publish(message)
            self._told = (listeners, monotonic())


def _installed(family: str) -> list[AudioType]:
    """Of that family, or of all. Raises LookupError where none is installed."""
    found, problems = [], []
    for kind in PUBLISHED.values() if family == "auto" else [PUBLISHED[family]]:
        try:
            audio_class(kind.name)
            found.append(kind)
        except LookupError as problem:
            problems.append(problem)
    if not found:
        raise problems[0]
    return found
