"""A robot for the nodes under test: it publishes what the test wants, and keeps what the nodes publish."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from diagnostic_msgs.msg import DiagnosticArray
from domains import own_domain
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.nodes.executor import SurvivingExecutor
from gar_ssl_ros.nodes.localizer import LocalizerNode

PATIENCE = 240.0  # s: what should happen has happened by then, on any machine
FRAME, CHUNK = SECOND // 10, SECOND // 10
CALIBRATION = """\
image_width: {width}
image_height: {height}
camera_matrix: {{data: [50., 0., {x}, 0., 50., {y}, 0., 0., 1.]}}
distortion_coefficients: {{data: [0., 0., 0., 0., 0.]}}
rectification_matrix: {{data: [1., 0., 0., 0., 1., 0., 0., 0., 1.]}}
projection_matrix: {{data: [50., 0., {x}, 0., 0., 50., {y}, 0., 0., 0., 1., 0.]}}
"""
HERE = Path(__file__).parents[1]  # of the reasoners that misbehave


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives once it holds; fails where it never does."""
    end = time.monotonic() + PATIENCE
    while not (held := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return held


class Robot:
    """Publishes images and sound, much faster than real time, with stamps that the test chooses; keeps the answers."""

    def __init__(self, localizer: str = "/localizer", namespace: str = "") -> None:
        self.localizer = localizer.strip("/")
        self.context = Context()
        rclpy.init(context=self.context, domain_id=own_domain("nodes"))
        self.node = Node("robot", namespace=namespace, context=self.context)
        self.answers: list[SoundSourceArray] = []
        self.detections: list[Detection2DArray] = []
        self.health: list[DiagnosticArray] = []
        kept = QoSProfile(depth=100)
        self.node.create_subscription(SoundSourceArray, f"{localizer}/sources", self.answers.append, kept)
        self.node.create_subscription(Detection2DArray, f"{localizer}/detections", self.detections.append, kept)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.health.append, kept)
        self.images = self.node.create_publisher(Image, "image", QoSProfile(depth=100))
        self.infos = self.node.create_publisher(AudioInfo, "audio_info", QoSProfile(depth=1))
        self.sound = self.node.create_publisher(AudioDataStamped, "audio", QoSProfile(depth=100))
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(PATIENCE)
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def meet(self) -> None:
        """Wait for somebody to listen to all that is published."""
        until(lambda: self.images.get_subscription_count() and self.sound.get_subscription_count())
        until(lambda: all(int(self.state_of(what)().get("publishers") or 0) for what in ("image", "audio")))
        if self.sound.msg_type is AudioDataStamped:
            self.describe(16000)

    def describe(self, rate: int) -> None:
        """Say what the sound is until it is known."""
        until(lambda: f" {rate} Hz" in self.state_of("audio")().get("audio_info", "") or self._tell(rate))

    def _tell(self, rate: int) -> None:
        told = AudioInfo(channels=1, sample_rate=rate, sample_format="S16LE", coding_format="wave")
        self.infos.publish(told)

    def picture(self, stamp: int, width: int = 64, height: int = 48, **changes: Any) -> Image:
        facts = {"encoding": "rgb8", "step": 3 * width, "data": array("B", bytes(3 * width * height))} | changes
        message = Image(width=width, height=height, **facts)
        message.header.frame_id = "camera_optical_frame"
        return stamped(message, stamp)

    def chunk(self, stamp: int, rate: int = 16000, amplitude: int = 8000) -> AudioDataStamped:
        message = AudioDataStamped()
        wave = np.clip(amplitude * np.sin(np.arange(rate * CHUNK // SECOND) / 5), -32768, 32767)
        message.header.frame_id = "microphone"
        message.audio.data = array("B", wave.astype("<i2").tobytes())
        return stamped(message, stamp)

    def play(self, begin: float, seconds: float, images: bool = True, sound: bool = True, **changes: Any) -> None:
        """Images and sound at 10 Hz each from `begin` s on; changes: of the images."""
        for step in range(round(seconds * 10)):
            stamp = round(begin * SECOND) + step * FRAME
            if images:
                self.images.publish(self.picture(stamp, **changes))
            if sound:
                self._tell(16000)
                self.sound.publish(self.chunk(stamp))
            time.sleep(0.01)

    def finals(self) -> list[SoundSourceArray]:
        return [answer for answer in self.answers if answer.stage == SoundSourceArray.FINAL]

    def next_final(self, after: float = -1.0) -> SoundSourceArray:
        """The first final answer, come or to come, of a window that ends later than that, s."""
        return until(lambda: next((a for a in self.finals() if seconds(a.window_end) > after), None))

    def state_of(self, what: str) -> Callable[[], dict[str, str]]:
        """The newest status of that name, the localizer's or of a node called so, as its level, message and values."""

        return lambda: next(self._states(what), {})

    def was_told(self, what: str, words: str) -> dict[str, str]:
        """The newest status of that name whose message has those words, however soon another one followed it."""
        return next((state for state in self._states(what) if words in state["message"]), {})

    def _states(self, what: str) -> Iterator[dict[str, str]]:
        """All of that name, the newest first."""
        for array_ in reversed(self.health):
            for status in array_.status:
                if status.name in (f"{self.localizer}: {what}", f"{what}: {what}"):
                    values = {pair.key: pair.value for pair in status.values}
                    yield values | {"level": str(status.level[0]), "message": status.message}


def calibration(folder: Path, width: int = 64, height: int = 48) -> str:
    """A file as camera_calibration writes it, of a camera of such images."""
    path = folder / f"{width}x{height}.yaml"
    path.write_text(CALIBRATION.format(width=width, height=height, x=width / 2, y=height / 2))
    return str(path)


def seconds(time_message: Any) -> float:
    return time_message.sec + time_message.nanosec / SECOND


def stamped(message: Any, stamp: int) -> Any:
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, SECOND)
    return message


@contextmanager
def robot(**options: Any) -> Iterator[Robot]:
    made = Robot(**options)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def localizer(active: bool = True, namespace: str = "", **parameters: Any) -> Iterator[LocalizerNode]:
    """A localizer of its own context, spinning; windows of 1 s unless told otherwise."""
    with spinning(LocalizerNode, namespace, **{"window": 1.0, "hop": 0.5} | parameters) as node:
        if active:
            node.trigger_configure()
            node.trigger_activate()
        yield node


@contextmanager
def spinning(kind: Any, namespace: str = "", **parameters: Any) -> Iterator[Any]:
    """A node of that class, of its own context; closed in the end."""
    context = Context()
    rclpy.init(context=context, domain_id=own_domain("nodes"))
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    node = executor = None
    try:
        node = kind(context=context, namespace=namespace, parameter_overrides=overrides)
        executor = SurvivingExecutor(node.diagnostics.failed, context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        yield node
    finally:
        if node is not None and executor is not None:
            node.close()
            executor.shutdown()
            thread.join(PATIENCE)
            node.destroy_node()
        rclpy.shutdown(context=context)


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`gar-ssl run ...` as a process; killed in the end, if it still runs."""
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    started = subprocess.Popen(
        [sys.executable, "-m", "gar_ssl_ros.cli", "run", *arguments],
        env=os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes")), "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()
