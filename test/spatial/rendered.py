"""Balls and boards before a wall, as cameras with real lenses see them, and trees of frames: with their truth.

Rendered and composed by OpenCV and SciPy, not by what is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.transforms import Transform, TransformBuffer, TransformError

K640 = (525.0, 0.0, 318.0, 0.0, 530.0, 243.0, 0.0, 0.0, 1.0)
CAMERAS = {
    "plumb_bob": Camera(640, 480, K640, (-0.28, 0.09, 0.001, -0.0007, -0.01), "plumb_bob"),
    "rational_polynomial": Camera(
        1280,
        720,
        (610.0, 0.0, 645.0, 0.0, 608.0, 355.0, 0.0, 0.0, 1.0),
        (0.5, -2.6, 0.0004, -0.0002, 1.5, 0.38, -2.4, 1.43),
        "rational_polynomial",
    ),
    "equidistant": Camera(
        800, 600, (330.0, 0.0, 402.0, 0.0, 330.0, 297.0, 0.0, 0.0, 1.0), (0.01, -0.006, 0.002, -0.0005), "equidistant"
    ),
}
PINHOLE = Camera(640, 480, K640)
STEP = 2_500_000  # ns between stamps that are as close as a buffer of 1 s keeps them


@dataclass(frozen=True, eq=False)
class Scene:
    """depth: (height, width), m along the optical axis. box: of the thing. center: its middle, (3,), m. surface: m from
    the camera to it, along the ray to its middle."""

    depth: np.ndarray
    box: Box
    center: np.ndarray
    surface: float


@cache
def ray_grid(camera: Camera) -> np.ndarray:
    """(height, width, 3) with z 1, of the pixels' middles."""
    across, down = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    pixels = np.stack([across, down], axis=-1).reshape(-1, 1, 2).astype(float)
    lens, bend = np.reshape(camera.matrix, (3, 3)), np.array(camera.distortion or (0.0,) * 4)
    if camera.model == "equidistant":
        flat = cv2.fisheye.undistortPoints(pixels, lens, bend)
    else:
        done = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-12)
        flat = cv2.undistortPoints(pixels, lens, bend, criteria=done)
    return np.concatenate([flat.reshape(camera.height, camera.width, 2), np.ones((camera.height, camera.width, 1))], 2)


def ball(rays: np.ndarray, center: np.ndarray, radius: float, wall: float) -> Scene | None:
    """A ball before a wall, m away; None where it is not wholly in the picture."""
    toward, square = rays @ center, (rays**2).sum(axis=2)
    inside = toward**2 - square * (center @ center - radius**2)
    hit = (inside > 0) & (toward > 0)
    depth = np.full(hit.shape, wall)
    depth[hit] = ((toward - np.sqrt(np.maximum(inside, 0))) / square)[hit]
    return _scene(depth, hit, center, float(np.linalg.norm(center)) - radius)


def board(rays: np.ndarray, center: np.ndarray, radius: float, wall: float) -> Scene | None:
    """A square board of twice the radius, upright across the optical axis."""
    hit = (np.abs(rays[..., :2] * center[2] - center[:2]) < radius).all(axis=2)
    depth = np.where(hit, center[2], wall)
    return _scene(depth, hit, center, float(np.linalg.norm(center)))


def _scene(depth: np.ndarray, hit: np.ndarray, center: np.ndarray, surface: float) -> Scene | None:
    rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
    whole = (
        len(rows) > 4
        and len(columns) > 4
        and not (hit[0].any() or hit[-1].any() or hit[:, 0].any() or hit[:, -1].any())
    )
    if not whole:
        return None
    return Scene(depth, Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), center, surface)


def measured(random: np.random.Generator, depth: np.ndarray) -> np.ndarray:
    """As a stereo camera measures it: noise that grows with the square, holes, and pixels that fly before edges."""
    noisy = depth + random.normal(0, 1, depth.shape) * (0.001 + 0.0015 * depth**2)
    flying = random.random(depth.shape) < 0.03
    noisy[flying] *= random.uniform(0.3, 1.0, int(flying.sum()))
    noisy[random.random(depth.shape) < 0.15] = np.nan
    return noisy


