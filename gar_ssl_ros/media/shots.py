"""Where a recording is cut: one shot ends and another begins."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Chosen on the first half of the real clips.
MIN_SHOT_CORRELATION = 0.75  # correlation of two pictures' looks: less of it is another shot
SAME_SHOT_GREY = 5.0  # grey levels: of looks of which half differ by less, whatever flashes in the rest


def look(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What of a picture, RGB (H, W, 3), is compared: the green of 16 x 12 parts."""
    return np.asarray(cv2.resize(image[::2, ::2, 1], (16, 12), interpolation=cv2.INTER_AREA), np.uint8)


def is_cut(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """True if the looks of successive pictures are of two shots."""
    if np.median(cv2.absdiff(before, after)) <= SAME_SHOT_GREY:
        return False
    one, other = (seen - seen.mean(dtype=np.float64) for seen in (before, after))
    norms = max(float(np.linalg.norm(one)), 1e-9) * max(float(np.linalg.norm(other)), 1e-9)
    return float((one * other).sum()) / norms < MIN_SHOT_CORRELATION
