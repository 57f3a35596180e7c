"""Reasoners that misbehave, each in its own way; found by name, as users' own are (`misbehaving:Slow`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import AudioLabel, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import Window


class Fixed:
    """Finds a dog bark in the middle of every image, at once."""

    name = "fixed"
    model = "none at all"
    delay = 0.0

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Fixed]:
        self.window, self.deadline = window, deadline
        yield self

    def classify(self) -> AudioLabel:
        self.wait()
        return AudioLabel("dog_bark", 0.9)

    def locate(self, max_sources: int) -> list[Location]:
        w, h = self.window.center.width, self.window.center.height
        return [Location((w / 4, h / 4, 3 * w / 4, 3 * h / 4), "a dog")]

    def analyze(self, hypotheses, trials):
        return [[Trial(0.8, ("open_mouth",), (), True)] * trials for _ in hypotheses]

    def refine(self, cases):
        return [Refinement(None, False, None, "it stands") for _ in cases]

    def wait(self) -> None:
        """As a model does that looks at the deadline between two tokens."""
        end = time.monotonic() + self.delay
        while time.monotonic() < end:
            self.deadline.check()
            time.sleep(0.01)


class Wavering(Fixed):
    """Of one window after another: says nothing, claims that its sound is off screen, finds the dog, and again."""

    name = "wavering"

    def __init__(self) -> None:
        self.asked = 0

    def locate(self, max_sources: int) -> list[Location] | Unseen:
        self.asked += 1
        if self.asked % 3 == 0:
            return super().locate(max_sources)
        return Unseen(off_screen=self.asked % 3 == 2, reason=f"the dog is {self.asked % 3} steps away")


class Many(Fixed):
    """Finds as many dogs as it is asked for, side by side."""

    name = "many"

    def locate(self, max_sources: int) -> list[Location]:
        w, h = self.window.center.width / max_sources, self.window.center.height
        return [Location((at * w, 0, (at + 1) * w, h), f"dog {at}") for at in range(max_sources)]


class Slow(Fixed):
    """Takes 2 s a window."""

    name = "slow"
    delay = 2.0


class Endless(Fixed):
    """Looks at the deadline, and would never end by itself."""

    name = "endless"
    delay = 1e9


class Raising(Fixed):
    """Breaks in the middle of the analysis."""

    name = "raising"

    def analyze(self, hypotheses, trials):
        raise RuntimeError("out of memory, as it were")


class Hanging(Fixed):
    """Hangs in its first window, deaf to deadline and cancel, until released."""

    name = "hanging"

    def __init__(self) -> None:
        self.hangs, self.released = Event(), Event()

    def classify(self) -> AudioLabel:
        self.hangs.set()
        self.released.wait()
        return super().classify()


class Garbage(Fixed):
    """Answers, but not what it was asked for. kind: which nonsense."""

    name = "garbage"

    def __init__(self, kind: str = "label") -> None:
        self.kind = kind

    def classify(self):
        return {"label": AudioLabel(None, 0.9), "none": None, "confidence": AudioLabel("x", "much")}.get(
            self.kind, AudioLabel("x", float("nan"))
        )

    def locate(self, max_sources):
        return {"boxes": [Location(("a", None, 3, 4), "")], "nan": [Location((float("nan"),) * 4, "")]}.get(
            self.kind, super().locate(max_sources)
        )

    def analyze(self, hypotheses, trials):
        return {"fewer": []}.get(self.kind, super().analyze(hypotheses, trials))


class Broken:
    """Cannot even be made, as a model whose weights are missing."""

    def __init__(self) -> None:
        raise FileNotFoundError("the weights are not there")


class Loading(Fixed):
    """Takes for ever to be made, as a model that is being loaded."""

    def __init__(self) -> None:
        Event().wait()


class Speaking(Fixed):
    """Hears speech where there is sound at all, and nothing else."""

    name = "speaking"

    def classify(self) -> AudioLabel:
        heard = self.window.audio is not None and self.window.audio.samples.any()
        return AudioLabel("speech" if heard else "hum", 0.9)
