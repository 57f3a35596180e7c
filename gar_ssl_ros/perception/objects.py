"""Things of a fixed list of kinds, by any YOLOX, NanoDet or NanoDet-Plus in ONNX, as OpenCV runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.files import read_text
from gar_ssl_ros.perception.detection import Detection, Floats, Image, things
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.onnx import input_shape

Shapes = Sequence[tuple[int, ...]]

DISTANCES = 8  # over which NanoDet gives a distribution for each side of a box
NANODET_MEAN = np.array([103.53, 116.28, 123.675])  # of BGR, as it was trained
NANODET_SPREAD = np.array([57.375, 57.12, 58.395])
MAX_SIDE_PX = 4096  # pixels: of a picture that a model may ask for
GREY = 114  # where the picture does not fill the model's


class Objects:
    """Finds things in pictures. kinds: COCO's, or those in a text file of the model's name beside it, one a line.

    Raises ModelError where the file holds no such model, or one of another number of kinds.
    """

    def __init__(self, path: Path) -> None:
        listed = path.with_suffix(".txt")
        own = listed.is_file()
        self.kinds = kinds()
        try:
            if own:
                self.kinds = tuple(line.strip().lower() for line in read_text(listed).splitlines() if line.strip())
            self._size = _size(input_shape(path))
            self._net = cv2.dnn.readNetFromONNX(str(path))
            self._names = self._net.getUnconnectedOutLayersNames()
            outputs = self._outputs(np.zeros((*self._size, 3), np.float32))
            self._layout = _layout([output.shape for output in outputs], self._size, len(self.kinds))
            if self._layout is YOLOX and np.median(outputs[0][0, :, :2]) > YOLOX.strides[0]:
                raise ValueError("its boxes are decoded already: export it without --decode_in_inference")
        except (cv2.error, OSError, ValueError) as problem:
            whose = f"the {len(self.kinds)} kinds of {listed.name}" if own else "COCO's 80 kinds"
            raise ModelError(path, f"a YOLOX or NanoDet of {whose}", sentence(problem)) from None

    def detect(self, image: Image) -> list[Detection]:
        """See `Detector`; under the names of its kinds."""
        height, width = image.shape[:2]
        scale = min(self._size[0] / height, self._size[1] / width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = np.full((*self._size, 3), GREY, np.float32)
        picture[: size[1], : size[0]] = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), size)
        if self._layout is not YOLOX:
            picture = np.asarray((picture - NANODET_MEAN) / NANODET_SPREAD, np.float32)
        sides, scores = self._layout.decode(self._outputs(picture), *_grid(self._size, self._layout.strides))
        return things(sides / scale, scores.max(axis=1), [self.kinds[i] for i in scores.argmax(axis=1)], image)

    def _outputs(self, picture: Floats) -> list[Floats]:
        self._net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        return [np.asarray(output, np.float32) for output in self._net.forward(self._names)]


@cache
def kinds() -> tuple[str, ...]:
    """COCO's 80 kinds, in its order."""
    return tuple(resources.files(__package__).joinpath("coco.txt").read_text().split("\n")[:-1])


@dataclass(frozen=True)
class Layout:
    """Of what a family of detectors gives.

    strides: of its cells, pixels. decode: from its outputs, its cells' columns and rows, and their strides to the sides
    of a box in pixels of the model's picture and the scores of all kinds, for each cell. shapes: of its outputs, from
    the number of cells at each stride and of kinds.
    """

    strides: tuple[int, ...]
    decode: Callable[[Sequence[Floats], Floats, Floats], tuple[Floats, Floats]]
    shapes: Callable[[Sequence[int], int], Shapes]


def _layout(shapes: Shapes, size: tuple[int, int], count: int) -> Layout:
    for layout in (YOLOX, NANODET, NANODET_PLUS):
        cells = [-(-size[0] // stride) * -(-size[1] // stride) for stride in layout.strides]
        if sorted(shapes) == sorted(layout.shapes(cells, count)):
            return layout
    raise ValueError(f"its outputs are {shapes}")


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the picture that a model takes."""
    if len(shape) != 4 or shape[1] != 3 or not all(0 < side <= MAX_SIDE_PX for side in shape[2:]):
        raise ValueError(f"it takes {shape}, not one picture of a fixed size")
    return shape[2], shape[3]


@cache
def _grid(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """For each cell of the strides its column and row, (n, 2), and its stride, (n, 1)."""
    cells, widths = [], []
    for stride in strides:
        rows, columns = np.mgrid[: -(-size[0] // stride), : -(-size[1] // stride)]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        widths.append(np.full(columns.size, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(widths).astype(np.float32)[:, None]


def _yolox(outputs: Sequence[Floats], cells: Floats, strides: Floats) -> tuple[Floats, Floats]:
    """Ge et al., 2021."""
    values = outputs[0][0]
    middle = (values[:, :2] + cells) * strides
    half = np.exp(np.minimum(values[:, 2:4], 10.0)) * strides / 2
    return np.concatenate([middle - half, middle + half], axis=1), values[:, 5:] * values[:, 4:5]


def _nanodet(outputs: Sequence[Floats], cells: Floats, strides: Floats) -> tuple[Floats, Floats]:
    """Li et al., 2020: the scores and the distances of each stride are outputs of their own, in any order."""
    wide = 4 * DISTANCES
    by_size = sorted(outputs, key=lambda output: (output.shape[2] == wide, -output.shape[1]))
    scores, spread = np.concatenate([o[0] for o in by_size[:3]]), np.concatenate([o[0] for o in by_size[3:]])
    return _around((cells + 0.5) * strides, spread, strides), scores


def _nanodet_plus(outputs: Sequence[Floats], cells: Floats, strides: Floats) -> tuple[Floats, Floats]:
    """RangiLyu, 2021: all in one output, and the cells' corners are where distances begin."""
    wide = 4 * DISTANCES
    return _around(cells * strides, outputs[0][0, :, -wide:], strides), outputs[0][0, :, :-wide]


def _around(middle: Floats, spread: Floats, strides: Floats) -> Floats:
    """Sides, each at the mean of a distribution over DISTANCES distances from a place."""
    chances = np.exp(spread.reshape(-1, 4, DISTANCES) - spread.reshape(-1, 4, DISTANCES).max(axis=2, keepdims=True))
    distances = (chances @ np.arange(DISTANCES, dtype=np.float32)) / chances.sum(axis=2) * strides
    return np.concatenate([middle - distances[:, :2], middle + distances[:, 2:]], axis=1)


YOLOX = Layout((8, 16, 32), _yolox, lambda cells, count: [(1, sum(cells), 5 + count)])
NANODET = Layout(
    (8, 16, 32), _nanodet, lambda cells, count: [(1, n, wide) for n in cells for wide in {count, 4 * DISTANCES}]
)
NANODET_PLUS = Layout((8, 16, 32, 64), _nanodet_plus, lambda cells, count: [(1, sum(cells), count + 4 * DISTANCES)])
