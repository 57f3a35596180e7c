"""What in the picture might be making the sound: the moving things, split and joined by how they move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.reasoners.signal.camera import Rect
from gar_ssl_ros.reasoners.signal.motion import Motion, connected
from gar_ssl_ros.reasoners.signal.synchrony import Courses, Match

MAX_PARTS = 12  # moving parts: more than that cannot be told apart in a few seconds
MAX_LARGE_PARTS = 3  # larger things
MIN_CORRELATION = 0.75  # correlation: two parts that move as alike as this are one thing
MIN_SHARE_OF_AGREEMENT = (
    0.65  # of the agreement with the sound: a part that has this much of another's may belong to it
)


def moving(motion: Motion, synchrony_map: NDArray[np.float64]) -> list[Rect]:
    """The connected moving parts, larger things that stand out by their motion, and what alone goes with the sound."""
    found = motion.parts()[:MAX_PARTS]
    hot = connected(synchrony_map > 0.5 * synchrony_map.max())[:3] if synchrony_map.max() > 0 else []
    for rect in motion.things()[:MAX_LARGE_PARTS] + hot:
        if all(_overlap(rect, part) < 0.5 for part in found):
            found.append(rect)
    return found


def whole(best: int, parts: Sequence[Rect], matches: Sequence[Match], courses: Courses) -> list[int]:
    """The parts that make one thing with part `best`: what encloses it, and what is near and moves alike."""
    enough = [match.agreement > MIN_SHARE_OF_AGREEMENT * matches[best].agreement for match in matches]
    found = [best] + [i for i, part in enumerate(parts) if i != best and enough[i] and _encloses(part, parts[best])]
    for i in found:
        found += [
            j
            for j, part in enumerate(parts)
            if j not in found and enough[j] and _near(part, parts[i]) and courses.alike(i, j) > MIN_CORRELATION
        ]
    return found


def bounds(rects: Sequence[Rect]) -> Rect:
    """Of all of them."""
    x1, y1, x2, y2 = zip(*rects, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def gap(one: Rect, other: Rect) -> int:
    """Pixels between them; 0 where they touch."""
    return max(max(one[0], other[0]) - min(one[2], other[2]), max(one[1], other[1]) - min(one[3], other[3]), 0)


def inside(rect: Rect, other: Rect) -> bool:
    """True if the middle of `rect` lies in `other`."""
    return other[0] <= (rect[0] + rect[2]) / 2 < other[2] and other[1] <= (rect[1] + rect[3]) / 2 < other[3]


def _encloses(outer: Rect, rect: Rect) -> bool:
    return inside(rect, outer) and _area(outer) > _area(rect)


def _near(one: Rect, other: Rect) -> bool:
    """True if the gap between them is small beside the smaller one."""
    smaller = min(max(r[2] - r[0], r[3] - r[1]) for r in (one, other))
    return gap(one, other) <= max(4, 0.75 * smaller)


def _overlap(one: Rect, other: Rect) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, width) * max(0, height)
    return both / (_area(one) + _area(other) - both)


def _area(rect: Rect) -> int:
    return (rect[2] - rect[0]) * (rect[3] - rect[1])