def random_center(random: np.random.Generator, rays: np.ndarray, distance: float) -> np.ndarray:
    """That far away, somewhere in the picture but for its edges."""
    height, width, _ = rays.shape
    row, column = random.integers(height // 8, height - height // 8), random.integers(width // 8, width - width // 8)
    (first, right), (below, _) = rays[row : row + 2, column : column + 2]
    ray = first + random.random() * (right - first) + random.random() * (below - first)
    return ray / np.linalg.norm(ray) * distance


def wrong_about_a_tree(random: np.random.Generator) -> str:
    """What a buffer says otherwise than SciPy of two frames of a random tree; empty where nothing."""
    buffer, frames = TransformBuffer(10**9), int(random.integers(2, 12))
    parents: list[int | None] = [None]
    edges: list[tuple[np.ndarray, Rotation, np.ndarray] | None] = [None]  # stamps, turns, moves
    entries = []
    for child in range(1, frames):
        parent, static = int(random.integers(0, child)), random.random() < 0.4
        if random.random() < 0.05:
            parent = -child  # a root of its own, named otherwise
        stamps = STEP * np.sort(random.choice(400, 1 if static else int(random.integers(1, 7)), replace=False)) + 10**9
        turns = Rotation.random(len(stamps), random)
        moves = random.uniform(-5, 5, (len(stamps), 3))
        parents.append(parent)
        edges.append((np.array([]) if static else stamps, turns, moves))
        for stamp, turn, move in zip(stamps, turns, moves, strict=True):
            sign = random.choice([-1, 1])  # both quaternions are the same turn
            entries.append(
                (f"f{parent}", f"f{child}", int(stamp), Transform(tuple(move), tuple(sign * turn.as_quat())), static)
            )
    random.shuffle(entries)
    for entry in entries:
        buffer.add(*entry)
    target, source = (int(random.integers(0, frames)) for _ in "ab")
    stamp = int(random.integers(10**9, 2 * 10**9))
    if random.random() < 0.3 and entries:
        stamp = entries[int(random.integers(len(entries)))][2]
    wanted = _reference(parents, edges, target, source, stamp)
    try:
        found = buffer.lookup(f"f{target}", f"f{source}", stamp)
    except TransformError as problem:
        return "" if wanted is None else f"refused: {problem}"
    if wanted is None:
        return "answered what cannot be known"
    points = random.uniform(-3, 3, (5, 3))
    off = np.abs(found.apply(points) - (points @ wanted[:3, :3].T + wanted[:3, 3])).max()
    return "" if off < 1e-6 else f"{off} m off"


def _reference(parents, edges, target: int, source: int, stamp: int) -> np.ndarray | None:
    """By 4 x 4 matrices; None where it cannot be known."""

    def chain(frame: int) -> list[int]:
        found = [frame]
        while frame >= 0 and parents[frame] is not None:
            frame = parents[frame]
            found.append(frame)
        return found

    up, down = chain(source), chain(target)
    if up[-1] != down[-1]:
        return None
    whole = {0: np.eye(4), 1: np.eye(4)}
    for which, own, other in ((0, up, down), (1, down, up)):
        for frame in own:
            if frame in other:
                break
            stamps, turns, moves = edges[frame]
            if not len(stamps):
                turn, move = turns[0], moves[0]
            elif not stamps[0] <= stamp <= stamps[-1]:
                return None
            elif len(stamps) == 1:
                turn, move = turns[0], moves[0]
            else:
                turn = Slerp(stamps - stamps[0], turns)(stamp - stamps[0])
                move = [np.interp(stamp, stamps, moves[:, axis]) for axis in range(3)]
            step = np.eye(4)
            step[:3, :3], step[:3, 3] = turn.as_matrix(), move
            whole[which] = step @ whole[which]
    return np.linalg.inv(whole[1]) @ whole[0]
