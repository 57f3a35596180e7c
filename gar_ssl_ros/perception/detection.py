"""What a detector of things in a picture gives, whichever it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box, box_from_reply

Image = NDArray[np.uint8]  # RGB (H, W, 3)
Floats = NDArray[np.float32]

MIN_SCORE = 0.15  # score of a thing that counts: what is heard may make it likelier
SAME_OBJECT_IOU = 0.5  # overlap above which two of one kind are one
MAX_OBJECTS = 50  # things in one picture


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


@runtime_checkable
class Finder(Protocol):
    """Sees what it is told to look for."""

    @property
    def better_known(self) -> Collection[str]:
        """What a detector may see as well, and less surely."""

    def knows(self, name: str) -> bool:
        """True if it can be told to look for that."""

    def find(self, image: Image, names: Sequence[str]) -> list[Detection]:
        """What is seen of these, under these names, the surest first. image: as of `Detector`."""


def things(sides: Floats, scores: Floats, labels: Sequence[str], image: Image) -> list[Detection]:
    """What a detector of things found, at most MAX_OBJECTS, the surest first; each thing once.

    sides: (n, 4), x1, y1, x2, y2 in pixels of the picture. scores: (n,), what is below MIN_SCORE is left out.
    """
    sure = np.flatnonzero(scores >= MIN_SCORE)
    if not len(sure):
        return []
    sides, scores = sides[sure], scores[sure]
    # Boxes of each kind are told apart by moving them where no other kind's are.
    labels = [labels[int(i)] for i in sure]
    _, kind = np.unique(labels, return_inverse=True)
    apart = sides + (float(np.ptp(sides)) + 1) * kind[:, None]
    rects = np.concatenate([apart[:, :2], apart[:, 2:] - apart[:, :2]], axis=1)
    found = []
    for i in cv2.dnn.NMSBoxes(rects.tolist(), scores.tolist(), 0.0, SAME_OBJECT_IOU):
        if (box := clipped(sides[i], image)) is not None:
            found.append(Detection(labels[i], min(1.0, float(scores[i])), box))
    return sorted(found, key=lambda thing: -thing.score)[:MAX_OBJECTS]


def clipped(sides: Floats, image: Image) -> Box | None:
    """A detector's x1, y1, x2, y2 as a box within the picture; None where nothing of it is left."""
    x1, y1, x2, y2 = (float(side) for side in sides)
    if not (x1 < x2 and y1 < y2):  # a detector's corners are in order, or no box
        return None
    return box_from_reply((x1, y1, x2, y2), image.shape[1], image.shape[0])
