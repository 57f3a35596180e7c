"""Draw `docs/demo.jpg`, the picture of the README, from what `make demo` has written."""

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
from gar_ssl_ros.offline.demo import LENGTH
from gar_ssl_ros.output.drawing import DARK, Image

SHOWN = (Kind.ONE, Kind.TWO, Kind.FACE, Kind.OFFSCREEN)  # silence shows nothing


def main() -> None:
    """From the folder given, `demo` if none is: the middle of the first scene of each kind, twice as large."""
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    begins = [list(Kind).index(kind) * LENGTH for kind in SHOWN]  # of the first seed, one of each kind, in this order
    images = {frame.stamp: frame.image for frame in Clip(demo / "scenes_annotated.mp4").pictures()}
    tiles = [np.pad(larger(images[nearest(images, begin + LENGTH / 2)]), ((4, 4), (4, 4), (0, 0))) for begin in begins]
    page = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    page[(page == 0).all(axis=2)] = DARK
    cv2.imwrite(str(Path(__file__).with_name("demo.jpg")), page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


def nearest(stamps: Iterable[int], seconds: float) -> int:
    """The stamp nearest a time."""
    return min(stamps, key=lambda stamp: abs(stamp / SECOND - seconds))


def larger(image: Image) -> Image:
    """Twice as large."""
    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


if __name__ == "__main__":
    main()
