"""The bounds of a moving thing as it stands in the center frame, rather than of all the places it passed through.

The thing is taken for one layer before another: its pixels are those whose structure recurs in the other frames when
the picture is moved as the thing moved, and does not when the picture is left where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box, box_from_reply
from gar_ssl_ros.reasoners.signal.motion import Motion, Region, grey_at

Patch = NDArray[np.float32]  # (height, width), grey levels
Affine = NDArray[np.float64]  # (2, 3): from the center frame's pixels to another frame's
Sides = tuple[float, float, float, float]

OUTLINE_SIDE_PX = 320  # pixels: about the longer side at which bounds are drawn
MARGIN_PX = 8  # pixels around the region that belong to the search
MAX_VIEWS = 7  # other frames that are compared with the center frame
MAX_SHIFT_PX = 14  # pixels: a thing is searched for this far from where it was
OUTLIER_GREY = 30  # grey levels: a difference beyond it means another thing, and how far beyond means nothing
AVERAGE_PX = (3, 3)  # pixels over which differences are averaged
CERTAIN_NOISE = 4.0  # times the noise: a squared difference beyond it is none


@dataclass(frozen=True, eq=False)
class _Layers:
    """How badly each pixel of the center frame is explained: (height, width), squared grey levels.

    as_thing: by the thing's own motion, in most views. as_ground: by standing still, in some views. always: by
    standing still, in most views. structure: what there is to explain. noise: what cannot be explained.
    """

    as_thing: Patch
    as_ground: Patch
    always: Patch
    structure: Patch
    noise: float


@dataclass(frozen=True)
class _Drawn:
    """Bounds, image pixels; how much of all change the thing's motion explains; and how much of what always changes
    they hold, both 0..1.
    """

    sides: Sides
    explained: float
    covered: float


def outline(motion: Motion, region: Region, views: int = MAX_VIEWS) -> Box:
    """The box of `region`'s thing in the center frame, pixels of the original image."""
    center = motion.frames[motion.center]
    rough = box_from_reply([side * motion.scale for side in region.rect], center.width, center.height)
    assert rough is not None  # a region lies in the picture
    drawn = _draw(motion, region, views)
    if drawn is None:
        return rough
    slack = motion.scale  # how far the rough bounds may be off: a measured pixel
    x1, y1 = max(drawn.sides[0], rough.x1 - slack), max(drawn.sides[1], rough.y1 - slack)
    x2, y2 = min(drawn.sides[2], rough.x2 + slack), min(drawn.sides[3], rough.y2 + slack)
    fine = box_from_reply((x1, y1, x2, y2), center.width, center.height) if x1 < x2 and y1 < y2 else None
    if fine is None or fine.area < 0.3 * rough.area:
        return rough  # only a part of it was recognised
    if fine.area < 0.5 * rough.area and min(drawn.explained, drawn.covered) < 0.8:
        return rough  # it does not move as one rigid piece
    return fine


