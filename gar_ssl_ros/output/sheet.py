"""A recording at a glance: a bounded number of its annotated windows on one page."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from gar_ssl_ros.files import write_whole
from gar_ssl_ros.output.drawing import DARK, PALE, Image

MAX_TILES = 24  # windows on a sheet
TILE_PX = 400  # about the width of one
GAP_PX = 6


class ContactSheet:
    """Collects annotated pictures and keeps an even choice of at most MAX_TILES of them."""

    def __init__(self) -> None:
        self._tiles: list[tuple[str, Image]] = []
        self._seen = 0
        self._stride = 1

    def add(self, title: str, image: Image) -> None:
        """The next window's picture."""
        if self._seen % self._stride == 0:
            if len(self._tiles) == MAX_TILES:
                self._tiles, self._stride = self._tiles[::2], 2 * self._stride
            if self._seen % self._stride == 0:
                factor = TILE_PX / image.shape[1]
                size = (TILE_PX, max(1, round(image.shape[0] * factor)))
                way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
                self._tiles.append((title, np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)))
        self._seen += 1

    def write(self, path: Path) -> None:
        """As a new PNG, whole or not at all. Nothing is written where nothing was added.

        Raises FileExistsError where it exists, and OSError where writing fails.
        """
        if not self._tiles:
            return
        columns = min(len(self._tiles), max(1, round(len(self._tiles) ** 0.5)))
        tallest = max(image.shape[0] for _, image in self._tiles) + 22
        rows = -(-len(self._tiles) // columns)
        page = np.full((rows * (tallest + GAP_PX) + GAP_PX, columns * (TILE_PX + GAP_PX) + GAP_PX, 3), DARK, np.uint8)
        for place, (title, image) in enumerate(self._tiles):
            top = GAP_PX + place // columns * (tallest + GAP_PX)
            left = GAP_PX + place % columns * (TILE_PX + GAP_PX)
            cv2.putText(page, title, (left + 2, top + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, PALE, 1, cv2.LINE_AA)
            page[top + 22 : top + 22 + image.shape[0], left : left + TILE_PX] = image
        done, encoded = cv2.imencode(".png", cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
        assert done
        write_whole(path, encoded.tobytes(), replace=False)
