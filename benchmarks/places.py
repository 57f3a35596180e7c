"""How true rays, points and transforms are, on rendered scenes whose truth is known, and what a place costs.

    python benchmarks/places.py [--scenes 200] [--trees 1000]

Balls of 0.05 to 0.1 m, 2 to 6 m away, through three lenses with distortion: the angle between the ray of the ball's box
and the ray to its middle. Balls and boards of 0.05 to 0.15 m before a wall, with a stereo camera's noise, holes and
flying pixels: the distance that is told against the true one to the surface. Random trees of frames: against SciPy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "test" / "spatial"))
from rendered import CAMERAS, PINHOLE, Scene, ball, board, measured, random_center, ray_grid, wrong_about_a_tree

from gar_ssl_ros.spatial.depth import DepthImage
from gar_ssl_ros.spatial.direction import direction_of_box, optical_of_angles
from gar_ssl_ros.spatial.transforms import Transform
from gar_ssl_ros.spatial.view import View

SEED = 10_000  # from which on no test has any
DISTANCES = (0.5, 1.0, 2.0, 3.5, 5.0, 6.0)  # m
BESIDE = Transform((0.055, 0.002, 0.003), (0.01, 0.02, 0.005, 1.0))
Make = Callable[[np.ndarray, np.ndarray, float, float], Scene | None]


def rays(lens: str, scenes: int) -> str:
    camera, random = CAMERAS[lens], np.random.default_rng(SEED)
    grid, off = ray_grid(camera), []
    while len(off) < scenes:
        scene = ball(grid, random_center(random, grid, random.uniform(2, 6)), random.uniform(0.05, 0.1), 50.0)
        if scene is not None:
            told = direction_of_box(camera, scene.box)
            ray, true = optical_of_angles(told.bearing, told.elevation), scene.center
            off.append(np.degrees(np.arctan2(np.linalg.norm(np.cross(ray, true)), ray @ true)))
    within = np.mean(np.array(off) < 0.2)
    return f"{within:7.1%} {np.median(off):8.3f} {np.max(off):8.3f}"


def points(make: Make, distance: float, beside: bool, scenes: int) -> str:
    """Of a registered depth image, or of a depth camera beside that is not."""
    random, grid = np.random.default_rng(SEED + round(10 * distance)), ray_grid(PINHOLE)
    off, took = [], []
    while len(off) < scenes:
        center, radius = random_center(random, grid, distance), random.uniform(0.05, 0.15)
        wall = distance + random.uniform(0.5, 3)
        scene = seen = make(grid, center, radius, wall)
        if beside:
            seen = make(grid, BESIDE.inverse().apply(center[None])[0], radius, wall)
        if scene is None or seen is None:
            continue
        depth = DepthImage(0, measured(random, seen.depth).astype(np.float32), 1.0, "")
        view = View(PINHOLE, depth, PINHOLE, BESIDE) if beside else View(PINHOLE, depth)
        began = perf_counter()
        place = view.place(scene.box)
        took.append(perf_counter() - began)
        off.append(abs(place.distance - scene.surface) / scene.surface)
    within = np.mean(np.array(off) < 0.02)
    return f"{within:7.1%} {np.median(off):8.2%} {np.max(off):8.2%} {1000 * np.median(took):8.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--trees", type=int, default=1000)
    given = parser.parse_args()
    print(f"{'rays':<34}within 0.2 deg, median, most (deg)")
    for lens in CAMERAS:
        print(f"{lens:<34}{rays(lens, given.scenes)}")
    print(f"{'points':<34}within 2 %, median, most, time")
    for beside in (False, True):
        for make in (ball, board):
            for distance in DISTANCES:
                what = f"{make.__name__}, {distance:g} m, {'beside' if beside else 'registered'}"
                print(f"{what:<34}{points(make, distance, beside, given.scenes)}")
    wrong = [said for seed in range(given.trees) if (said := wrong_about_a_tree(np.random.default_rng(SEED + seed)))]
    print(f"trees: {len(wrong)} of {given.trees} wrong{': ' if wrong else ''}{'; '.join(wrong[:3])}")


if __name__ == "__main__":
    main()
