"""What moves, as whole things: connected parts of the picture in which more changes than elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.reasoners.senses.candidates import MOVING, Candidate
from gar_ssl_ros.reasoners.signal.motion import Motion, pieces, standing_out

MIN_DEVIATIONS = 0.6  # standard deviations above the mean: what changes more than that moves
MAX_THINGS = 3  # things that are worth a look
MIN_SHARE_OF_CHANGE = 0.02  # of all change: less than that is no thing


def moving(motion: Motion) -> list[Candidate]:
    """The things that move most, at most MAX_THINGS, most change first; the camera's own motion is taken out."""
    change = _change(motion)
    total = max(float(change.sum()), 1e-9)
    return [
        Candidate(MOVING, Box(*(float(side * motion.scale) for side in rect)), amount / total, strength)
        for rect, amount, strength in pieces(standing_out(change, MIN_DEVIATIONS))[:MAX_THINGS]
        if amount >= MIN_SHARE_OF_CHANGE * total
    ]


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
