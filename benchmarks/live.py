"""What the localizer does on a live graph: every message accounted for, its cost, its latency, and a slow reasoner.

    python benchmarks/live.py [--seconds 60] [--slow-seconds 40]

A rendered clip, 640x480 at 30 Hz with 16 kHz sound, goes from the player to the localizer as processes of their own
over loopback. Printed: the player's counts beside the localizer's; the CPU time of the localizer's process with the
reasoner's own taken off; the time from a window's end to the arrival of its first and of its final answer at a third
process. Then the same with a reasoner that takes 2 s a window.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import numpy as np
import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from gar_ssl_ros.msg import SoundSourceArray
from live_reasoners import SLOW, SPENT
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Scene, SceneOptions
from gar_ssl_ros.offline.playback import graph, isolated

SECOND = 1e9


@dataclass
class Heard:
    """What came at the observer. answers: (s of arrival, message). told: the last values of each diagnostic status."""

    answers: list[tuple[float, Any]] = field(default_factory=list)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    beats: list[float] = field(default_factory=list)  # s of each /diagnostics of the localizer


class Observer(Node):
    """Listens to the answers and the diagnostics."""

    def __init__(self) -> None:
        super().__init__("observer")
        self.heard = Heard()
        self.create_subscription(SoundSourceArray, "localizer/sources", self._on_answer, QoSProfile(depth=100))
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, QoSProfile(depth=100))

    def _on_answer(self, message: Any) -> None:
        self.heard.answers.append((time.time(), message))

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            self.heard.told[status.name] = {one.key: one.value for one in status.values}
        if message.status and message.status[0].hardware_id == "localizer":
            self.heard.beats.append(time.monotonic())


@dataclass(frozen=True)
class Ran:
    """A run: what was heard, the localizer's CPU time, s, and how long it was running, s."""

    heard: Heard
    cpu: float
    took: float


def run(clip: Path, parameters: Mapping[str, object]) -> Ran:
    """Play the clip once to a localizer."""
    executor = SingleThreadedExecutor()
    observer = Observer()
    executor.add_node(observer)

    def spin(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.05)

    with graph() as start:
        localizer = start("localizer", parameters)
        while not observer.heard.beats:
            spin(0.1)
            localizer.ended()
        spin(2.0)
        watched = psutil.Process(localizer.process.pid)
        before, began = sum(watched.cpu_times()[:2]), time.monotonic()
        player = start("player", {"clip": clip, "wait": 20.0})
        while not player.ended():
            spin(0.1)
        spin(3.0)
        cpu, took = sum(watched.cpu_times()[:2]) - before, time.monotonic() - began
    executor.shutdown()
    observer.destroy_node()
    return Ran(observer.heard, cpu, took)


def counts(heard: Heard) -> str:
    """The player's counts beside the localizer's."""
    sent, image, audio = (heard.told[name] for name in ("player: player", "localizer: image", "localizer: audio"))
    pairs = (
        (sent["images"], image["received"]),
        (sent["chunks"], audio["received"]),
        (sent["samples"], audio["samples"]),
    )
    told = ", ".join(
        f"{what} {ours} of {theirs}"
        for what, (theirs, ours) in zip(("images", "chunks", "samples"), pairs, strict=True)
    )
    whole = all(theirs == ours for theirs, ours in pairs)
    refused = f"refused {image['refused']} and {audio['refused']}"
    return f"{told}; {refused}; {'every one accounted for' if whole else 'NOT ALL'}"


def delays(heard: Heard, stage: int) -> np.ndarray[Any, Any]:
    """From each window's end to the arrival of its answer, ms."""
    ends = [(at, one.window_end) for at, one in heard.answers if one.stage == stage]
    return np.array([1000 * (at - end.sec - end.nanosec / SECOND) for at, end in ends])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--slow-seconds", type=float, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, isolated():
        spent = Path(folder) / "spent"
        here = str(Path(__file__).parent)
        os.environ.update({SPENT: str(spent), "PYTHONPATH": here})
        rclpy.init()
        clips = [rendered(Path(folder), seconds) for seconds in (options.seconds, options.slow_seconds)]
        usual(clips[0], spent)
        slow(clips[1])
        rclpy.try_shutdown()


def rendered(folder: Path, seconds: float) -> Path:
    """A clip of that length."""
    wanted = SceneOptions(difficulty=Difficulty.EASY, seed=1, width=640, height=480, fps=30, seconds=seconds)
    return write_scene(Scene(wanted), folder, f"clip_{seconds:g}")


def usual(clip: Path, spent: Path) -> None:
    """The reasoner `signal`."""
    ran = run(clip, {})
    print(f"counts: {counts(ran.heard)}")
    for name, stage in (("initial", SoundSourceArray.INITIAL), ("final", SoundSourceArray.FINAL)):
        took = delays(ran.heard, stage)
        print(
            f"window's end to ~/sources, {name}: median {np.median(took):.0f}, worst {took.max():.0f} ms, n {len(took)}"
        )
    inference = [1000 * one.inference for _, one in ran.heard.answers if one.stage == SoundSourceArray.FINAL]
    print(f"of that inference: median {np.median(inference):.0f} ms, worst {max(inference):.0f} ms")
    ran = run(clip, {"reasoner": "live_reasoners:Counted"})
    own = ran.cpu - float(spent.read_text())
    print(f"CPU outside the reasoner: {own / ran.took:.2f} core ({own:.1f} of {ran.cpu:.1f} s in {ran.took:.0f} s)")


def slow(clip: Path) -> None:
    """A reasoner of 2 s a window."""
    ran = run(clip, {"reasoner": "live_reasoners:Slow"})
    print(f"with {SLOW:g} s a window: {counts(ran.heard)}")
    finals = [(at, one) for at, one in ran.heard.answers if one.stage == SoundSourceArray.FINAL]
    stale = delays(ran.heard, SoundSourceArray.FINAL) / 1000
    waited = [late - one.inference for late, (_, one) in zip(stale, finals, strict=True)]
    dropped = sum(one.dropped_windows for _, one in finals)
    print(f"  {len(finals)} windows answered, {dropped} given up for newer ones")
    print(f"  window's end to inference's start: worst {max(waited):.2f} s (a newer window comes every 1 s)")
    print(f"  staleness of an answer: median {np.median(stale):.2f} s, worst {stale.max():.2f} s (a window is 3 s)")
    gaps = np.diff(ran.heard.beats)
    print(f"  /diagnostics: every {np.median(gaps):.2f} s, longest gap {gaps.max():.2f} s")


if __name__ == "__main__":
    main()
