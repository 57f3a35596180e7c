"""What in a box differs in colour from what is around it, cut along edges: GrabCut (Rother et al. 2004) of OpenCV.

The box may be too small, too large or beside its thing by a fifth of its size, as a reasoner's are: what is further away
is ground, what is in the box is probably thing. Holes belong to the thing: a face is whole with its mouth.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.crop import grown, outside, pixels_of_box
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.segmenter import Image, Prompt

# Chosen on rendered scenes of the seeds 30000 to 30079 and 31000 to 31039; judged on others by benchmarks/masks.py.
MARGIN = 0.25  # of a box's sides, to each side of it, where its thing may go on
CONTEXT = 0.45  # of the same, to where the ground is looked at
ITERATIONS = 3
MAX_PIXELS = 24_000  # that are looked at, of a crop that is scaled down to them: so a box costs 40 ms at most
MIN_GROUND = 0.05  # of the crop: with less around the box there is nothing to tell it from
MIN_SPREAD = 2.0  # grey levels, standard deviation in the crop: what is less is of one colour
MIN_SHARE, MAX_SHARE = 0.05, 0.98  # of the box, and of the crop, that a thing takes
MIN_PIECE = 0.1  # of the largest piece in the box, that another one must have there to belong to it
Pixels = NDArray[np.uint8]


def grabcut_segmenter(_: MaskOptions) -> GrabCutSegmenter:
    """As the registry makes it."""
    return GrabCutSegmenter()


class GrabCutSegmenter:
    """Needs no model; 10 to 40 ms of one core a box, whatever the image's size. The same image gives the same mask."""

    name = "grabcut"

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> list[Mask | Failure]:
        """As of Segmenter."""
        masks = []
        for prompt in prompts:
            deadline.check()
            masks.append(_mask(image, prompt.box))
        return masks


def _mask(image: Image, box: Box) -> Mask | Failure:
    height, width = image.shape[:2]
    around = pixels_of_box(grown(box, CONTEXT), width, height)
    if around is None or pixels_of_box(box, width, height) is None:
        return Failure(outside(box, width, height))
    crop = image[around]
    scale = min(1.0, (MAX_PIXELS / (crop.shape[0] * crop.shape[1])) ** 0.5)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small = np.ascontiguousarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA) if scale < 1 else crop)
    across, down = size[0] / crop.shape[1], size[1] / crop.shape[0]
    left, top = around[1].start, around[0].start

    def part(of: Box) -> tuple[slice, slice] | None:
        sides = ((of.x1 - left) * across, (of.y1 - top) * down, (of.x2 - left) * across, (of.y2 - top) * down)
        return pixels_of_box(Box(*sides), *size)

    near, inside = part(grown(box, MARGIN)), part(box)
    if near is None or inside is None:
        return Failure("the box is thinner than what can be looked at")
    if float(small.reshape(-1, 3).std(axis=0).max()) < MIN_SPREAD:
        return Failure("in and around the box there is one colour alone")
    marks = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    marks[near], marks[inside] = cv2.GC_PR_BGD, cv2.GC_PR_FGD
    if np.count_nonzero(marks != cv2.GC_PR_FGD) < MIN_GROUND * marks.size:
        return Failure("the box leaves nothing around it to tell its thing from")
    cv2.setRNGSeed(0)
    cv2.grabCut(small, marks, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ITERATIONS, cv2.GC_INIT_WITH_MASK)
    cut = _whole(np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8), inside)
    if np.count_nonzero(cut[inside]) < MIN_SHARE * cut[inside].size or np.count_nonzero(cut) > MAX_SHARE * cut.size:
        return Failure("nothing in the box stands out from what is around it")
    if scale < 1:
        edges = cv2.resize(cut.astype(np.float32), (crop.shape[1], crop.shape[0]), interpolation=cv2.INTER_LINEAR)
        cut = (edges > 0.5).astype(np.uint8)
    pixels = np.zeros((height, width), np.bool_)
    pixels[around] = cut > 0
    return Mask(pixels)


def _whole(cut: Pixels, inside: tuple[slice, slice]) -> Pixels:
    """Its pieces that are in the box, their holes filled; all 0 where there is none."""
    count, labels = cv2.connectedComponents(cut)
    there = np.bincount(labels[inside].ravel(), minlength=count)
    there[0] = 0
    pieces = ((there > 0) & (there >= MIN_PIECE * there.max()))[labels].astype(np.uint8)
    contours, _ = cv2.findContours(pieces, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros_like(pieces)
    cv2.drawContours(whole, contours, -1, 1, cv2.FILLED)
    return np.asarray(whole)
