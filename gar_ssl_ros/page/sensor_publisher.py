"""Pictures and sound of a page, onto the graph, as a camera and a microphone publish theirs."""

from __future__ import annotations

from array import array
from collections import deque
from contextlib import suppress
from threading import Condition, Thread
from typing import Any

from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.nodes.parameters import CAMERA_FRAME_ID
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher
from gar_ssl_ros.page.feed import Picture

SOUND_FRAME_ID = "microphone"
RATE_HZ = 48_000  # until the page has sent some
MOST_SOUND_NS = SECOND  # that may wait
STOP_S = 2.0


class SensorPublisher:
    """Publishes on a thread of its own, so that whoever hands it something never waits. Thread-safe.

    Of pictures the newest waits, of sound the newest MOST_SOUND_NS; what had to go is counted.
    """

    def __init__(self, node: Any) -> None:
        """node: on whose graph, while it is spun."""
        self._node = node
        self._images = node.create_publisher(CompressedImage, "image/compressed", qos_profile_sensor_data)
        self._sounds = SoundPublisher(node, SOUND_FRAME_ID, 1, RATE_HZ)
        self._counts = {"pictures": 0, "chunks": 0, "dropped_pictures": 0, "dropped_chunks": 0}
        self._waiting = Condition()
        self._picture: Picture | None = None
        self._sound: deque[Audio] = deque()
        self._stopping = False
        self._thread = Thread(target=self._publish, name="sensor", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> dict[str, int]:
        """What was published, and what was not, since it was made."""
        with self._waiting:
            return dict(self._counts)

    def see(self, picture: Picture) -> None:
        """Have a picture published, in place of one that waits still."""
        with self._waiting:
            self._counts["dropped_pictures"] += self._picture is not None
            self._picture = picture
            self._waiting.notify()

    def hear(self, audio: Audio) -> None:
        """Have a piece of sound published; where too much waits, the oldest goes."""
        with self._waiting:
            self._sound.append(audio)
            while sum(one.end - one.stamp for one in self._sound) > MOST_SOUND_NS and len(self._sound) > 1:
                self._sound.popleft()
                self._counts["dropped_chunks"] += 1
            self._waiting.notify()

    def close(self) -> None:
        """Publish nothing more."""
        with self._waiting:
            self._stopping = True
            self._waiting.notify()
        self._thread.join(STOP_S)
        with suppress(Exception):  # of a graph that has ended already
            self._sounds.close()
            self._node.destroy_publisher(self._images)

    def _publish(self) -> None:
        while True:
            with self._waiting:
                self._waiting.wait_for(lambda: self._stopping or self._picture is not None or self._sound)
                if self._stopping:
                    return
                sound, picture = list(self._sound), self._picture
                self._sound.clear()
                self._picture = None
            try:
                for audio in sound:
                    self._sounds.publish(audio)
                if picture is not None:
                    self._images.publish(_message(picture))
            except Exception as problem:
                if not self._node.context.ok():  # it was told to end meanwhile
                    return
                self._node.get_logger().error(f"what a page sees and hears cannot be published: {sentence(problem)}")
                continue
            with self._waiting:
                self._counts["chunks"] += len(sound)
                self._counts["pictures"] += picture is not None


def _message(picture: Picture) -> CompressedImage:
    header = Header(stamp=time_message(picture.stamp), frame_id=CAMERA_FRAME_ID.default)
    return CompressedImage(header=header, format="jpeg", data=array("B", picture.jpeg))
