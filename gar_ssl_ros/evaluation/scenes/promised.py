"""How often `signal` is right on rendered scenes: the rates of docs/figures.md, by which the demo judges itself.

A scene is right where its outcome is and each of its sources is met with an IoU of at least 0.5. Measured by
`benchmarks/scenes.py --sources 2` on the seeds 10000 to 10199 of medium difficulty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gar_ssl_ros.evaluation.scenes.scene import Kind

SIGNAL_ACCURACY: Mapping[Kind, float] = {
    Kind.ONE: 0.98,
    Kind.TWO: 0.93,
    Kind.FACE: 0.955,
    Kind.OFFSCREEN: 0.92,
    Kind.SILENT: 1.0,
}
SIGNIFICANCE_LEVEL = 0.001  # a result that comes less often than this while a rate holds means that it does not


def least_right(scenes: int, rate: float) -> int:
    """The fewest of `scenes` that are right in all but SIGNIFICANCE_LEVEL of cases where `rate` of all scenes are.

    By the binomial distribution: the smallest k with P(fewer than k right) + P(k right) > SIGNIFICANCE_LEVEL.
    """
    chance = 0.0
    for right in range(scenes + 1):
        chance += math.comb(scenes, right) * rate**right * (1 - rate) ** (scenes - right)
        if chance > SIGNIFICANCE_LEVEL:
            return right
    return scenes
