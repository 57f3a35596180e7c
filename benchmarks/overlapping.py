"""What windows that overlap cost beside windows of pictures never seen, and how far their answers are apart.

python benchmarks/overlapping.py CLIP... [--reasoner senses] [--hop 1] [--windows 8]

Windows of 3 s. Each is asked about three times: by copies of its pictures, of which nothing can be known; as it is,
most of its pictures those of the one before; and after the reasoner was shown what had come of it AHEAD seconds before
its end, as the localizer does between windows. CPU time of all threads; set OMP_NUM_THREADS=1.
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

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Preparing, Reasoner
from gar_ssl_ros.media.clip import Clip, windows
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.reasoners import reasoner

LENGTH = 3 * SECOND
AHEAD = (0.6, 0.25)  # s


def never_seen(window: Window) -> Window:
    """The same window of other arrays."""
    return replace(window, frames=tuple(replace(frame, image=frame.image.copy()) for frame in window.frames))


def asked(by: Reasoner, window: Window) -> tuple[Localization, float]:
    """The answer, and the milliseconds of CPU that it took."""
    begun = time.process_time()
    *_, last = localize(window, by)
    return last, 1000 * (time.process_time() - begun)


def so_far(window: Window, end: int) -> Window:
    """What has come of it at that time, ns."""
    assert window.audio is not None
    samples = np.array(window.audio.samples)
    samples[:, (end - window.start) * window.audio.rate // SECOND :] = 0
    frames = tuple(frame for frame in window.frames if frame.stamp < end)
    return replace(window, frames=frames, audio=replace(window.audio, samples=samples))


def prepared(by: Reasoner, window: Window) -> float:
    """The milliseconds of CPU that looking at it while it comes takes; 0 where the reasoner does not."""
    begun = time.process_time()
    for ahead in AHEAD if isinstance(by, Preparing) and window.audio is not None else ():
        by.prepare(so_far(window, window.end - round(ahead * SECOND)), Deadline())
    return 1000 * (time.process_time() - begun)


def apart(one: Localization, other: Localization) -> float:
    """How far the consistencies of two answers are apart; 1 where the outcomes or boxes are others."""
    if (one.outcome, [s.box for s in one.sources]) != (other.outcome, [s.box for s in other.sources]):
        return 1.0
    both = zip(one.sources, other.sources, strict=True)
    return max((abs((a.av_consistency or 0.0) - (b.av_consistency or 0.0)) for a, b in both), default=0.0)


def costs(
    fresh: Reasoner, again: Reasoner, ahead: Reasoner, path: Path, hop: int, most: int
) -> Iterator[tuple[float, ...]]:
    """Of each window but the first: CPU never seen, overlapping, ahead and then at its end; how far apart."""
    for at, window in enumerate(islice(windows(Clip(path), LENGTH, hop), most)):
        alone, full = asked(fresh, never_seen(window))
        shared, less = asked(again, window)
        before = prepared(ahead, window)
        last, least = asked(ahead, window)
        if at:
            yield full, less, before, least, max(apart(alone, shared), apart(alone, last))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--reasoner", default="senses")
    parser.add_argument("--hop", type=float, default=1.0, help="s")
    parser.add_argument("--windows", type=int, default=8, help="of each clip at most")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    by = [reasoner(options.reasoner) for _ in range(3)]
    found = []
    print(f"{'medians':24} never seen  overlapping  ahead, at the end   S_av apart: mean, most  other answers")
    for path in options.clips:
        found.append(np.array(list(costs(*by, path, round(options.hop * SECOND), options.windows))))
        told(path.stem, found[-1])
    told("all", np.concatenate(found))
    print(f"resident at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, with three reasoners")


def told(name: str, found: NDArray[np.float64]) -> None:
    """One line of the table."""
    (full, less, before, least), same = np.median(found[:, :4], axis=0), found[found[:, 4] < 1, 4]
    print(
        f"{name:24} {full:7.0f} ms {less:9.0f} ms {before:6.0f}, {least:6.0f} ms {same.mean():17.3f} {same.max():7.3f} "
        f"{len(found) - len(same):6} of {len(found)}"
    )


if __name__ == "__main__":
    main()
