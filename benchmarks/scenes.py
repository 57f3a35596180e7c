"""How well `signal` localizes rendered scenes: hits, overlap, and both ways of being wrong about what is in view.

python benchmarks/scenes.py [--count 200] [--difficulty medium] [--seed 10000] [--jobs 2]
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import cv2
import numpy as np

from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import FOUND, matched
from gar_ssl_ros.gar.pipeline import GarOptions, localize
from gar_ssl_ros.reasoners.signal import SignalReasoner


@dataclass(frozen=True)
class Result:
    """One scene: what was said of it, how well each source was met, and whether the boxes were pointed at."""

    outcome: str
    right: bool
    overlaps: tuple[float, ...]
    pointed: bool


def judge(kind: Kind, difficulty: Difficulty, seed: int) -> Result:
    """Localize one scene and compare with its truth."""
    cv2.setNumThreads(1)
    scene = Scene(SceneOptions(kind=kind, difficulty=difficulty, seed=seed))
    truth = scene.truth()
    middle = scene.frames // 2
    *_, found = localize(scene.window(), SignalReasoner(), GarOptions(sources=max(1, len(truth.sources))))
    true = [box for source in truth.sources if (box := source.boxes[middle]) is not None]
    boxes = [source.box for source in found.sources]
    pointed = bool(boxes) and all(any(box.contains(*b.center) for b in boxes) for box in true)
    return Result(found.outcome.value, found.outcome.value == truth.outcome, tuple(matched(boxes, true)), pointed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="scenes of each kind")
    parser.add_argument("--difficulty", choices=[d.value for d in Difficulty], default="medium")
    parser.add_argument("--seed", type=int, default=10_000, help="of the first scene")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    print(f"{options.count} scenes of each kind, {options.difficulty}, 320x240 at 15 fps, 3 s, noise 4, shake 0.5 px")
    with ProcessPoolExecutor(options.jobs) as pool:
        for kind in Kind:
            difficulty = Difficulty(options.difficulty)
            results = list(pool.map(judge, repeat(kind), repeat(difficulty), seeds, chunksize=8))
            said = ", ".join(
                f"{count} {outcome}" for outcome, count in Counter(r.outcome for r in results).most_common()
            )
            line = f"{kind.value:<10} outcome right {np.mean([r.right for r in results]):6.1%}"
            overlaps = [overlap for r in results for overlap in r.overlaps]
            if overlaps:
                all_found = np.mean([all(overlap >= FOUND for overlap in r.overlaps) for r in results])
                pointed = np.mean([r.pointed for r in results])
                line += f"   all IoU >= {FOUND} {all_found:6.1%}   mean IoU {np.mean(overlaps):.3f}"
                line += f"   pointed at {pointed:6.1%}"
            print(f"{line}   ({said})", flush=True)


if __name__ == "__main__":
    main()
