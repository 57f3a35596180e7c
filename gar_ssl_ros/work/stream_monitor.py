"""What came of one stream: how much, how much of it could be used, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.work.complaints import Complaints

MAX_PROBLEM_CHARACTERS = 200  # characters of a problem


@dataclass(frozen=True)
class StreamStatistics:
    """A snapshot.

    received: messages. refused: of them, those that could not be used. unstamped: those without a stamp, given the
    time of their arrival. still: the newest ones in a row with one and the same stamp. samples: of sound.
    idle: s since the newest; None before the first. problem: what was wrong with the last refused, while it is.
    """

    received: int = 0
    refused: int = 0
    unstamped: int = 0
    still: int = 0
    samples: int = 0
    idle: float | None = None
    problem: str = ""


class StreamMonitor:
    """Counts one stream's messages, and complains of it, each thing once in a while. For one thread at a time."""

    def __init__(self, name: str, complain: Callable[[str], None]) -> None:
        """name: of the stream, such as `image`."""
        self._name = name
        self._complaints = Complaints(complain)
        self._received = self._refused = self._unstamped = self._still = self._samples = 0
        self._problem = ""
        self._stamp: int | None = None
        self._newest: float | None = None

    def receive(self, stamp: int | None) -> None:
        """A message has come; stamp: its own, ns, 0 where it has none, None where it cannot be read."""
        self._received += 1
        self._newest = monotonic()
        if stamp is None:
            return
        self._unstamped += stamp == 0
        self._still = self._still + 1 if stamp == self._stamp else 0
        self._stamp = stamp
        if stamp == 0:
            self.warn("its messages have no stamp, and are taken as of when they come: have its driver stamp them")
        elif self._still == 30:
            self.warn("its stamps stand still, so no window is due: look at its driver's clock")

    def use(self, samples: int = 0) -> None:
        """It could be used."""
        self._samples += samples
        self._problem = ""

    def refuse(self, problem: str, whole: bool = True) -> None:
        """It could not; problem: a sentence. whole: True if nothing of it could be used."""
        self._refused += 1
        self._problem = problem = shortened(problem, MAX_PROBLEM_CHARACTERS)
        self.warn(f"{'a message' if whole else 'a part of a message'} was left out: {problem}")

    def warn(self, sentence: str) -> None:
        """Say so, unless it has just been said."""
        self._complaints.tell(f"{self._name}: {sentence}")

    @property
    def statistics(self) -> StreamStatistics:
        """A snapshot."""
        return StreamStatistics(
            self._received,
            self._refused,
            self._unstamped,
            self._still,
            self._samples,
            None if self._newest is None else monotonic() - self._newest,
            self._problem,
        )
