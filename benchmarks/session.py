"""A recorded session of ten minutes: how soon a place in it is seen, what playing it takes, and how large it is.

    python benchmarks/session.py [--minutes 10] [--folder DIR]

Pictures are of a rendered scene, 640x480 at 30 Hz, as JPEG as the player sends them; sound is mono, 16 kHz; an answer a
second, of the reasoner signal. A folder that is given is kept, and read again where it holds such a session.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from pathlib import Path
from threading import Event
from time import perf_counter

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import numpy as np
import psutil
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from gar_ssl_ros.bags.pieces import PieceWriter
from gar_ssl_ros.bags.rosbag import qos
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import header_of_frame, sources_message, time_message
from gar_ssl_ros.messages.overlays import compressed_message
from gar_ssl_ros.page.commands import Play, Rate, Seek
from gar_ssl_ros.page.session import Session
from gar_ssl_ros.reasoners.registry import reasoner

START = 1_700_000_000 * SECOND
FPS = 30
SEEKS = 100
PLAYED_S = 60


def record(path: Path, minutes: float) -> None:
    scene = Scene(SceneOptions(kind=Kind.ONE, seconds=4.0, width=640, height=480, fps=FPS))
    window = scene.window()
    found = list(localize(window, reasoner("signal")))[-1]
    answer = sources_message(found, window, [1] * len(found.sources), "/image/compressed", 0)
    jpegs = [compressed_message(scene.image(index), header_of_frame(window.center)) for index in range(scene.frames)]
    sound = np.round(scene.samples * 32767).astype("<i2")
    writer = PieceWriter(path, 0.0, 0.0, print)
    writer.add_topic("/image/compressed", "sensor_msgs/msg/CompressedImage", qos(5), False)
    writer.add_topic("/audio", "audio_common_msgs/msg/AudioDataStamped", qos(5), False)
    writer.add_topic("/audio_info", "audio_common_msgs/msg/AudioInfo", qos(5), True)
    writer.add_topic("/localizer/sources", "gar_ssl_ros/msg/SoundSourceArray", qos(5), False)
    info = AudioInfo(channels=1, sample_rate=16000, sample_format="S16LE", bitrate=0, coding_format="wave")
    for index in range(round(minutes * 60 * FPS)):
        stamp = START + index * SECOND // FPS
        message = jpegs[index % len(jpegs)]
        message.header.stamp = time_message(stamp)
        writer.write("/image/compressed", stamp + SECOND // 50, serialize_message(message))
        if index % (FPS // 10) == 0:
            begin = index // (FPS // 10) * 1600 % (len(sound) - 1600)
            data = AudioData(data=sound[begin : begin + 1600].tobytes())
            heard = AudioDataStamped(header=Header(stamp=time_message(stamp - SECOND // 10)), audio=data)
            writer.write("/audio", stamp + SECOND // 50, serialize_message(heard))
        if index % FPS == 0:
            writer.write("/audio_info", stamp + SECOND // 50, serialize_message(info))
            answer.header.stamp, answer.window_end = time_message(stamp - 3 * SECOND // 2), time_message(stamp)
            answer.window_start = time_message(stamp - 3 * SECOND)
            writer.write("/localizer/sources", stamp + SECOND // 50, serialize_message(answer))
    writer.close()


def seek(session: Session, to: int) -> float:
    """Ms until its picture is in the feed."""
    seen, began = Event(), perf_counter()

    def look() -> None:
        news = session.feed.news(0)
        if any(isinstance(one, bytes) and one[0] == 1 for one in news.messages):
            seen.set()

    session.feed.reset(answers=False)
    end = session.feed.listen(look)
    session.do(Seek(id=0, do="seek", to=to / 1e6))
    assert seen.wait(30)
    took = perf_counter() - began
    end()
    return 1e3 * took


def measure(path: Path, minutes: float) -> None:
    size = sum(file.stat().st_size for file in path.rglob("*"))
    print(f"{size / minutes / 1e6:.1f} MB a minute")
    process = psutil.Process()
    began = perf_counter()
    with Session(path, playing=False) as session:
        print(f"opened in {1e3 * (perf_counter() - began):.0f} ms")
        while session._answering.doing != "all are here":
            Event().wait(0.05)
        print(f"all answers are there after {perf_counter() - began:.1f} s")
        places = random.Random(0)
        took = [seek(session, START + round(places.uniform(0, 60 * minutes) * SECOND)) for _ in range(SEEKS)]
        took.sort()
        print(f"seek to picture: median {statistics.median(took):.0f} ms, 95 % {took[int(0.95 * SEEKS)]:.0f} ms")
        asked = []
        for _ in range(SEEKS):
            began = perf_counter()
            assert session.picture(START + round(places.uniform(0, 60 * minutes) * SECOND)) is not None
            asked.append(perf_counter() - began)
        print(f"/picture: median {1e3 * statistics.median(asked):.0f} ms")
        began = perf_counter()
        assert session.sound(START + 60 * SECOND, START + 63 * SECOND)
        print(f"/sound of 3 s: {1e3 * (perf_counter() - began):.0f} ms")
        session.do(Seek(id=0, do="seek", to=START / 1e6))
        session.do(Rate(id=0, do="rate", rate=4.0))
        session.do(Play(id=0, do="play", on=True))
        before, spent = process.memory_info().rss, process.cpu_times()
        for step in range(PLAYED_S // 10):
            Event().wait(10)
            now = process.memory_info().rss
            print(f"  {4 * 10 * (step + 1):4d} s played: {now / 2**20:.0f} MiB ({(now - before) / 2**20:+.0f})")
        used = process.cpu_times()
        print(f"CPU: {(used.user + used.system - spent.user - spent.system) / PLAYED_S:.0%} of a core, at 4 times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (options.folder or Path(temporary)) / "session"
        if not path.exists():
            record(path, options.minutes)
        measure(path, options.minutes)


if __name__ == "__main__":
    main()
