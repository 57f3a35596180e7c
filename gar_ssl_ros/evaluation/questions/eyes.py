"""What a detector of things sees in a panorama: boxes of overlapping parts of it, as directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.datasets.media import read_image
from gar_ssl_ros.evaluation.questions.record import QuestionRecord
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.spatial.questions.answerer import SeenThing
from gar_ssl_ros.spatial.questions.forms import Spot

PARTS = 6  # of a panorama, each half as wide again, so that what one cuts another has whole
SURE = 0.3  # score of what is taken to be seen
SAME = 8.0  # degrees between two of a label that are one
SCALE = 2  # that a picture is enlarged by

Detect = Callable[[NDArray[np.uint8]], Sequence[tuple[str, float, Box]]]  # of an RGB image: labels, scores, boxes


class Eyes:
    """Looks at the pictures of one folder. detect: finds things in an image."""

    def __init__(self, folder: Path, detect: Detect) -> None:
        self._folder, self._detect = folder, detect

    def see(self, record: QuestionRecord) -> tuple[SeenThing, ...]:
        """Labels and directions, without distances. Raises ClipError where there is no picture."""
        image = read_image(self._folder / record.image)
        height, width = image.shape[:2]
        wide = round(1.5 * width / PARTS)
        found: list[tuple[float, SeenThing]] = []
        for part in range(PARTS):
            first = round(part * width / PARTS)
            shown = image[:, np.arange(first, first + wide) % width]
            large = np.asarray(cv2.resize(shown, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC), np.uint8)
            for label, score, box in self._detect(large):
                if score >= SURE and box.x1 > 1 and box.x2 < large.shape[1] - 1:  # else it is cut off
                    found.append((score, _thing(label, box, first, width, height)))
        kept: list[SeenThing] = []
        for _, one in sorted(found, key=lambda each: -each[0]):
            if not any(one.label == other.label and one.spot.angle(other.spot) < SAME for other in kept):
                kept.append(one)
        return tuple(kept)


def _thing(label: str, box: Box, first: int, width: int, height: int) -> SeenThing:
    x, y = box.center
    azimuth = 180 - (first + x / SCALE) / width * 360
    elevation = (height / 2 - y / SCALE) / width * 360
    spot = Spot((azimuth + 180) % 360 - 180, elevation)
    return SeenThing(label, spot, (box.x2 - box.x1) / SCALE / width * 360)
