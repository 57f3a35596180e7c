"""A localizer's boxes against a scene's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from gar_ssl_ros.gar.boxes import Box

MIN_FOUND_IOU = 0.5  # from which a source counts as found


def matched(found: Sequence[Box], true: Sequence[Box]) -> list[float]:
    """For each true box, the intersection over union with its own found one, 0 where it has none.

    The one-to-one assignment with the greatest sum; for a handful of boxes.
    """
    none: list[Box | None] = [None] * len(true)
    ways = permutations([*found, *none], len(true))
    return max(([box.iou(t) if box else 0.0 for box, t in zip(way, true, strict=True)] for way in ways), key=sum)
