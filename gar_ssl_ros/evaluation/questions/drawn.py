"""Things of a class, drawn: each individual in colours and proportions of its own. `things.json` has the classes.

A class has a height (m), an aspect (width by height), whether it sounds, its colours `a` and `b`, and its parts in
the order in which they are drawn, in shares of the width and height: `e` an ellipse (middle, radii, colour, degrees),
`p` a polygon, `r` a rectangle, `l` a line (points, its width as a share of the width). Colours are `a`, `b`, `k`
(dark), `w` (light) or their own.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter

from gar_ssl_ros.evaluation.scenes.things import Picture, Random

THINGS_FILE = Path(__file__).with_name("things.json")
SIDE_PX, OVERSAMPLING = 160, 2  # of a picture's longer side; of what it is drawn at
DARK, LIGHT = "#1e1e22", "#f2f0ea"
SHIFT, SHIFTS = 4, 1 << 4  # fractional bits of OpenCV's coordinates
Colour = tuple[float, float, float]


class ThingClass(BaseModel):
    """One class of `things.json`; see there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: float
    aspect: float
    sounds: bool
    a: tuple[str, ...]
    b: tuple[str, ...]
    parts: tuple[tuple[Any, ...], ...]


@cache
def things() -> Mapping[str, ThingClass]:
    """Those that are known, by name."""
    return TypeAdapter(dict[str, ThingClass]).validate_json(THINGS_FILE.read_text(encoding="utf-8"))


def draw_thing(random: Random, kind: ThingClass) -> tuple[Picture, float]:
    """An individual: RGB and opacity, cut out to its edges, and its height, m."""
    aspect, height = kind.aspect * random.uniform(0.9, 1.12), kind.height * random.uniform(0.85, 1.15)
    tall = SIDE_PX if aspect <= 1 else SIDE_PX / aspect
    size = (round(tall * aspect) * OVERSAMPLING, round(tall) * OVERSAMPLING)
    base, second = (_jittered(random, str(random.choice(some))) for some in (kind.a, kind.b))
    colours = {"a": base, "b": second, "k": _rgb(DARK), "w": _rgb(LIGHT)}
    picture = np.zeros((size[1], size[0], 3), np.float32)
    opacity = np.zeros((size[1], size[0]), np.float32)
    bend = random.normal(0, 0.012, (64, 2))
    for number, part in enumerate(kind.parts):
        mask = np.zeros_like(opacity)
        colour = _drawn(mask, part, size, bend[number % len(bend)])
        mixed = np.array(colours[colour] if colour in colours else _rgb(colour), np.float32)
        picture += mask[..., None] * (mixed - picture)
        np.maximum(opacity, mask, out=opacity)
    picture *= _shade(random, size)[..., None]
    if random.random() < 0.5:
        picture, opacity = picture[:, ::-1], opacity[:, ::-1]
    whole = np.dstack([np.clip(picture, 0, 255), opacity])
    small = cv2.resize(whole, (size[0] // OVERSAMPLING, size[1] // OVERSAMPLING), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32), height


def _drawn(mask: Picture, part: Sequence[Any], size: tuple[int, int], bend: Any) -> str:
    """A part's mask, and the name of its colour."""
    shape = part[0]
    scale = np.array(size, np.float64)
    if shape == "e":
        _, x, y, across, down, colour, *turn = part
        center = _fixed((np.array([x, y]) + bend) * scale)
        axes = _fixed(np.array([across, down]) * scale)
        angle = float(turn[0]) if turn else 0.0
        cv2.ellipse(mask, center.tolist(), axes.tolist(), angle, 0, 360, (1.0,), -1, cv2.LINE_8, SHIFT)
    elif shape == "l":
        _, points, width, colour = part
        line = _fixed((np.array(points) + bend) * scale).reshape(-1, 1, 2)
        cv2.polylines(mask, [line], False, (1.0,), max(1, round(width * size[0])), cv2.LINE_8, SHIFT)
    else:
        if shape == "r":
            _, left, top, right, bottom, colour = part
            points = [[left, top], [right, top], [right, bottom], [left, bottom]]
        else:
            _, points, colour = part
        cv2.fillPoly(mask, [_fixed((np.array(points) + bend) * scale).reshape(-1, 1, 2)], (1.0,), cv2.LINE_8, SHIFT)
    return str(colour)


def _shade(random: Random, size: tuple[int, int]) -> Picture:
    """Lighter on the side that the light comes from."""
    across, down = np.linspace(-1, 1, size[0], dtype=np.float32), np.linspace(-1, 1, size[1], dtype=np.float32)
    return np.asarray(1 + 0.12 * float(random.choice([-1, 1])) * across[None] - 0.1 * down[:, None], np.float32)


def _jittered(random: Random, colour: str) -> Colour:
    hue, light, strong = colorsys.rgb_to_hls(*(one / 255 for one in _rgb(colour)))
    hue, light = hue + random.uniform(-0.035, 0.035), light * random.uniform(0.85, 1.15)
    red, green, blue = colorsys.hls_to_rgb(hue % 1, min(light, 0.95), strong)
    return red * 255, green * 255, blue * 255


def _rgb(colour: str) -> Colour:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _fixed(points: Any) -> Any:
    return np.round(np.asarray(points) * SHIFTS).astype(np.int32)
