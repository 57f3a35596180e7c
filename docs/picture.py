"""Draw `docs/demo.jpg`, the picture of the README, from what `make demo` has written."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.output.drawing import DARK, Image

NAMES = ("one", "two", "face", "offscreen")


def middle(video: Path) -> Image:
    """The center frame of a clip, twice as large."""
    frames = list(Clip(video).pictures())
    image = frames[len(frames) // 2].image
    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


def main() -> None:
    """From the folder given, `demo` if none is."""
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    tiles = [np.pad(middle(demo / f"{name}_annotated.mp4"), ((4, 4), (4, 4), (0, 0))) for name in NAMES]
    page = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    page[(page == 0).all(axis=2)] = DARK
    cv2.imwrite(str(Path(__file__).with_name("demo.jpg")), page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    main()
