"""Draw the README's pictures: `docs/demo.jpg` of what `make demo` has written, `docs/spatial.jpg` of `--spatial`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

import gar_ssl_ros.messages.ros  # noqa: F401  # before the demo, which reads messages
from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.offline.demo import SCENE_S
from gar_ssl_ros.output.drawing import DARK, Image

SHOWN = (Kind.ONE, Kind.TWO, Kind.FACE, Kind.OFFSCREEN)  # silence shows nothing


def main() -> None:
    """From the folder given, `demo` if none is: the middle of the first scene of each kind, twice as large.

    Of `--spatial`, the middle of each scene.
    """
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    if (demo / "heard_annotated.mp4").exists():
        spatial(demo / "heard_annotated.mp4")
        return
    begins = [list(Kind).index(kind) * SCENE_S for kind in SHOWN]  # of the first seed, one of each kind, in this order
    images = {frame.stamp: frame.image for frame in Clip(demo / "scenes_annotated.mp4").pictures()}
    tiles = [np.pad(larger(images[nearest(images, begin + SCENE_S / 2)]), ((4, 4), (4, 4), (0, 0))) for begin in begins]
    page = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    page[(page == 0).all(axis=2)] = DARK
    cv2.imwrite(str(Path(__file__).with_name("demo.jpg")), page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


def spatial(video: Path) -> None:
    """Four scenes a row."""
    images = {frame.stamp: frame.image for frame in Clip(video).pictures()}
    count = round((max(images) / SECOND) / SCENE_S)
    tiles = [images[nearest(images, (index + 0.55) * SCENE_S)] for index in range(count)]
    page = np.vstack([np.hstack(tiles[row : row + 4]) for row in range(0, count, 4)])
    cv2.imwrite(str(Path(__file__).with_name("spatial.jpg")), page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


def nearest(stamps: Iterable[int], seconds: float) -> int:
    """The stamp nearest a time."""
    return min(stamps, key=lambda stamp: abs(stamp / SECOND - seconds))


def larger(image: Image) -> Image:
    """Twice as large."""
    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


if __name__ == "__main__":
    main()
