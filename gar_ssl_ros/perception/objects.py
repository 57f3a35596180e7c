"""Things of COCO's 80 kinds, by any YOLOX or NanoDet in ONNX, as OpenCV runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.perception.detection import Detection, Image, clipped
from gar_ssl_ros.perception.failure import ModelError

Floats = NDArray[np.float32]

OBJECT_SIDE_PX = 416  # pixels: of the square picture that the small models of both families take
MIN_SCORE = 0.15  # score of a thing that counts: what is heard may make it likelier
SAME_OBJECT_IOU = 0.5  # overlap above which two of one kind are one
MAX_OBJECTS = 50  # things in one picture
NANODET_MEAN = np.array([103.53, 116.28, 123.675])  # of BGR, as it was trained
NANODET_SPREAD = np.array([57.375, 57.12, 58.395])


class Objects:
    """Finds things in pictures. Raises ModelError where the file holds neither model, or one of other classes."""

    def __init__(self, path: Path) -> None:
        self.kinds = kinds()
        try:
            self._net = cv2.dnn.readNetFromONNX(str(path))
            self._names = self._net.getUnconnectedOutLayersNames()
            shapes = [
                output.shape
                for output in self._outputs(np.zeros((OBJECT_SIDE_PX, OBJECT_SIDE_PX, 3), np.uint8), yolox=True)
            ]
            self._yolox = len(shapes) == 1
            if not _is_yolox(shapes, len(self.kinds)) and not _is_nanodet(shapes, len(self.kinds)):
                raise ModelError(path, "a detector of COCO's 80 kinds", f"its outputs are {shapes}")
        except cv2.error as problem:
            raise ModelError(path, "a YOLOX or NanoDet", problem) from None

    def detect(self, image: Image) -> list[Detection]:
        """At most MAX_OBJECTS, the surest first, under COCO's names."""
        height, width = image.shape[:2]
        scale = OBJECT_SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = np.full((OBJECT_SIDE_PX, OBJECT_SIDE_PX, 3), 114, np.uint8)
        square[: size[1], : size[0]] = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), size)
        outputs = self._outputs(square, self._yolox)
        decode: Callable[[Sequence[Floats]], tuple[Floats, Floats]] = _yolox if self._yolox else _nanodet
        sides, scores = decode(outputs)
        kind, best = scores.argmax(axis=1), scores.max(axis=1)
        found = []
        sure = np.flatnonzero(best >= MIN_SCORE)
        # Boxes of each kind are told apart by moving them where no other kind's are.
        apart = sides[sure] + 4 * OBJECT_SIDE_PX * kind[sure, None]
        rects = np.concatenate([apart[:, :2], apart[:, 2:] - apart[:, :2]], axis=1)
        for i in cv2.dnn.NMSBoxes(rects.tolist(), best[sure].tolist(), MIN_SCORE, SAME_OBJECT_IOU) if len(sure) else ():
            one = sure[i]
            box = clipped(sides[one] / scale, image)
            if box is not None:
                found.append(Detection(self.kinds[int(kind[one])], min(1.0, float(best[one])), box))
        return sorted(found, key=lambda thing: -thing.score)[:MAX_OBJECTS]

    def _outputs(self, square: Image, yolox: bool) -> list[Floats]:
        picture = square.astype(np.float32)
        if not yolox:
            picture = np.asarray((picture - NANODET_MEAN) / NANODET_SPREAD, np.float32)
        self._net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        return [np.asarray(output, np.float32) for output in self._net.forward(self._names)]


@cache
def kinds() -> tuple[str, ...]:
    """COCO's 80 kinds, in its order."""
    return tuple(resources.files(__package__).joinpath("coco.txt").read_text().split("\n")[:-1])


def _is_yolox(shapes: Sequence[tuple[int, ...]], count: int) -> bool:
    return list(shapes) == [(1, sum((OBJECT_SIDE_PX // s) ** 2 for s in (8, 16, 32)), 5 + count)]


def _is_nanodet(shapes: Sequence[tuple[int, ...]], count: int) -> bool:
    cells = [(OBJECT_SIDE_PX // stride) ** 2 for stride in (8, 16, 32)]
    return sorted(shapes) == sorted([(1, n, count) for n in cells] + [(1, n, 32) for n in cells])


@cache
def _grid() -> tuple[Floats, Floats]:
    """For each cell of the strides 8, 16 and 32, its column and row, and its stride."""
    cells, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[: OBJECT_SIDE_PX // stride, : OBJECT_SIDE_PX // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full(columns.size, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)[:, None]


def _yolox(outputs: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Sides in pixels of the square and the scores of all kinds, for each cell (Ge et al., 2021)."""
    cells, strides = _grid()
    values = outputs[0][0]
    middle = (values[:, :2] + cells) * strides
    half = np.exp(np.minimum(values[:, 2:4], 10.0)) * strides / 2
    return np.concatenate([middle - half, middle + half], axis=1), values[:, 5:] * values[:, 4:5]


def _nanodet(outputs: Sequence[Floats]) -> tuple[Floats, Floats]:
    """As `_yolox`; each side is the mean of a distribution over 8 distances (Li et al., 2020)."""
    cells, strides = _grid()
    by_size = sorted(outputs, key=lambda output: (output.shape[2] == 32, -output.shape[1]))
    scores, spread = np.concatenate([o[0] for o in by_size[:3]]), np.concatenate([o[0] for o in by_size[3:]])
    chances = np.exp(spread.reshape(-1, 4, 8) - spread.reshape(-1, 4, 8).max(axis=2, keepdims=True))
    distances = (chances @ np.arange(8, dtype=np.float32)) / chances.sum(axis=2) * strides
    middle = (cells + 0.5) * strides
    return np.concatenate([middle - distances[:, :2], middle + distances[:, 2:]], axis=1), scores
