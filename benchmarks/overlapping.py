"""What windows that overlap cost beside windows of pictures never seen, and how far their answers are apart.

python benchmarks/overlapping.py CLIP... [--reasoner senses] [--hop 1] [--windows 8]

Windows of 3 s. Each is asked about twice: by copies of its pictures, of which nothing can be known, and as it comes,
most of its pictures those of the one before. CPU time of all threads; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.clip import Clip, windows
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.reasoners import reasoner

LENGTH = 3 * SECOND


def never_seen(window: Window) -> Window:
    """The same window of other arrays."""
    return replace(window, frames=tuple(replace(frame, image=frame.image.copy()) for frame in window.frames))


def asked(by: Reasoner, window: Window) -> tuple[Localization, float]:
    """The answer, and the milliseconds of CPU that it took."""
    begun = time.process_time()
    *_, last = localize(window, by)
    return last, 1000 * (time.process_time() - begun)


def apart(one: Localization, other: Localization) -> float:
    """How far the consistencies of two answers are apart; 1 where the outcomes or boxes are others."""
    if (one.outcome, [s.box for s in one.sources]) != (other.outcome, [s.box for s in other.sources]):
        return 1.0
    both = zip(one.sources, other.sources, strict=True)
    return max((abs((a.av_consistency or 0.0) - (b.av_consistency or 0.0)) for a, b in both), default=0.0)


def pairs(fresh: Reasoner, again: Reasoner, path: Path, hop: int, most: int) -> Iterator[tuple[float, float, float]]:
    """Of each window but the first: CPU never seen, CPU overlapping, how far apart."""
    for at, window in enumerate(islice(windows(Clip(path), LENGTH, hop), most)):
        alone, full = asked(fresh, never_seen(window))
        shared, less = asked(again, window)
        if at:
            yield full, less, apart(alone, shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--reasoner", default="senses")
    parser.add_argument("--hop", type=float, default=1.0, help="s")
    parser.add_argument("--windows", type=int, default=8, help="of each clip at most")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    fresh, again = reasoner(options.reasoner), reasoner(options.reasoner)
    found = []
    print(f"{'medians':24} never seen  overlapping  ratio   S_av apart: mean, most  other answers")
    for path in options.clips:
        found.append(np.array(list(pairs(fresh, again, path, round(options.hop * SECOND), options.windows))))
        told(path.stem, found[-1])
    told("all", np.concatenate(found))
    print(f"resident at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, with two reasoners")


def told(name: str, found: NDArray[np.float64]) -> None:
    """One line of the table."""
    (full, less), same = np.median(found[:, :2], axis=0), found[found[:, 2] < 1, 2]
    print(
        f"{name:24} {full:7.0f} ms {less:9.0f} ms {less / full:6.2f} {same.mean():17.3f} {same.max():7.3f} "
        f"{len(found) - len(same):6} of {len(found)}"
    )


if __name__ == "__main__":
    main()