def _draw(motion: Motion, region: Region, views: int) -> _Drawn | None:
    center = motion.frames[motion.center]
    scale = max(1, round(max(center.width, center.height) / OUTLINE_SIDE_PX))
    ratio = motion.scale / scale
    size = (center.width // scale, center.height // scale)
    x1, y1, x2, y2 = (round(side * ratio) for side in region.rect)
    left, top = max(0, x1 - MARGIN_PX), max(0, y1 - MARGIN_PX)
    inside = np.s_[top : min(size[1], y2 + MARGIN_PX), left : min(size[0], x2 + MARGIN_PX)]
    weight = np.asarray(cv2.resize(np.clip((motion.energy - 1.2) / 2, 0.01, 1), size), np.float32)[inside]
    template = _Template(_smoothed(grey_at(center.image, scale)[inside].astype(np.float32)), weight)

    moved: list[Affine] = []
    as_thing: list[Patch] = []
    as_ground: list[Patch] = []
    for t in _chosen(motion, region, views):
        there = _view(
            grey_at(motion.frames[t].image, scale), region.still.motions[t], ratio, (left, top), template.here.shape
        )
        moved.append(template.follow(there, moved[-2:]))
        as_thing.append(template.badness(_moved(there, moved[-1]), relit=True))
        as_ground.append(template.badness(there))
    layers = _layers(template.here, as_thing, as_ground)
    shown = _mask(layers)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not len(rows):
        return None
    changed = layers.as_ground > CERTAIN_NOISE * layers.noise
    unexplained = np.minimum(layers.as_thing, layers.as_ground)[changed].sum()
    always = layers.always > CERTAIN_NOISE * layers.noise
    held = always[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].sum()
    # A pixel less on each side: the means over AVERAGE_PX reach that far beyond what they show.
    sides = (left + columns[0] + 1, top + rows[0] + 1, left + columns[-1], top + rows[-1])
    return _Drawn(
        (sides[0] * scale, sides[1] * scale, sides[2] * scale, sides[3] * scale),
        explained=1 - float(unexplained) / max(float(layers.as_ground[changed].sum()), 1e-6),
        covered=float(held) / max(1, int(always.sum())),
    )


def _chosen(motion: Motion, region: Region, views: int) -> list[int]:
    """Frames in which the region looks unlike itself in the center frame, the least unlike first.

    In that order each one's motion is a start for the search for the next one's.
    """
    x1, y1, x2, y2 = region.rect
    look = region.still.grey[:, y1:y2, x1:x2].astype(np.float32)
    unlike = ((look - look[motion.center]) ** 2).mean(axis=(1, 2))
    others = [int(t) for t in np.argsort(unlike) if t != motion.center]
    return [others[i] for i in sorted({round(i) for i in np.linspace(len(others) * 0.25, len(others) - 1, views)})]


class _Template:
    """The center frame's patch, `weight` telling where the thing is likely to be, ready to be found elsewhere."""

    def __init__(self, here: Patch, weight: Patch) -> None:
        self.here = here
        self._weight = weight
        height, width = here.shape
        self._unit = max(height, width) / 2
        self._middle = ((width - 1) / 2, (height - 1) / 2)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = (x - self._middle[0]) / self._unit, (y - self._middle[1]) / self._unit
        slope_x, slope_y = _slopes(here)
        slopes = np.stack([slope_x, slope_y, slope_x * x, slope_x * y, slope_y * x, slope_y * y]).reshape(6, -1)
        self._weighted = slopes * weight.ravel()
        normal = (self._weighted @ slopes.T).astype(np.float64)
        # A thing of little structure shifts rather than stretches.
        stiffness = np.diag([1e-3, 1e-3, 0.02, 0.02, 0.02, 0.02]) * np.trace(normal) / 6
        self._inverse = np.linalg.inv(normal + stiffness + 1e-6 * np.eye(6))

    def badness(self, there: Patch, relit: bool = False) -> Patch:
        """The squared difference to another frame's patch; `relit`: after allowing for more or less light on it."""
        if relit:
            there = there + np.float32(((self.here - there) * self._weight).sum() / self._weight.sum())
        return np.asarray(cv2.blur((there - self.here) ** 2, AVERAGE_PX), np.float32)

    def follow(self, there: Patch, earlier: list[Affine]) -> Affine:
        """How the thing moved: an affine motion, found by descent from the best of a few starts."""
        around = cv2.copyMakeBorder(
            there, MAX_SHIFT_PX, MAX_SHIFT_PX, MAX_SHIFT_PX, MAX_SHIFT_PX, cv2.BORDER_REPLICATE
        )[::2, ::2]
        mask = np.ascontiguousarray(self._weight[::2, ::2])
        x, y = cv2.minMaxLoc(cv2.matchTemplate(around, self.here[::2, ::2], cv2.TM_SQDIFF, mask=mask))[2]
        shifted = np.array([[1.0, 0, 2 * x - MAX_SHIFT_PX], [0, 1, 2 * y - MAX_SHIFT_PX]])
        return self._descend(there, min([shifted, np.eye(3)[:2], *earlier], key=lambda way: self._misfit(there, way)))

    def _misfit(self, there: Patch, way: Affine) -> float:
        return float((np.minimum(np.abs(_moved(there, way) - self.here), OUTLIER_GREY) * self._weight).sum())

    def _descend(self, there: Patch, start: Affine) -> Affine:
        """Inverse-compositional Gauss-Newton on squared differences (Baker and Matthews, 2004)."""
        (middle_x, middle_y), unit = self._middle, self._unit
        way = np.vstack([start, [0, 0, 1]])
        for _ in range(8):
            left = np.clip(_moved(there, way[:2]) - self.here, -OUTLIER_GREY, OUTLIER_GREY)
            shift_x, shift_y, xx, xy, yx, yy = self._inverse @ (self._weighted @ left.ravel())
            step = np.eye(3)
            step[0] += np.array([xx, xy, shift_x * unit - xx * middle_x - xy * middle_y]) / unit
            step[1] += np.array([yx, yy, shift_y * unit - yx * middle_x - yy * middle_y]) / unit
            if abs(np.linalg.det(step)) < 0.1:
                break  # it would fold the picture: no motion at all
            way = way @ np.linalg.inv(step)
            if max(abs(shift_x), abs(shift_y)) < 0.03:
                break
        return np.asarray(way[:2])


def _layers(here: Patch, as_thing: list[Patch], as_ground: list[Patch]) -> _Layers:
    views = len(as_thing) - 1
    thing = np.sort(np.stack(as_thing, axis=-1), axis=-1)
    ground = np.sort(np.stack(as_ground, axis=-1), axis=-1)
    noise = float(np.median(np.minimum(thing, ground)[::2, ::2])) + 0.5
    slope_x, slope_y = _slopes(here)
    structure = cv2.blur(slope_x**2 + slope_y**2, AVERAGE_PX) - 0.12 * noise  # 0.12: of the noise, what slopes keep
    return _Layers(
        as_thing=thing[..., round(0.6 * views)],
        as_ground=ground[..., round(0.75 * views)],
        always=ground[..., round(0.3 * views)],
        structure=np.maximum(structure, 0, dtype=np.float32),
        noise=noise,
    )


def _mask(layers: _Layers) -> NDArray[np.bool_]:
    """Pixels of the thing: the ground fails to explain them, the thing does, and there is something to explain."""
    shown = (
        (layers.as_ground > CERTAIN_NOISE * layers.noise)
        & (layers.as_thing < 0.35 * layers.as_ground)
        & (layers.as_thing < layers.noise + layers.structure)
        & (layers.structure > 0.25 * layers.noise)
    ).astype(np.uint8)
    opened = cv2.morphologyEx(shown, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    areas = np.array(stats[:, cv2.CC_STAT_AREA])
    areas[0] = 0  # of what is not shown
    return np.asarray(np.isin(labels, np.flatnonzero(areas > 0.25 * areas.max())))


def _view(
    frame: NDArray[np.uint8], motion: Affine, ratio: float, corner: tuple[int, int], shape: tuple[int, ...]
) -> Patch:
    """The patch of `frame` whose upper left is `corner` once the camera's motion is taken out, slightly smoothed."""
    out = motion[:2].copy()
    out[:, 2] = out[:, 2] * ratio + out[:, :2] @ corner
    return _smoothed(_warped(frame.astype(np.float32), out, shape))


def _moved(patch: Patch, way: Affine) -> Patch:
    return _warped(patch, way, patch.shape)


def _warped(patch: Patch, way: Affine, shape: tuple[int, ...]) -> Patch:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    return np.asarray(cv2.warpAffine(patch, way, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _smoothed(patch: Patch) -> Patch:
    return np.asarray(cv2.GaussianBlur(patch, (0, 0), 0.8), np.float32)


def _slopes(patch: Patch) -> tuple[Patch, Patch]:
    """Grey levels a pixel, to the right and down."""
    across, down = (cv2.Sobel(patch, cv2.CV_32F, *way) / 8 for way in ((1, 0), (0, 1)))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)
