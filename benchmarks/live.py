"""What the localizer does on a live graph: every message accounted for, its cost, its latency, and a slow reasoner.

    python benchmarks/live.py [--seconds 60] [--slow-seconds 40] [--everything]
    python benchmarks/live.py --clip FILE [--reasoner senses]

A rendered clip, 640x480 at 30 Hz with 16 kHz sound, goes from the player to the localizer as processes of their own
over loopback. Printed: the player's counts beside the localizer's; the CPU time of the localizer's process with the
reasoner's own taken off; the time from a window's end to the arrival of its first and of its final answer at a third
process. Then the same with a reasoner that takes 2 s a window. With --everything all inputs and outputs of the
localizer are on in the first of these runs (`everything.py`). With --clip, a recording goes there over and over for so
many seconds, and what is printed is the time from a window's end to its answer, the CPU time of the localizer, and its
resident memory.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import numpy as np
import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from everything import EVERYTHING, everything
from gar_ssl_ros.msg import SoundSourceArray
from live_reasoners import SLOW, SPENT
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Scene, SceneOptions
from gar_ssl_ros.offline.processes import graph, isolated

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
    resident: list[int]  # bytes, of its process, before the clip and while it is played


def run(clip: Path, parameters: Mapping[str, object], seconds: float = math.inf) -> Ran:
    """Play the clip to a localizer once, or over and over for so many seconds."""
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
        resident = [watched.memory_info().rss]
        player = start("player", {"clip": clip, "wait": 20.0, "loop": math.isfinite(seconds)})
        while not player.ended() and time.monotonic() - began < seconds:
            spin(0.1)
            resident.append(watched.memory_info().rss)
        if not player.ended():
            player.process.terminate()
        spin(3.0)
        cpu, took = sum(watched.cpu_times()[:2]) - before, time.monotonic() - began
    executor.shutdown()
    observer.destroy_node()
    return Ran(observer.heard, cpu, took, resident)


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
    parser.add_argument("--everything", action="store_true", help="all inputs and outputs on")
    parser.add_argument("--clip", type=Path, help="a recording, for --seconds, instead of all else")
    parser.add_argument("--reasoner", default="senses", help="of --clip")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, isolated():
        spent = Path(folder) / "spent"
        here = str(Path(__file__).parent)
        os.environ.update(
            {SPENT: str(spent), "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", here)])}
        )
        rclpy.init()
        if options.clip:
            recording(options.clip, options.reasoner, options.seconds)
            rclpy.try_shutdown()
            return
        clips = [rendered(Path(folder), seconds) for seconds in (options.seconds, options.slow_seconds)]
        with everything() if options.everything else nullcontext():
            usual(clips[0], spent, EVERYTHING if options.everything else {})
        slow(clips[1])
        rclpy.try_shutdown()


def recording(clip: Path, reasoner: str, seconds: float) -> None:
    """A recording to a reasoner; the first windows of a lap show the end of the one before."""
    ran = run(clip.absolute(), {"reasoner": reasoner}, seconds)
    took = delays(ran.heard, SoundSourceArray.FINAL)
    inference = [1000 * one.inference for _, one in ran.heard.answers if one.stage == SoundSourceArray.FINAL]
    load = os.getloadavg()[0]
    print(
        f"load {load:.1f}; window's end to ~/sources: median {np.median(took):.0f}, worst {took.max():.0f} ms", end=""
    )
    print(f", n {len(took)}; of that inference: median {np.median(inference):.0f} ms")
    first, *later = (size / 1e6 for size in ran.resident)
    print(f"CPU {ran.cpu / ran.took:.2f} core; resident {first:.0f} MB before, {max(later):.0f} MB at most, ", end="")
    print(f"{np.median(later):.0f} MB at the median")


def rendered(folder: Path, seconds: float) -> Path:
    """A clip of that length."""
    wanted = SceneOptions(difficulty=Difficulty.EASY, seed=1, width=640, height=480, fps=30, seconds=seconds)
    return write_scene(Scene(wanted), folder, f"clip_{seconds:g}")


def usual(clip: Path, spent: Path, parameters: Mapping[str, object]) -> None:
    """The reasoner `signal`."""
    ran = run(clip, parameters)
    print(f"counts: {counts(ran.heard)}")
    for name, stage in (("initial", SoundSourceArray.INITIAL), ("final", SoundSourceArray.FINAL)):
        took = delays(ran.heard, stage)
        print(
            f"window's end to ~/sources, {name}: median {np.median(took):.0f}, worst {took.max():.0f} ms, n {len(took)}"
        )
    inference = [1000 * one.inference for _, one in ran.heard.answers if one.stage == SoundSourceArray.FINAL]
    print(f"of that inference: median {np.median(inference):.0f} ms, worst {max(inference):.0f} ms")
    ran = run(clip, {**parameters, "reasoner": "live_reasoners:Counted"})
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
