"""Reasoners for `live.py`, as `reasoner:=live_reasoners:NAME`: `signal` that counts its cost, and one that is slow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
from speed import Instant

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import Reading
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.reasoners.signal import SignalReasoner

SPENT = "GAR_SSL_SPENT"  # names a file: the CPU seconds of the reasoner so far
SLOW = 2.0  # s a window


class Counted:
    """`signal` on one thread, the CPU time of its own calls written down after each window."""

    name = "counted signal"
    model = None

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._signal = SignalReasoner()
        self.spent = 0.0

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Reading]:
        """As `signal`."""
        with self._signal.read(window, deadline) as reading:
            yield _Counting(self, reading)
        Path(os.environ[SPENT]).write_text(str(self.spent))

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is done in it."""
        before = time.thread_time()
        yield
        self.spent += time.thread_time() - before


class _Counting:
    def __init__(self, owner: Counted, reading: Reading) -> None:
        self._owner, self._reading = owner, reading

    def classify(self) -> AudioLabel:
        with self._owner.counting():
            return self._reading.classify()

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        with self._owner.counting():
            return self._reading.locate(max_sources)

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        with self._owner.counting():
            return self._reading.analyze(hypotheses, trials)

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        with self._owner.counting():
            return self._reading.refine(cases)


class Slow(Instant):
    """Takes SLOW seconds a window, and answers something."""

    name = "slow"

    @contextmanager
    def read(self, _window: Window, _deadline: Deadline) -> Iterator[Instant]:
        """After a pause."""
        time.sleep(SLOW)
        yield self
