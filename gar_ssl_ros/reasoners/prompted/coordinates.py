"""From a model's way of naming places in an image to pixels of the original image, and back: this file alone knows.

Models name them as `pixels` of the image as they see it, after its resize; as `thousandths` of either side, some with y
before x (`thousandths_y_first`); as parts of a picture whose longer side is 1000 (`longest_1000`); or as pixels of the
`original` image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gar_ssl_ros.gar.boxes import MIN_SIDE_PX
from gar_ssl_ros.reasoners.options import Coordinates


@dataclass(frozen=True)
class View:
    """An image as a model speaks of it.

    image: its width and height, pixels. span: what the model calls its right and its bottom end. y_first: whether it
    names y before x.
    """

    image: tuple[int, int]
    span: tuple[float, float]
    y_first: bool = False

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the image for one of the model's steps, across and down."""
        return self.image[0] / self.span[0], self.image[1] / self.span[1]

    def to_image(self, places: Sequence[float]) -> tuple[float, ...]:
        """Pairs of numbers as the model names them: x, y, x, y, ... in pixels of the original image."""
        return tuple(place * self.scale[i % 2] for i, place in enumerate(self._ordered(places)))

    def to_model(self, places: Sequence[float]) -> tuple[float, ...]:
        """x, y, x, y, ... in pixels of the original image, as the model names them; not rounded."""
        return self._ordered([place / self.scale[i % 2] for i, place in enumerate(places)])

    def box_to_image(self, sides: Sequence[float]) -> tuple[float, float, float, float]:
        """A replied box in pixels of the original image: its corners in order, cut off at the image's ends.

        No side is shorter than a pixel: where a reply names a line or a point, it means the pixels that it crosses.
        """
        x1, y1, x2, y2 = self.to_image(sides)
        left, right = _stretch(x1, x2, self.image[0])
        top, bottom = _stretch(y1, y2, self.image[1])
        return left, top, right, bottom

    def _ordered(self, places: Sequence[float]) -> tuple[float, ...]:
        """Each pair the other way round where y comes first."""
        if not self.y_first:
            return tuple(places)
        return tuple(place for y, x in zip(places[::2], places[1::2], strict=False) for place in (x, y))


def view(coordinates: Coordinates, image: tuple[int, int], seen: tuple[int, int]) -> View:
    """The view of an image of that size that the model sees at the size `seen`; both width, height in pixels."""
    width, height = image
    longer = max(image)
    spans: dict[Coordinates, tuple[float, float]] = {
        "pixels": seen,
        "longest_1000": (1000 * width / longer, 1000 * height / longer),
        "original": image,
    }
    return View(image, spans.get(coordinates, (1000, 1000)), coordinates == "thousandths_y_first")


def _stretch(a: float, b: float, length: int) -> tuple[float, float]:
    start, end = (min(max(place, 0.0), float(length)) for place in sorted((a, b)))
    if end - start < MIN_SIDE_PX:
        start = float(min(math.floor((start + end) / 2), length - 1))
        end = start + MIN_SIDE_PX
    return start, end
