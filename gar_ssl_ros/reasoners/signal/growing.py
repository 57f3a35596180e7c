"""From a part that moves to the thing that it is a part of: a mouth to its head, a clapper to its bell.

A part is often set in a surface of one look. Where what lies right around the part is of one colour, and all that is
connected with it and of that colour is bounded in the picture, the whole is taken to be that; where it runs out of the
picture, what lies around the part is the ground, and the part is the thing itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box, box_from_reply

# Chosen on rendered scenes with the seeds 0 to 59 (faces; things that are moved as a whole must stay as they are).
COLOUR_SIDE_PX = 160  # pixels: about the longer side at which the colours are compared
BAND_SHARE = 0.25  # of the part's smaller side: how far around it is looked
MIN_BAND_PX = 2.0  # pixels: of that band
MIN_BAND_PIXELS = 12  # pixels: with fewer in the band, nothing can be said about its colour
MAX_SPREADS = 3.0  # times the band's own spread: a colour within that of its median is alike
MAX_LAB_DISTANCE = 6.0  # CIE Lab, lightness by half: a colour within that is alike, however little the band varies
MIN_SHARE_OF_BAND = 0.7  # of the band must be of the one surface
MAX_SHARE_OF_PICTURE = 0.5  # of the picture: what is larger is the ground
MIN_FILLED = 0.5  # of its bounds: a surface that fills less of them is no one thing
OPENING = np.ones((3, 3), np.uint8)


def grown(image: NDArray[np.uint8], part: Box) -> Box:
    """The bounds of the whole that `part` of an RGB image (H, W, 3) belongs to; `part` itself where there is none."""
    height, width = image.shape[:2]
    scale = max(1, round(max(height, width) / COLOUR_SIDE_PX))
    size = (max(1, width // scale), max(1, height // scale))
    small = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    colours = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32) * np.array([0.5, 1, 1], np.float32)
    around = _band(colours.shape[:2], [side / scale for side in part.sides])
    if np.count_nonzero(around) < MIN_BAND_PIXELS:
        return part
    off = np.linalg.norm(colours - np.median(colours[around], axis=0), axis=2)
    alike = (off < max(MAX_LAB_DISTANCE, MAX_SPREADS * float(np.median(off[around])))).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        cv2.morphologyEx(alike, cv2.MORPH_OPEN, OPENING), connectivity=4
    )
    shares = np.bincount(labels[around], minlength=count) / np.count_nonzero(around)
    shares[0] = 0.0  # of what is not alike
    surface = int(shares.argmax())
    left, top, across, down, area = (int(value) for value in stats[surface])
    edges = (left == 0) + (top == 0) + (left + across == size[0]) + (top + down == size[1])
    bounded = (
        edges <= 1 and across * down <= MAX_SHARE_OF_PICTURE * size[0] * size[1] and area >= MIN_FILLED * across * down
    )
    if shares[surface] < MIN_SHARE_OF_BAND or not bounded:
        return part
    whole = box_from_reply(
        [scale * side for side in (left, top, left + across, top + down)], width, height
    )  # within the image, whatever rounding did
    holds = whole is not None and whole.x1 <= part.x1 and whole.y1 <= part.y1 and part.x2 <= whole.x2
    return whole if whole is not None and holds and part.y2 <= whole.y2 else part


def _band(shape: tuple[int, ...], sides: list[float]) -> NDArray[np.bool_]:
    """What lies right around a box, a pixel's gap between them."""
    x1, y1, x2, y2 = sides
    reach = max(MIN_BAND_PX, BAND_SHARE * min(x2 - x1, y2 - y1))
    band = np.zeros(shape, bool)
    for value, gap in ((True, 1 + reach), (False, 1.0)):
        rows = slice(max(0, int(np.floor(y1 - gap))), max(0, int(np.ceil(y2 + gap))))
        band[rows, max(0, int(np.floor(x1 - gap))) : max(0, int(np.ceil(x2 + gap)))] = value
    return band
