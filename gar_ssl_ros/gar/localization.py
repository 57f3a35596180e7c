"""What is known of a window once it has been through GAR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial


class Outcome(str, Enum):
    """How a window ended.

    OFF_SCREEN is a claim with evidence: what in view could make the sound was looked for, and excluded. UNCERTAIN is a
    sound, and no evidence of where it is made. The last three are failures: they say nothing about what is there.
    """

    LOCALIZED = "LOCALIZED"
    SILENT = "SILENT"
    OFF_SCREEN = "OFF_SCREEN"
    UNCERTAIN = "UNCERTAIN"
    UNPARSEABLE = "UNPARSEABLE"
    TIMEOUT = "TIMEOUT"
    BACKEND_ERROR = "BACKEND_ERROR"

    @property
    def failed(self) -> bool:
        """True if the window could not be judged."""
        return self in (Outcome.UNPARSEABLE, Outcome.TIMEOUT, Outcome.BACKEND_ERROR)

    @property
    def conclusive(self) -> bool:
        """True if it says what is there, or that nothing is: neither a failure nor UNCERTAIN."""
        return self in (Outcome.LOCALIZED, Outcome.SILENT, Outcome.OFF_SCREEN)


class Stage(str, Enum):
    """How far a localization is: one that is INITIAL may still be refined."""

    INITIAL = "initial"
    FINAL = "final"


@dataclass(frozen=True)
class Source:
    """One thing that makes a sound.

    box: pixels of the center frame. label, audio_confidence: what it sounds like, [0, 1]. av_consistency: how well
    what is seen fits what is heard, [0, 1]; None before the analysis. initial_box: before refinement. refined:
    whether the box is a refinement's. share: how much of the sound it makes, [0, 1], where that is known. id: by which
    the robot knows it, where it is one of the window's sightings. mask: its pixels in the center frame; None where none
    was asked for and the reasoner tells none of this box, or it failed. track: by which it is known from window to
    window, from 1 on; None where nobody follows it. newest: its pixels in the window's last frame, where it was looked
    for and seen there.
    """

    box: Box
    label: str
    audio_confidence: float
    av_consistency: float | None
    description: str
    initial_box: Box
    refined: bool
    share: float | None
    id: str = ""
    mask: Mask | None = None
    track: int | None = None
    newest: Mask | None = None


@dataclass(frozen=True)
class Case:
    """How the stages went for one located source, for whoever wants the reasons.

    location: as replied. hypothesis: as understood; None where its box could not be used. trials, consensus: the
    analysis. kept: True if the gate let the initial box stand (eq. 10). refinement: where it did not.
    failure: why it came to nothing, if so.
    """

    location: Location
    hypothesis: Hypothesis | None = None
    trials: tuple[Trial | Failure, ...] = ()
    consensus: Consensus | None = None
    kept: bool | None = None
    refinement: Refinement | Failure | None = None
    failure: str | None = None

    @property
    def standing(self) -> Hypothesis | None:
        """What a source is made of; None where none is."""
        return self.hypothesis if self.failure is None else None


def with_cases(sources: Sequence[Source], cases: Sequence[Case]) -> list[tuple[Source, Case]]:
    """Each source of an answer with its case: there is one for each case that stands, in order, or none at all."""
    return list(zip(sources, [case for case in cases if case.standing], strict=True)) if sources else []


@dataclass(frozen=True)
class Timing:
    """Seconds that each stage took; None where it did not run."""

    read: float | None = None
    classify: float | None = None
    locate: float | None = None
    analyze: float | None = None
    refine: float | None = None
    total: float = 0.0


@dataclass(frozen=True)
class Localization:
    """A window's answer.

    detail: one sentence where there is something to explain. sound: what was heard. sources: the surest first; only
    ever where the outcome is LOCALIZED. cases: every stage's result so far, whatever the outcome. instead_of: the
    failure of a Fallback's first reasoner, where its second one answered. directions: those that a microphone array
    heard, in the window's order, each with which of the sources it comes from.
    """

    outcome: Outcome
    stage: Stage
    reasoner: str
    model: str | None
    detail: str = ""
    sound: AudioLabel | None = None
    sources: tuple[Source, ...] = ()
    cases: tuple[Case, ...] = ()
    timing: Timing = field(default_factory=Timing)
    instead_of: Localization | None = None
    directions: tuple[AnsweredDirection, ...] = ()
