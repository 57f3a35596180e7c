"""Where things are that detectors do not know, as instruments and tools, by a classifier of ImageNet's kinds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import yaml

from gar_ssl_ros.perception.detection import Detection, Floats, Image, clipped
from gar_ssl_ros.perception.efficientnet import CELL_PX, EfficientNet
from gar_ssl_ros.perception.naming import named_as
from gar_ssl_ros.perception.once import OncePerPicture

# Animals, which small detectors often take other things and one another for.
BETTER_KNOWN = frozenset(
    {"dog", "cat", "bird", "chicken", "rooster", "duck", "goose", "owl", "sheep", "pig", "bear", "elephant", "zebra"}
)

# Chosen on real clips (docs/figures.md).
AREA_PX = 86_000  # pixels of the picture that is looked at
REGION = 5  # cells: side of the regions that are classified
SHARE_OF_PEAK = 0.3  # of the strongest evidence of a thing: where there is as much, is the thing
MIN_SHARE = 0.6  # of a region: a thing that has less is not there
MIN_SHARE_OF_ANIMAL = 0.3  # nor an animal, of which a detector says the rest
FINER = 8  # parts of a cell's side, to which evidence is interpolated


class ImageNetFinder:
    """Finds things of imagenet.yaml, of each the surest one. Raises ModelError where the file holds no such model."""

    better_known = BETTER_KNOWN

    def __init__(self, path: Path) -> None:
        self._net = EfficientNet(path)
        self._looked = OncePerPicture(self._look)

    def knows(self, name: str) -> bool:
        """See `Finder`."""
        return _named(name) is not None

    def find(self, image: Image, names: Sequence[str]) -> list[Detection]:
        """See `Finder`; of names for the same classes the first."""
        classes: dict[tuple[int, ...], str] = {}
        for name in names:
            if (thing := _named(name)) is not None:
                classes.setdefault(things()[thing], name)
        found = (_thing(name, *self._looked(image), list(numbers), image) for numbers, name in classes.items())
        return sorted((one for one in found if one is not None), key=lambda one: -one.score)

    def _look(self, image: Image) -> tuple[Floats, Floats]:
        """Of each class its logit in each cell, (1000, rows, columns), and its share of each region."""
        height, width = image.shape[:2]
        scale = np.sqrt(AREA_PX / (height * width)) / CELL_PX
        size = [max(1, round(side * scale)) * CELL_PX for side in (width, height)]
        logits = self._net.logits(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))
        return logits, _shares(logits)


@cache
def things() -> dict[str, tuple[int, ...]]:
    """Of each thing the numbers of the classes that show it."""
    text = resources.files(__package__).joinpath("imagenet.yaml").read_text(encoding="utf-8")
    found: dict[str, tuple[int, ...]] = {}
    for name, parts in yaml.safe_load(text).items():  # a number, a first and a last one, or a thing from further up
        found[name] = tuple(sorted({number for part in parts for number in found.get(part) or _numbers(str(part))}))
    return found


@cache
def _named(name: str) -> str | None:
    """The thing that a name is, or is a kind of."""
    return named_as(name, things())


def _numbers(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def _shares(logits: Floats) -> Floats:
    """How sure each class is in each region of REGION x REGION cells: what the network would say of it alone."""
    sides = tuple(min(REGION, side) for side in logits.shape[1:])
    mean = np.lib.stride_tricks.sliding_window_view(logits, sides, (1, 2)).mean(axis=(3, 4))
    odds = np.exp(mean - mean.max(axis=0))
    return np.asarray(odds / odds.sum(axis=0))


def _thing(name: str, logits: Floats, shares: Floats, classes: list[int], image: Image) -> Detection | None:
    """The thing in the region that shows it most surely, as far as the region's cells speak for it."""
    _, rows, columns = logits.shape
    sure = shares[classes].sum(axis=0)
    row, column = np.unravel_index(int(sure.argmax()), sure.shape)
    if sure[row, column] < (MIN_SHARE_OF_ANIMAL if name in BETTER_KNOWN else MIN_SHARE):
        return None
    parts = shares[classes, row, column] / sure[row, column]
    evidence = cv2.resize(
        np.tensordot(parts, logits[classes], 1), (columns * FINER, rows * FINER), interpolation=cv2.INTER_CUBIC
    )
    top, left = row * FINER, column * FINER
    region = evidence[top : top + REGION * FINER, left : left + REGION * FINER]
    down, across = np.unravel_index(int(region.argmax()), region.shape)
    there = evidence >= SHARE_OF_PEAK * region.max()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(there.astype(np.uint8))
    x, y, width, height, _ = stats[labels[top + down, left + across]]
    scale = np.array([image.shape[1] / evidence.shape[1], image.shape[0] / evidence.shape[0]] * 2)
    box = clipped(np.asarray([x, y, x + width, y + height] * scale, np.float32), image)
    return None if box is None else Detection(name, float(sure[row, column]), box)
