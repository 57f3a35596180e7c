"""How well masks fit rendered things, what they cost, and how soon they come after the answer on a live graph.

    python benchmarks/masks.py [--count 100] [--answered 100] [--seed 40000] [--masks grabcut] [--json FILE]
    python benchmarks/masks.py --masks sam2 --masks-model FOLDER --jobs 1
    python benchmarks/masks.py --live [--seconds 40]

Of each kind of scene with a source in view (one, two, face) so many consecutive seeds. Each source's mask is compared
with its true pixels in the window's center frame, both from its true box and from what `signal` found, where a source
that is not found counts as 0. A face is right as a whole or as the part that moves, the mouth. CPU time: of one core.
With --live: a player and a localizer as processes of their own, 640x480 at 30 Hz; ms from the arrival of ~/sources at
a third process to that of ~/masks.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import permutations, repeat
from pathlib import Path
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import cv2
import numpy as np
import rclpy
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.box import BoxSegmenter
from gar_ssl_ros.masks.registry import SEGMENTERS
from gar_ssl_ros.masks.segmenter import Prompt, Segmenter, masked
from gar_ssl_ros.offline.processes import graph, isolated
from gar_ssl_ros.reasoners.signal import SignalReasoner

KINDS = (Kind.ONE, Kind.TWO, Kind.FACE)
TIMED_SIZES = ((320, 240), (640, 480), (1920, 1080))
TIMED = 20  # masks of each size


def overlap(found: Mask | Failure | None, true: Sequence[Mask | None]) -> float:
    """The intersection over union with the best of what counts: the whole, or the part."""
    return max(found.iou(one) for one in true if one is not None) if isinstance(found, Mask) else 0.0


@cache
def segmenter_with(name: str, model: str) -> Segmenter:
    """Of that name, loaded once."""
    made = segmenter_of(MaskOptions(masks=name, masks_model=model))
    assert made is not None
    return made


def judge(kind: Kind, name: str, model: str, answered: bool, seed: int) -> dict[str, float]:
    """One scene: the mean over its sources, from true boxes, of these boxes themselves, and from those `signal` found.

    answered: False where `signal` is not asked.
    """
    cv2.setNumThreads(1)
    segmenter = segmenter_with(name, model)
    scene = Scene(SceneOptions(kind=kind, seed=seed))
    index = scene.frames // 2
    image, pixels = scene.image(index), scene.masks(index)
    boxes = [box for source in scene.truth().sources if (box := source.boxes[index]) is not None]
    cut = segmenter.segment(image, [Prompt(box) for box in boxes], Deadline())
    square = BoxSegmenter().segment(image, [Prompt(box) for box in boxes], Deadline())
    told = {
        what: float(np.mean([overlap(one, true) for one, true in zip(masks, pixels, strict=True)]))
        for what, masks in (("mask", cut), ("box", square))
    }
    if answered:
        window = scene.window()
        *_, last = localize(window, SignalReasoner(), GarOptions(sources=len(pixels)))
        sources = masked(last, window.center.image, segmenter).sources
        true = scene.masks(window.frames.index(window.center))
        found: list[Mask | None] = [one.mask for one in sources] + [None] * len(true)
        ways = permutations(found, len(true))
        best = max(([overlap(one, counts) for one, counts in zip(way, true, strict=True)] for way in ways), key=sum)
        told |= {"from_signal": float(np.mean(best)), "signal_localized": float(bool(sources))}
    return told


def cost(name: str, model: str, width: int, height: int, seed: int) -> float:
    """CPU time of a mask, ms, the median."""
    cv2.setNumThreads(1)
    segmenter = segmenter_with(name, model)
    took = []
    for each in range(seed, seed + TIMED):
        scene = Scene(SceneOptions(kind=Kind.ONE, seed=each, width=width, height=height, seconds=0.2))
        (source,), image = scene.truth().sources, scene.image(0)
        box = source.boxes[0]
        assert box is not None
        began = time.process_time()
        segmenter.segment(image, [Prompt(box)], Deadline())
        took.append(1000 * (time.process_time() - began))
    return float(np.median(took))


def live(name: str, model: str, seconds: float) -> dict[str, Any]:
    """How long after ~/sources its ~/masks come, ms."""
    answers: dict[int, float] = {}
    masks: dict[int, float] = {}

    def at(message: Any) -> int:
        return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)

    def answered(message: Any) -> None:
        if message.stage == SoundSourceArray.FINAL and message.sources:
            answers[at(message)] = time.monotonic()

    with tempfile.TemporaryDirectory() as folder, isolated():
        options = SceneOptions(difficulty=Difficulty.EASY, seed=1, width=640, height=480, fps=30, seconds=seconds)
        clip = write_scene(Scene(options), Path(folder), "clip")
        rclpy.init()
        node, executor = Node("observer"), SingleThreadedExecutor()
        node.create_subscription(SoundSourceArray, "localizer/sources", answered, QoSProfile(depth=100))
        node.create_subscription(
            Image, "localizer/masks", lambda one: masks.setdefault(at(one), time.monotonic()), QoSProfile(depth=100)
        )
        executor.add_node(node)
        with graph() as start:
            start("localizer", {"reasoner": "signal", "masks": name, "masks_model": model, "hop": 0.5})
            player = start("player", {"clip": clip, "wait": 60.0})
            while not player.ended():
                executor.spin_once(timeout_sec=0.05)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                executor.spin_once(timeout_sec=0.05)
        executor.shutdown()
        rclpy.try_shutdown()
    took = [1000 * (masks[stamp] - answers[stamp]) for stamp in answers if stamp in masks]
    return {
        "answers": len(answers),
        "masks": len(took),
        "median_ms": float(np.median(took)),
        "worst_ms": max(took),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="scenes of each kind")
    parser.add_argument("--answered", type=int, default=100, help="of these, how many `signal` is asked about")
    parser.add_argument("--seed", type=int, default=40_000, help="of the first scene")
    parser.add_argument("--masks", default="grabcut", choices=tuple(SEGMENTERS))
    parser.add_argument("--masks-model", default="", metavar="PATH")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--seconds", type=float, default=40, help="of --live")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    told: dict[str, Any] = {}
    if options.live:
        told["live"] = live(options.masks, options.masks_model, options.seconds)
    else:
        for width, height in TIMED_SIZES:
            told[f"cpu_ms_{width}x{height}"] = cost(options.masks, options.masks_model, width, height, options.seed)
        named = (options.masks, options.masks_model)
        seeds = range(options.seed, options.seed + options.count)
        with ProcessPoolExecutor(options.jobs) as pool:
            for kind in KINDS:
                asked = [seed - options.seed < options.answered for seed in seeds]
                judged = list(pool.map(judge, repeat(kind), *map(repeat, named), asked, seeds, chunksize=4))
                means = {
                    name: round(float(np.mean([one[name] for one in judged if name in one])), 3)
                    for name in {name: None for one in judged for name in one}
                }
                told[kind.value] = means | {"scenes": len(judged), "answered": sum(asked)}
                print(kind.value, told[kind.value], flush=True)
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
