"""What the camera node costs, and how old its images and what follows of them are when they come.

    python benchmarks/camera.py [--seconds 30]

A rendered scene as Motion JPEG, 640x480 at 30 Hz, is the camera, played again and again: to this process, with its
JPEGs passed on and with its images decoded; then, with the scene's sound, to the localizer with the reasoner `signal`.
All are processes of their own, on loopback.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import av
import numpy as np
import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Scene, SceneOptions
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.nodes.player import timed
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher
from gar_ssl_ros.offline.processes import graph, isolated

LENGTH_S = 10.0  # s of the scene


class Listener(Node):
    """What comes of images, or of answers. late: ms from each one's stamp, or from its window's end, to its arrival."""

    def __init__(self, kind: Any, topic: str, quality: Any) -> None:
        super().__init__("listener")
        self.late: list[float] = []
        self.camera: dict[str, str] = {}
        self.sound = SoundPublisher(self, "microphone", 1, 16000) if kind is SoundSourceArray else None
        self.create_subscription(kind, topic, self._on_message, quality)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def _on_message(self, message: Any) -> None:
        if getattr(message, "stage", SoundSourceArray.FINAL) == SoundSourceArray.FINAL:
            stamp = message.window_end if hasattr(message, "window_end") else message.header.stamp
            self.late.append(1000 * (time.time() - stamp.sec - stamp.nanosec / SECOND))

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.name == "camera: camera":
                self.camera = {one.key: one.value for one in status.values}


def speak(listener: Listener, clip: Path, stopping: Event) -> None:
    """Publish the clip's sound in its time, again and again."""
    assert listener.sound is not None
    chunks = [item for _, item in timed(Clip(clip)) if isinstance(item, Audio)]
    begun = time.monotonic()
    sent = 0.0
    while not stopping.is_set():
        for chunk in chunks:
            sent += chunk.samples.shape[1] / chunk.rate
            if stopping.wait(max(0.0, begun + sent - time.monotonic())):
                return
            stamp = time.time_ns() - chunk.samples.shape[1] * SECOND // chunk.rate
            listener.sound.publish(Audio(stamp, chunk.samples, chunk.rate))


def motion_jpeg(clip: Path) -> Path:
    """Its pictures as a camera has them: JPEGs of about 1.5 bits a pixel and more."""
    path = clip.with_name("camera.mkv")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=30, options={"qmin": "3", "qmax": "3"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        for picture in Clip(clip).pictures():
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture.image, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def run(
    listener: Listener, parameters: dict[str, object], seconds: float, clip: Path | None = None
) -> tuple[float, float]:
    """The CPU time of the camera's process, and how long that was looked at, s.

    clip: whose sound is sent, and there is a localizer, where it is given.
    """
    executor, stopping = SingleThreadedExecutor(), Event()
    executor.add_node(listener)
    speaker = None if clip is None else Thread(target=speak, args=(listener, clip, stopping))
    with graph() as start:
        if speaker is not None:
            start("localizer", {})
            speaker.start()
        camera = start("camera", parameters)
        while len(listener.late) < 5:
            executor.spin_once(timeout_sec=0.1)
            camera.ended()
        listener.late.clear()
        watched = psutil.Process(camera.process.pid)
        before, begun = sum(watched.cpu_times()[:2]), time.monotonic()
        while time.monotonic() < begun + seconds:
            executor.spin_once(timeout_sec=0.1)
        cpu, took = sum(watched.cpu_times()[:2]) - before, time.monotonic() - begun
    stopping.set()
    if speaker is not None:
        speaker.join()
    executor.shutdown()
    listener.destroy_node()
    return cpu, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, isolated():
        rclpy.init()
        wanted = SceneOptions(difficulty=Difficulty.EASY, seed=1, width=640, height=480, fps=30, seconds=LENGTH_S)
        clip = write_scene(Scene(wanted), Path(folder), "clip")
        device = motion_jpeg(clip)
        size = device.stat().st_size / (30 * LENGTH_S) / 1000
        for name, kind, topic in (
            ("passed on", CompressedImage, "image/compressed"),
            ("decoded", Image, "image"),
        ):
            listener = Listener(kind, topic, qos_profile_sensor_data)
            given = {"device": device, "loop": True, "compressed": kind is CompressedImage}
            cpu, took = run(listener, given, options.seconds)
            late = np.array(listener.late)
            came = f"{len(late) / took:.1f} images/s came, {listener.camera['dropped']} dropped"
            told = f"stamp to arrival: median {np.median(late):.1f}, worst {late.max():.0f} ms"
            print(f"{name} ({size:.0f} kB a JPEG): {100 * cpu / took:.1f} % of a core; {came}; {told}")
        for compressed in (True, False):
            listener = Listener(SoundSourceArray, "localizer/sources", 100)
            run(listener, {"device": device, "loop": True, "compressed": compressed}, options.seconds, clip)
            late = np.array(listener.late)
            told = f"median {np.median(late):.0f}, worst {late.max():.0f} ms, n {len(late)}"
            print(f"{'passed on' if compressed else 'decoded'}, window's end to ~/sources: {told}")
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
