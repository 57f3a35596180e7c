"""True masks as PNG files: of one thing, or with a number or a colour for each class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.datasets.media import read_pixels
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.clip import ClipError

SET_LEVEL = 128  # from which on a grey pixel is one of the mask's
MIN_PART_SHARE = 0.05  # of a mask, that a connected part is a thing of its own
NO_COLOUR = 0x80  # bit of a colour that is no class's


def read_binary_mask(path: Path, size: tuple[int, ...]) -> tuple[Mask, str]:
    """A mask of 0 and 255, or 0 and 1, and what is odd about it. size: the picture's, (H, W). Raises ClipError."""
    levels = _read(path, size)
    levels = levels if levels.ndim == 2 else levels.max(axis=2)
    if levels.max() <= 1:
        return Mask(levels == 1), ""
    grey = bool(np.any((levels > 0) & (levels < 255)))
    return Mask(levels >= SET_LEVEL), f"the mask has greys, and is cut at {SET_LEVEL} of 255" if grey else ""


def read_parts(whole: Mask) -> list[Mask]:
    """Its connected parts, the largest first; those below MIN_PART_SHARE go with the largest."""
    count, numbers = cv2.connectedComponents(whole.pixels.astype(np.uint8), connectivity=8)
    areas = np.bincount(numbers.ravel(), minlength=count)
    order = sorted(range(1, count), key=lambda number: -areas[number])
    small = [number for number in order[1:] if areas[number] < MIN_PART_SHARE * whole.area]
    if small:
        numbers[np.isin(numbers, small)] = order[0]
    return [Mask(numbers == number) for number in order if number not in small]


def read_class_masks(path: Path, size: tuple[int, ...], classes: Sequence[str]) -> dict[str, Mask]:
    """Of each class but the first, the background, that is there: its mask. size: the picture's. Raises ClipError.

    A pixel is its class's number, or the colour that PASCAL VOC has for that number.
    """
    levels = _read(path, size)
    if levels.ndim == 3:
        blue, green, red = (_bits(channel)[levels[..., place]] for place, channel in enumerate((2, 1, 0)))
        levels = red | green | blue
    present = np.flatnonzero(np.bincount(levels.ravel(), minlength=256)).tolist()
    strange = [number for number in present if number >= len(classes)]
    if strange:
        raise ClipError(f"{path} holds numbers or colours of no class: give it as published, without resizing it")
    return {classes[number]: Mask(levels == number) for number in present if number}


def _read(path: Path, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """(H, W), or BGR (H, W, 3)."""
    image = read_pixels(path, cv2.IMREAD_UNCHANGED)
    if image.dtype != np.uint8:
        raise ClipError(f"{path} has {8 * image.itemsize} bits a pixel, and a mask has 8: give it as published")
    if image.shape[:2] != size:
        told = f"{image.shape[1]}x{image.shape[0]}, and its picture {size[1]}x{size[0]}"
        raise ClipError(f"{path} is {told}: give both as published, without resizing them")
    return np.asarray(image if image.ndim == 2 else image[..., :3])


@cache
def _bits(channel: int) -> NDArray[np.uint8]:
    """The bits of a class's number that a channel's level, 0..255, tells (0 red, 1 green, 2 blue).

    Of a number, bits 0, 3, 6 are the highest three of red, 1, 4, 7 those of green, 2, 5 those of blue.
    """
    levels = np.arange(256)
    told = np.zeros(256, int)
    for place in range(3):
        told |= (levels >> (7 - place) & 1) << (3 * place + channel)
    told[(levels & 0x1F > 0) | (told > 0x7F)] = NO_COLOUR
    return told.astype(np.uint8)
