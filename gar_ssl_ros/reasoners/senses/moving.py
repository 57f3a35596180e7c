"""What moves, as whole things: connected parts of the picture in which more changes than elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.reasoners.senses.candidates import MOVING, Candidate
from gar_ssl_ros.reasoners.signal.motion import Motion

CHANGE_SIDE_PX = 160  # pixels: the longer side at which change is compared
REACH_PX = 9  # pixels of that: parts nearer than this to each other are one thing
MIN_DEVIATIONS = 0.6  # standard deviations above the mean: what changes more than that moves
MAX_THINGS = 3  # things that are worth a look
MIN_SHARE_OF_CHANGE = 0.02  # of all change: less than that is no thing


def moving(motion: Motion) -> list[Candidate]:
    """The things that move most, at most MAX_THINGS, most change first; the camera's own motion is taken out."""
    center = motion.frames[motion.center]
    change = _change(motion)
    scale = CHANGE_SIDE_PX / max(change.shape)
    size = (max(1, round(change.shape[1] * scale)), max(1, round(change.shape[0] * scale)))
    small = cv2.blur(cv2.resize(change, size, interpolation=cv2.INTER_AREA), (REACH_PX, REACH_PX))
    much = (small >= small.mean() + MIN_DEVIATIONS * small.std()).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(much)
    sums = np.bincount(labels.ravel(), small.ravel().astype(np.float64), minlength=len(stats))
    total = max(float(sums.sum()), 1e-9)
    sums[0] = 0.0
    across, down = center.width / size[0], center.height / size[1]
    found = []
    for part in np.argsort(-sums)[:MAX_THINGS]:
        if sums[part] < MIN_SHARE_OF_CHANGE * total:
            break
        x, y, width, height, _ = (float(value) for value in stats[part])
        box = Box(x * across, y * down, (x + width) * across, (y + height) * down)
        found.append(Candidate(MOVING, box, float(sums[part] / total), float(small[labels == part].max())))
    return found


def _change(motion: Motion) -> NDArray[np.float32]:
    """The mean |difference| of successive frames, as small as either explanation of the camera's motion makes it."""
    least: NDArray[np.float32] | None = None
    for still in motion.stills:
        total = np.zeros(still.grey.shape[1:], np.float32)
        for before, after in zip(still.grey[:-1], still.grey[1:], strict=True):
            cv2.accumulate(cv2.absdiff(before, after), total)
        x1, y1, x2, y2 = still.inner
        inner = np.zeros_like(total)
        inner[y1:y2, x1:x2] = total[y1:y2, x1:x2] / (len(still.grey) - 1)
        least = inner if least is None else np.minimum(least, inner)
    assert least is not None  # there is always one explanation
    return least
