"""What scoring costs: boxes as GAR scores them, source by source, heat maps, and masks; pooled AP included.

    python benchmarks/metrics.py [--samples 5000]

In seconds of one core; each figure is the least of three runs. Beside it, what scikit-learn takes for the AP alone.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from time import process_time

import numpy as np
from sklearn.metrics import average_precision_score

from gar_ssl_ros.evaluation.metrics import boxes, heatmaps, segmentation, sources
from gar_ssl_ros.evaluation.metrics.masks import mask
from gar_ssl_ros.evaluation.samples import Truth

Sides = tuple[float, float, float, float]
MASKS, CLIP_FRAMES = 1000, 5  # of 224 x 224


def random_boxes(random: np.random.Generator, count: int) -> list[Sides]:
    """Boxes in a picture of 320 x 240."""
    corners = np.sort(random.uniform(0, 1, (count, 2, 2)), axis=1).reshape(count, 4) * (320, 240, 320, 240)
    return [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in corners]


def least(once: Callable[[], object], repeat: int = 3) -> float:
    """Seconds of the quickest of several runs."""
    times = []
    for _ in range(repeat):
        start = process_time()
        once()
        times.append(process_time() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5000)
    count = parser.parse_args().samples
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    random = np.random.default_rng(0)
    found, true = random_boxes(random, 2 * count), random_boxes(random, 2 * count)
    duets = range(0, 2 * count, 2)
    heats = random.uniform(0, 1, (count, 14, 14))

    def union() -> object:
        return boxes.summary([boxes.score(found[i : i + 2], true[i : i + 2], 320, 240) for i in duets])

    def each() -> object:
        scores = [
            sources.score(
                [sources.Found(sides, "dog", 0.5) for sides in found[i : i + 2]],
                [Truth(sides, "dog") for sides in true[i : i + 2]],
                320,
                240,
            )
            for i in duets
        ]
        return sources.summary(scores)

    def maps() -> object:
        protocol = heatmaps.PROTOCOLS["ez-vsl"]
        shares = [[tuple(np.array(true[i]) / (320, 240, 320, 240))] for i in range(count)]
        scores = [heatmaps.score(heat, box, protocol) for heat, box in zip(heats, shares, strict=True)]
        return heatmaps.summary(scores, protocol)

    logits = random.normal(0, 3, (MASKS, 224, 224)).astype(np.float32)
    truths = logits + random.normal(0, 3, logits.shape).astype(np.float32) > 0

    def segmented() -> object:
        clips = [slice(start, start + CLIP_FRAMES) for start in range(0, MASKS, CLIP_FRAMES)]
        scores = (segmentation.mask_iou, segmentation.f_measure)
        return [score(logits[clip], truths[clip]) for clip in clips for score in scores]

    print(f"{MASKS} masks of 224x224, AVSBench's IoU and F: {least(segmented):.2f} s")
    for what, once in (("boxes, two and two united", union), ("source by source", each), ("heat maps of 14x14", maps)):
        print(f"{count} samples, {what}: {least(once):.2f} s")
    some = min(count, 200)
    masks = [(mask(true[i : i + 2], 320, 240), mask(found[i : i + 2], 320, 240)) for i in duets[:some]]
    theirs = least(lambda: [average_precision_score(t.ravel(), f.ravel()) for t, f in masks]) * count / some
    print(f"scikit-learn's average precision alone, from {some} of them: {theirs:.0f} s, nothing pooled")


if __name__ == "__main__":
    main()
