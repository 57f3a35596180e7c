"""How well `signal` localizes rendered scenes: hits, overlap, and both ways of being wrong about what is in view.

python benchmarks/scenes.py [--count 200] [--difficulty medium] [--seed 10000] [--sources K] [--jobs 2]

A scene is right where its outcome is and every source is met with an IoU of at least 0.5; a face's is its head.
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
from gar_ssl_ros.evaluation.scenes.score import MIN_FOUND_IOU, matched
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.reasoners.signal import SignalReasoner


@dataclass(frozen=True)
class Result:
    """One scene.

    outcome: what was said of it. true: whether that is so. overlaps: the IoU with each source. pointed: whether each
    source holds the middle of a box. boxes: how many there are.
    """

    outcome: str
    true: bool
    overlaps: tuple[float, ...]
    pointed: bool
    boxes: int

    @property
    def right(self) -> bool:
        """The outcome, and a box on every source."""
        return self.true and all(overlap >= MIN_FOUND_IOU for overlap in self.overlaps)


def judge(kind: Kind, difficulty: Difficulty, sources: int | None, seed: int) -> Result:
    """Localize one scene and compare with its truth. sources: to look for at most; as many as there are where None."""
    cv2.setNumThreads(1)
    scene = Scene(SceneOptions(kind=kind, difficulty=difficulty, seed=seed))
    truth = scene.truth()
    middle = scene.frames // 2
    *_, found = localize(scene.window(), SignalReasoner(), GarOptions(sources=sources or max(1, len(truth.sources))))
    true = [box for source in truth.sources if (box := source.boxes[middle]) is not None]
    boxes = [source.box for source in found.sources]
    pointed = bool(boxes) and all(any(box.contains(*b.center) for b in boxes) for box in true)
    said = found.outcome.value
    return Result(said, said == truth.outcome, tuple(matched(boxes, true)), pointed, len(boxes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="scenes of each kind")
    parser.add_argument("--difficulty", choices=[d.value for d in Difficulty], default="medium")
    parser.add_argument("--seed", type=int, default=10_000, help="of the first scene")
    parser.add_argument("--sources", type=int, help="to look for at most (as many as there are)")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    print(f"{options.count} scenes of each kind, {options.difficulty}, 320x240 at 15 fps, 3 s, noise 4, shake 0.5 px")
    with ProcessPoolExecutor(options.jobs) as pool:
        for kind in Kind:
            difficulty = Difficulty(options.difficulty)
            results = list(
                pool.map(judge, repeat(kind), repeat(difficulty), repeat(options.sources), seeds, chunksize=8)
            )
            said = ", ".join(
                f"{count} {outcome}" for outcome, count in Counter(r.outcome for r in results).most_common()
            )
            line = f"{kind.value:<10} right {np.mean([r.right for r in results]):6.1%}"
            line += f"   outcome {np.mean([r.true for r in results]):6.1%}"
            overlaps = [overlap for r in results for overlap in r.overlaps]
            if overlaps:
                pointed = np.mean([r.pointed for r in results])
                more = np.mean([r.boxes > len(r.overlaps) for r in results])
                line += f"   mean IoU {np.mean(overlaps):.3f}   pointed at {pointed:6.1%}   a box too many {more:6.1%}"
            print(f"{line}   ({said})", flush=True)


if __name__ == "__main__":
    main()
