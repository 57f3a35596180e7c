"""Who answers the three stages: all that `gar` knows of a reasoner."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import Sighting, Window


class Unparseable(Exception):
    """A stage's reply could not be read; the message says which and how it looked."""


class NotLocated(RuntimeError):
    """The reading is asked about what it has not located itself, and needs to have: ask `locate` first, then again."""


class ReasonerError(UserError):
    """A reasoner that cannot answer this window: one sentence that says why and what to do."""


class Reading(Protocol):
    """One window as a reasoner has taken it in: looked at and listened to once, asked several times.

    `analyze` and `refine` may raise NotLocated. Every method may raise Unparseable or ReasonerError, or let Cancelled
    and DeadlineExceeded through; whatever else it raises means that the reasoner is broken.
    """

    def classify(self) -> AudioLabel:
        """What is heard, from the sound alone; the label `silence` where that is nothing."""

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        """Where the sound is made, at most `max_sources` places, the surest first; or why no place is named.

        `Unseen(off_screen=True)` ends the window in OFF_SCREEN; without that claim, or with an empty sequence, which
        says as little, it ends in UNCERTAIN.
        """

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        """For each hypothesis, `trials` independent looks at it. Trial i is the same however many there are.

        Fewer where a reasoner was told to stop once the others cannot change the vote on keep. None where it has no way
        to verify: its box then stands as located, without S_av, and is not refined.
        """

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        """For each hypothesis and what the analysis said of it, a better box."""


@runtime_checkable
class Expecting(Protocol):
    """A reading that gains from knowing that both `classify` and `locate` will be asked of it."""

    def expect(self, max_sources: int) -> None:
        """`classify` comes next, and then `locate(max_sources)`, unless that is no longer needed.

        It changes neither answer, nor what one raises: only what they cost together.
        """


@runtime_checkable
class Seeing(Protocol):
    """A reading that can tell what it saw, once it has located."""

    def seen(self) -> Sequence[Sighting]:
        """The things in view that it knows by name, whether they sound or not."""


class Reasoner(Protocol):
    """Answers the stages for one window after another."""

    @property
    def name(self) -> str:
        """As in `--reasoner`."""

    @property
    def model(self) -> str | None:
        """Whose weights, where there are any."""

    def read(self, window: Window, deadline: Deadline) -> AbstractContextManager[Reading]:
        """Take a window in; what that holds is freed when the context ends."""


@runtime_checkable
class Preparing(Protocol):
    """A reasoner that can look at a window while it comes, so that less is left to do at its end."""

    def prepare(self, window: Window, deadline: Deadline) -> None:
        """Look at what has come of a window, of whose frames and sound the last are missing.

        Called between windows, by the thread that calls `read`. What is kept changes no answer, only when it comes.
        Raises Cancelled once the deadline is cancelled: a window is due.
        """


@dataclass(frozen=True)
class Fallback:
    """A reasoner, and a second one that answers the windows at which the first one fails.

    `gar.pipeline.localize` asks the second; a localization names the one that answered. Where both fail, it is the
    first one's failure.
    """

    first: Reasoner
    second: Reasoner

    @property
    def name(self) -> str:
        """Of the first."""
        return self.first.name

    @property
    def model(self) -> str | None:
        """Of the first."""
        return self.first.model

    def read(self, window: Window, deadline: Deadline) -> AbstractContextManager[Reading]:
        """As the first does."""
        return self.first.read(window, deadline)


@dataclass(frozen=True)
class Unavailable:
    """A reasoner that could not be had: every window fails with the sentence that says why and what to do."""

    name: str
    model: str | None
    problem: str

    def read(self, window: Window, deadline: Deadline) -> AbstractContextManager[Reading]:  # noqa: ARG002
        """Raises ReasonerError."""
        raise ReasonerError(self.problem)
