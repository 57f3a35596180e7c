"""Things to be drawn: how they look, and how they move when something sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Picture = NDArray[np.float32]  # (height, width, 4): RGB 0..255 and opacity 0..1


@dataclass(frozen=True)
class Pose:
    """Where a thing is drawn: pixels from its place, size, degrees, and grey levels added."""

    dx: float = 0.0
    dy: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0
    angle: float = 0.0
    light: float = 0.0


@dataclass(frozen=True)
class Drive:
    """What a thing moves to at one moment: a loudness 0..1, s since the last onset, and the frame's number."""

    level: float
    since: float
    index: int


Motion = Callable[[Drive], Pose]


def texture(random: Random, width: int, height: int, contrast: float, grain: float) -> Picture:
    """An opaque RGB texture of smooth noise in several octaves; `grain`: size of the coarsest, pixels."""
    octaves = []
    for octave, weight in ((1.0, 1.0), (0.4, 0.6), (0.15, 0.4)):
        cells = (max(2, round(width / (grain * octave))), max(2, round(height / (grain * octave))))
        grey = random.normal(0, 1, (cells[1], cells[0], 1)) + random.normal(0, 0.35, (cells[1], cells[0], 3))
        octaves.append(weight * cv2.resize(grey, (width, height), interpolation=cv2.INTER_CUBIC))
    total = np.sum(octaves, axis=0)
    total *= contrast / max(float(total.std()), 1e-6)
    return np.dstack([total, np.ones((height, width))]).astype(np.float32)


def thing(random: Random, width: int, height: int, ground: NDArray[np.floating], contrast: float) -> Picture:
    """An ellipse, rectangle, polygon or star, plain, grained, striped or chequered, unlike its `ground` colour."""
    colour = _unlike(random, ground, contrast)
    look = random.choice(["plain", "grained", "striped", "chequered"])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pattern: NDArray[np.float32] = np.zeros((height, width, 1), np.float32)
    if look == "grained":
        pattern = texture(random, width, height, contrast / 2, 8)[..., :1]
    elif look == "striped":
        turn = random.uniform(0, np.pi)
        period = random.uniform(7, 14)
        pattern[..., 0] = np.sign(np.sin((x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / period)) * contrast / 2
    elif look == "chequered":
        cell = random.uniform(6, 11)
        pattern[..., 0] = (((x // cell) + (y // cell)) % 2 - 0.5) * contrast
    return np.dstack([np.clip(colour + pattern, 0, 255), _shape(random, width, height)]).astype(np.float32)


def face(random: Random, width: int, height: int) -> Picture:
    """A head without its mouth."""
    colour = np.array([random.uniform(120, 235), 0, 0])
    colour[1], colour[2] = colour[0] * 0.76, colour[0] * 0.62
    opacity = _drawn(width, height, lambda m, c, s: cv2.ellipse(m, c, s, 0, 0, 360, 1.0, -1))
    picture = np.dstack([np.broadcast_to(colour, (height, width, 3)), opacity]).astype(np.float32)
    for side in (-1, 1):
        center = (round(width * (0.5 + 0.19 * side)), round(height * 0.38))
        eye = np.ascontiguousarray(picture[..., :3])
        cv2.ellipse(eye, center, (max(2, width // 11), max(1, height // 18)), 0, 0, 360, (245, 245, 245), -1)
        cv2.circle(eye, center, max(1, width // 24), (30, 30, 40), -1)
        picture[..., :3] = eye
    return picture


def mouth(width: int, height: int) -> Picture:
    """A dark open mouth with lips, to be squeezed shut."""
    opacity = _drawn(width, height, lambda m, c, s: cv2.ellipse(m, c, s, 0, 0, 360, 1.0, -1))
    inner = _drawn(width, height, lambda m, c, s: cv2.ellipse(m, c, (s[0] * 3 // 4, s[1] * 3 // 4), 0, 0, 360, 1.0, -1))
    lips, dark = np.array([165.0, 60, 65]), np.array([45.0, 15, 20])
    return np.dstack([lips + (dark - lips) * inner[..., None], opacity]).astype(np.float32)


def motion(random: Random, reach: float) -> tuple[str, Motion]:
    """One of the ways in which a thing can go with its sound, and its name; `reach` is about its size in pixels."""
    turn = random.uniform(0, 2 * np.pi)
    far = reach * random.uniform(0.8, 1.3)
    signs = random.choice([-1.0, 1.0], 100_000)
    dx, dy = float(np.cos(turn)), float(np.sin(turn))

    def shift(drive: Drive) -> Pose:
        return Pose(dx=far * drive.level * dx, dy=far * drive.level * dy)

    def shake(drive: Drive) -> Pose:
        much = 0.4 * far * drive.level * signs[drive.index % len(signs)]
        return Pose(dx=much * dx, dy=much * dy)

    def swell(drive: Drive) -> Pose:
        size = 1 + far / 40 * drive.level
        return Pose(scale_x=size, scale_y=size)

    def tilt(drive: Drive) -> Pose:
        return Pose(angle=3 * far * drive.level * np.sign(dx))

    def flash(drive: Drive) -> Pose:
        return Pose(light=6 * far * drive.level * np.sign(dx))

    def hop(drive: Drive) -> Pose:
        flight = 0.35  # s
        return Pose(dy=-1.2 * far * 4 * max(0.0, drive.since / flight * (1 - drive.since / flight)))

    ways = {m.__name__: m for m in (shift, shake, swell, tilt, flash, hop)}
    name = str(random.choice(list(ways)))
    return name, ways[name]


def _unlike(random: Random, ground: NDArray[np.floating], contrast: float) -> NDArray[np.float64]:
    while True:
        colour = random.uniform(20, 235, 3)
        if contrast <= abs(float(colour.mean() - ground.mean())) <= 2.5 * contrast:
            return colour


def _shape(random: Random, width: int, height: int) -> NDArray[np.float32]:
    kind = random.choice(["ellipse", "rectangle", "polygon", "star"])
    corners, phase = int(random.integers(5, 8)), random.uniform(0, 2 * np.pi)

    def draw(mask: NDArray[np.float32], center: tuple[int, int], size: tuple[int, int]) -> None:
        if kind == "ellipse":
            cv2.ellipse(mask, center, size, 0, 0, 360, 1.0, -1)
        elif kind == "rectangle":
            cv2.rectangle(mask, (0, 0), (mask.shape[1], mask.shape[0]), 1.0, -1)
        else:
            turns = phase + np.arange(2 * corners) * np.pi / corners
            radius = np.where(np.arange(2 * corners) % 2, 0.6 if kind == "star" else 0.95, 1.0)
            points = np.stack([np.cos(turns) * radius * size[0], np.sin(turns) * radius * size[1]], axis=1) + center
            cv2.fillPoly(mask, [points.round().astype(np.int32)], (1.0,))

    return _drawn(width, height, draw)


def _drawn(
    width: int, height: int, draw: Callable[[NDArray[np.float32], tuple[int, int], tuple[int, int]], object]
) -> NDArray[np.float32]:
    """An opacity drawn at four times the size, so that its edges are smooth."""
    mask = np.zeros((4 * height, 4 * width), np.float32)
    draw(mask, (2 * width, 2 * height), (2 * width - 1, 2 * height - 1))
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.float32)
