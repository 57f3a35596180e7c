"""What a window costs: `signal` at several sizes on one core, and the pipeline alone.

    python benchmarks/speed.py [--repeat 7]

Each figure is the median over scenes of the least of several runs, on one core, and beside it the share of the
window's 3 s; the pipeline's own cost is what it takes over a reasoner that answers at once.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter

import cv2
import numpy as np

from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.gar.stages import AnchorVote, AudioLabel, Consensus, Hypothesis, Location, Refinement, Trial
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.reasoners.signal import SignalReasoner


class Instant:
    """Answers every stage at once, so that all that is left is the pipeline."""

    name = "instant"
    model = None

    @contextmanager
    def read(self, _window: Window, _deadline: Deadline) -> Iterator[Instant]:
        """Nothing to take in."""
        yield self

    def classify(self) -> AudioLabel:
        """Not sure enough for the gate."""
        return AudioLabel("tone", 0.5)

    def locate(self, max_sources: int) -> Sequence[Location]:
        """As many as may be."""
        return [Location((10, 10, 50, 50), "a thing")] * max_sources

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial]]:
        """Doubtful trials with all that a trial may hold."""
        anchors = tuple(AnchorVote(f"anchor {i}", 0.5, (1.0, 2.0)) for i in range(5))
        return [[Trial(0.4, ("a", "b", "c", "d"), anchors, True)] * trials for _ in hypotheses]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement]:
        """A small change."""
        return [Refinement((11, 11, 51, 51), True, None, "Moved.") for _ in cases]


def run(window: Window, reasoner: Reasoner, options: GarOptions) -> None:
    """All stages of one window."""
    for _ in localize(window, reasoner, options):
        pass


def least(once: Callable[[], object], repeat: int) -> float:
    """Seconds of the quickest of several runs."""
    times = []
    for _ in range(repeat):
        start = perf_counter()
        once()
        times.append(perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    for (width, height), fps, kind in (
        ((320, 240), 15, Kind.ONE), ((320, 240), 30, Kind.ONE), ((640, 480), 30, Kind.ONE), ((1280, 720), 30, Kind.ONE),
        ((320, 240), 15, Kind.TWO),
    ):  # fmt: skip
        sources = 2 if kind is Kind.TWO else 1
        options = GarOptions(sources=sources)
        scenes = [SceneOptions(kind=kind, seed=seed, width=width, height=height, fps=fps) for seed in range(5)]
        windows = [Scene(scene).window() for scene in scenes[: 5 if width < 1000 else 3]]
        cost = float(np.median([least(partial(run, window, SignalReasoner(), options), repeat) for window in windows]))
        share = windows[0].end / SECOND / cost
        what = f"signal, {sources} source(s), {width}x{height} at {fps} fps"
        print(f"{what}: {1000 * cost:6.1f} ms, 1/{share:.0f} of the window")
    window = Scene(SceneOptions(seconds=1.0)).window()
    own = least(partial(run, window, Instant(), GarOptions(sources=2)), 200)
    print(f"the pipeline alone, 2 sources, 5 trials: {1000 * own:.3f} ms")


if __name__ == "__main__":
    main()
