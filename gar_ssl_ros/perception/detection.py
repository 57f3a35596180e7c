"""What a detector of things in a picture gives, whichever it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box, box_from_reply

Image = NDArray[np.uint8]  # RGB (H, W, 3)


@dataclass(frozen=True)
class Detection:
    """One thing seen in a picture.

    label: what it is, lower case, such as `face` or COCO's `dog`. score: how sure that is, 0..1. box: pixels of the
    picture. id: by which the robot knows it, where it does.
    """

    label: str
    score: float
    box: Box
    id: str = ""


class Detector(Protocol):
    """Sees things of some kinds in one picture after another."""

    @property
    def kinds(self) -> Collection[str]:
        """What it can see, as its detections are labelled."""

    def detect(self, image: Image) -> list[Detection]:
        """All that are seen, the surest first. image: RGB uint8 (H, W, 3)."""


def clipped(sides: NDArray[np.float32], image: Image) -> Box | None:
    """A detector's x1, y1, x2, y2 as a box within the picture; None where nothing of it is left."""
    x1, y1, x2, y2 = (float(side) for side in sides)
    if not (x1 < x2 and y1 < y2):  # a detector's corners are in order, or no box
        return None
    return box_from_reply((x1, y1, x2, y2), image.shape[1], image.shape[0])
