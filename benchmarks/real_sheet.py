"""Real results on one sheet, the worst first: true boxes green, accepted ones grey, what was found orange."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from real_clips import TrueClip, TrueWindow, cut

from gar_ssl_ros.media.window import Frame

TILE = (320, 216)  # pixels, of which the last 36 are words
WORDS = 36
ACROSS = 4
Found = tuple[str, tuple[float, ...] | None, str]  # outcome, box, words


def sheet(clips: Sequence[TrueClip], folder: Path, found: dict[tuple[str, int], Found], file: Path) -> None:
    """Draw every window of `found`, in its order, and write the sheet."""
    frames = {(clip.name, true.index): (window.center, true) for clip in clips for true, window in cut(folder, clip)}
    tiles = [_tile(f"{key[0]} {key[1]}", *frames[key], *found[key]) for key in found]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % ACROSS)
    rows = [np.hstack(tiles[i : i + ACROSS]) for i in range(0, len(tiles), ACROSS)]
    cv2.imwrite(str(file), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def _tile(
    name: str, frame: Frame, true: TrueWindow, outcome: str, box: tuple[float, ...] | None, words: str
) -> NDArray[np.uint8]:
    room = (TILE[0], TILE[1] - WORDS)
    scale = min(room[0] / frame.width, room[1] / frame.height)
    size = (round(frame.width * scale), round(frame.height * scale))
    picture = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    for shares, colour in [(s, (150, 150, 150)) for s in true.alt] + [(s, (0, 200, 0)) for s in true.boxes]:
        x1, y1, x2, y2 = (round(a * b) for a, b in zip(shares, (*size, *size), strict=True))
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 2)
    if box is not None:
        x1, y1, x2, y2 = (round(side * scale) for side in box)
        cv2.rectangle(picture, (x1, y1), (x2, y2), (255, 140, 0), 2)
    tile = np.full((TILE[1], TILE[0], 3), 255, np.uint8)
    tile[: size[1], : size[0]] = picture
    for line, text in enumerate((f"{name}: {outcome}", words[:52])):
        at = (4, room[1] + 14 + 15 * line)
        cv2.putText(tile, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return tile
