"""The player: a recording as a camera and a microphone on the graph, in real time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND, Audio, Frame
from gar_ssl_ros.messages.answers import header_of_frame, image_message
from gar_ssl_ros.messages.overlays import compressed_message
from gar_ssl_ros.nodes.calibration_publisher import CalibrationPublisher
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.listeners import wait_for_listeners
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.parameters import PLAYER
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher

MOST_LATE_NS = SECOND  # that a busy machine may be behind, and that is carried into the next lap: else time jumps there
CHUNK_NS = SECOND // 10  # ns of sound a message, as usual drivers have it


class PlayerNode(Node):
    """The node. It plays from `play` on; `close` it before it is destroyed."""

    def __init__(self, name: str = "player", **options: Any) -> None:
        """options: as of rclpy's Node. Raises ClipError where there is no clip that can be read."""
        super().__init__(name, **options)
        self._chosen = NodeParameters(self, PLAYER).values
        if not self._chosen["clip"]:
            raise UsageError("no clip is named: give one with --ros-args -p clip:=FILE")
        self._clip = Clip(Path(self._chosen["clip"]).expanduser())
        self._compressed = bool(self._chosen["compressed"])
        kind, topic = (CompressedImage, "image/compressed") if self._compressed else (Image, "image")
        self._image_out = self.create_publisher(kind, topic, QoSProfile(depth=30))
        self._calibration = CalibrationPublisher(self, self._chosen["calibration"], QoSProfile(depth=30))
        self._sound_out = SoundPublisher(
            self, "", self._clip.info.channels, self._clip.info.rate, self._chosen["audio_type"]
        )
        self._counts = {"images": 0, "chunks": 0, "samples": 0, "laps": 0}
        self._doing = "waiting for listeners"
        self.broken = ""  # why it had to end early
        self.diagnostics = DiagnosticUpdater(self, self._statuses)
        self._stopping = Event()
        self._thread = Thread(target=self._play, name="player", daemon=True)
        self._ended: Callable[[], None] = lambda: None

    def play(self, ended: Callable[[], None]) -> None:
        """Begin; `ended` is called, on another thread, when all has been played."""
        self._ended = ended
        self._thread.start()

    def close(self) -> None:
        """Stop playing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _play(self) -> None:
        try:
            wait_for_listeners(self._listeners, self._chosen, self._stopping)
            begin = self.get_clock().now().nanoseconds
            offset = 0
            while not self._stopping.is_set():
                offset += self._lap(begin, offset)
                passed = round((self.get_clock().now().nanoseconds - begin) * self._chosen["rate"])
                if passed - offset > MOST_LATE_NS * self._chosen["rate"]:
                    offset = passed
                self._counts["laps"] += 1
                if not self._chosen["loop"]:
                    break
            self._doing = "ended"
            for note in dict.fromkeys(self._clip.notes):
                self.get_logger().warning(f"{self._clip.path}: {note}")
        except Exception as problem:
            if self.context.ok():  # else it was told to stop while it published
                self._doing = self.broken = f"it cannot be played on: {problem}"
                self.get_logger().error(f"{self._clip.path} cannot be played on: {problem}")
        self.diagnostics.publish()
        self._ended()

    def _listeners(self) -> list[int]:
        sound = [self._sound_out.listeners] if self._clip.info.channels else []
        return [self._image_out.get_subscription_count(), *sound]

    def _lap(self, begin: int, offset: int) -> int:
        """Play the clip once, as if it began `offset` ns after `begin`; its length, ns."""
        self._doing = "playing"
        start = round(self._chosen["start"] * SECOND)
        since, length = monotonic(), 0
        for time, item in timed(self._clip):
            if time < start:
                continue
            length = max(length, time - start)
            late = since + (time - start) / SECOND / self._chosen["rate"] - monotonic()
            if self._stopping.wait(late) if late > 0 else self._stopping.is_set():
                break
            self._publish(replace(item, stamp=begin + offset + item.stamp - start))
        return length

    def _publish(self, item: Frame | Audio) -> None:
        if isinstance(item, Frame):
            frame = replace(item, frame_id=self._chosen["frame_id"])
            header = header_of_frame(frame)
            made = compressed_message if self._compressed else image_message
            self._image_out.publish(made(frame.image, header))
            before = self._calibration.concern
            self._calibration.publish(header, frame.width, frame.height)
            if self._calibration.concern not in ("", before):
                self.get_logger().warning(self._calibration.concern)
            self._counts["images"] += 1
        else:
            self._sound_out.publish(item)
            self._counts["chunks"] += 1
            self._counts["samples"] += item.samples.shape[1]

    def _statuses(self) -> list[Status]:
        concern = self._calibration.concern
        level = DiagnosticStatus.WARN if concern else DiagnosticStatus.OK
        level = DiagnosticStatus.ERROR if self.broken else level
        values = {**self._counts, "infos": self._calibration.sent}
        return [Status("player", level, self._doing if self.broken else concern or self._doing, values)]


def timed(clip: Clip) -> Iterator[tuple[int, Frame | Audio]]:
    """A clip's pictures and sound with the time at which a camera and a microphone would send each, in that order.

    A picture is there at once, a chunk of sound when its last sample is.
    """
    waiting: list[tuple[int, int, Frame | Audio]] = []
    for number, item in enumerate(_chunked(clip.read())):
        while waiting and waiting[0][0] <= item.stamp:
            time, _, ready = heapq.heappop(waiting)
            yield time, ready
        heapq.heappush(waiting, (item.stamp if isinstance(item, Frame) else item.end, number, item))
    while waiting:
        time, _, ready = heapq.heappop(waiting)
        yield time, ready


def _chunked(items: Iterator[Frame | Audio]) -> Iterator[Frame | Audio]:
    """The same with the sound in pieces of CHUNK_NS, each but the last of a stretch exactly that long."""
    held: Audio | None = None
    for item in items:
        if isinstance(item, Frame):
            yield item
            continue
        if held is not None and not _continues(held, item):
            yield held
            held = None
        held = item if held is None else replace(held, samples=np.concatenate([held.samples, item.samples], axis=1))
        size = round(held.rate * CHUNK_NS / SECOND)
        while held is not None and held.samples.shape[1] >= size:
            yield replace(held, samples=np.ascontiguousarray(held.samples[:, :size]))
            rest = held.samples[:, size:]
            held = replace(held, stamp=held.stamp + CHUNK_NS, samples=rest) if rest.shape[1] else None
    if held is not None:
        yield held


def _continues(held: Audio, item: Audio) -> bool:
    alike = (held.rate, len(held.samples)) == (item.rate, len(item.samples))
    return alike and abs(item.stamp - held.end) <= SECOND // 100
