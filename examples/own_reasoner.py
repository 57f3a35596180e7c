"""A reasoner of one's own with an option: whatever is brightest is said to make the sound.

    cd examples
    gar-ssl localize clip.mp4 --out out --reasoner own_reasoner:brightest --reasoner-options size=0.3

A package of your own declares it as an entry point of the group `gar_ssl_ros.reasoners`; then its name is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import AnchorVote, AudioLabel, Consensus, Hypothesis, Location, Refinement, Trial
from gar_ssl_ros.media.window import Frame, Window
from gar_ssl_ros.options import Options, option


@dataclass(frozen=True)
class BrightestOptions(Options):
    """What it can be told."""

    size: float = option(0.25, "of the box, a share of the image's shorter side", least=0.05, most=1.0)


@dataclass(frozen=True)
class Brightest:
    """The reasoner. GAR itself needs `name`, `model` and `read`."""

    options: BrightestOptions
    name: str = "brightest"
    model: str | None = None

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[BrightestReading]:
        """Take a window in."""
        deadline.check()
        yield BrightestReading(window.center, self.options)


@dataclass(frozen=True)
class BrightestReading:
    """One window's answers, stage by stage."""

    frame: Frame
    options: BrightestOptions

    def classify(self) -> AudioLabel:
        """What is heard."""
        return AudioLabel("sound", 0.5)

    def locate(self, max_sources: int) -> Sequence[Location]:
        """Where it is made."""
        gray = cv2.blur(cv2.cvtColor(self.frame.image, cv2.COLOR_RGB2GRAY), (9, 9))
        x, y = cv2.minMaxLoc(gray)[3]
        half = self.options.size * min(self.frame.width, self.frame.height) / 2
        return [Location((x - half, y - half, x + half, y + half), "the brightest place")][:max_sources]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial]]:
        """Whether each stands, in so many independent looks."""
        return [
            [Trial(0.5, ("bright",), (AnchorVote("bright", 0.5, one.box.center),), True)] * trials for one in hypotheses
        ]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement]:
        """A better box for each that does not stand."""
        return [Refinement(None, changed=False, operation=None, description="It stays.") for _ in cases]


def brightest(options: BrightestOptions) -> Brightest:
    """What `--reasoner own_reasoner:brightest` makes."""
    return Brightest(options)
