"""Recorded sessions of a rendered scene, as the recorder writes them, and what a page is shown of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import Any

import numpy as np
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin
from std_msgs.msg import Header

from gar_ssl_ros.bags.pieces import PieceWriter
from gar_ssl_ros.bags.rosbag import BagWriter, qos
from gar_ssl_ros.evaluation.scenes.scene import Scene
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.messages.overlays import compressed_message
from gar_ssl_ros.page.feed import PICTURE, PICTURE_HEAD, SOUND_HEAD, Feed

START = 1_700_000_000 * SECOND  # stamp of a session's first picture, ns
LATE = SECOND // 50  # from a stamp to the recording of its message
RATE = 16_000
MS = 10**6
IMAGE, AUDIO, INFO = "/image/compressed", "/audio", "/audio_info"
TYPES = {
    IMAGE: "sensor_msgs/msg/CompressedImage",
    AUDIO: "audio_common_msgs/msg/AudioDataStamped",
    INFO: "audio_common_msgs/msg/AudioInfo",
}
PATIENCE = 120.0  # s: what should happen has happened by then, on any machine


def stamps(scene: Scene) -> list[int]:
    """Of its pictures: whole milliseconds, which a page is told exactly."""
    return [START + index * 1000 // round(scene.options.fps) * MS for index in range(scene.frames)]


def messages(scene: Scene) -> list[tuple[int, str, Any]]:
    """When each is sent, by its stamps; what describes the sound comes once, before it."""
    made: list[tuple[int, str, Any]] = []
    for index, stamp in enumerate(stamps(scene)):
        header = Header(stamp=time_message(stamp), frame_id="camera_optical_frame")
        made.append((stamp, IMAGE, compressed_message(scene.image(index), header)))
    sound = np.round(scene.samples * 32767).astype("<i2")
    for index in range(round(10 * scene.options.seconds)):
        begin, piece = START + index * SECOND // 10, sound[index * RATE // 10 : (index + 1) * RATE // 10]
        header = Header(stamp=time_message(begin), frame_id="microphone")
        heard = AudioDataStamped(header=header, audio=AudioData(data=piece.tobytes()))
        made.append((begin + SECOND // 10, AUDIO, heard))
    info = AudioInfo(channels=1, sample_rate=RATE, sample_format="S16LE", coding_format="wave")
    return [(START, INFO, info), *sorted(made, key=lambda one: one[0])]


def write_session(
    path: Path,
    scene: Scene,
    piece: float = 0.0,
    at: Callable[[int], int] = lambda stamp: stamp + LATE,
    storage: StoragePlugin = StoragePlugin.MCAP,
    topics: tuple[str, ...] = (IMAGE, AUDIO, INFO),
) -> Path:
    """at: from when a message is sent to when it is recorded, ns."""
    if storage is StoragePlugin.SQLITE3:
        with BagWriter(path, storage) as bag:
            known = {topic: bag.add_topic(topic, TYPES[topic], qos(10)) for topic in topics}
            for time, topic, message in messages(scene):
                if topic in topics:
                    bag.write(known[topic], at(time), serialize_message(message))
        return path
    writer = PieceWriter(path, piece, 0.0, print)
    for topic in topics:
        writer.add_topic(topic, TYPES[topic], qos(10), topic == INFO)
    for time, topic, message in messages(scene):
        if topic in topics:
            writer.write(topic, at(time), serialize_message(message))
    writer.close()
    return path


class Page:
    """All that a page is sent, from the first on."""

    def __init__(self, feed: Feed) -> None:
        self._feed, self._cursor, self._changed = feed, 0, Condition()
        self.told: list[dict[str, Any]] = []
        self.resets = 0
        self.pictures: list[int] = []  # stamps since the last reset, ns
        self.sound: list[tuple[int, int]] = []  # begin and columns of each message since then
        self.end = feed.listen(self._look)
        self._look()

    def _look(self) -> None:
        with self._changed:
            news = self._feed.news(self._cursor)
            self._cursor = news.cursor
            for message in news.messages:
                if isinstance(message, str):
                    self._take(json.loads(message))
                elif message[0] == PICTURE:
                    self.pictures.append(round(PICTURE_HEAD.unpack_from(message)[3] * 1e3) * 1000)
                else:
                    _, _, count, _, stamp = SOUND_HEAD.unpack_from(message)
                    self.sound.append((round(stamp * 1e6), count))
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        self.told.append(message)
        if message["type"] == "reset":
            self.resets += 1
            self.pictures.clear()
            self.sound.clear()

    def until(self, condition: Callable[[], Any]) -> Any:
        """What the condition gives once it holds; fails where it never does."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE), "it never happened"
            return condition()

    def newest(self, kind: str) -> dict[str, Any]:
        """The last that was told of a kind; nothing where there is none."""
        return next((one for one in reversed(self.told) if one["type"] == kind), {})

    def answers(self, lane: int) -> dict[str, dict[str, Any]]:
        """The last of each key."""
        return {one["key"]: one for one in self.told if one["type"] == "answer" and one["lane"] == lane}
