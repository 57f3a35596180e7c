"""What each stage of GAR answers: generation, analysis, refinement (arXiv:2604.06824, section 3).

Scores are meant to lie in [0, 1] and boxes in the image, but a reply may hold anything: the pipeline reads every
number through `gar.boxes` and `gar.consensus` before it believes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.gar.boxes import Box, Operation
from gar_ssl_ros.gar.mask import Mask

SILENCE = "silence"  # the label of a window in which there is nothing to be heard

Sides = tuple[float, float, float, float]


@dataclass(frozen=True)
class AudioLabel:
    """What is heard: an open-vocabulary lowercase label and s_aud, how sure it is (eq. 3)."""

    label: str
    confidence: float


@dataclass(frozen=True)
class Location:
    """Where one source is seen (eq. 2).

    sides: x1, y1, x2, y2 as replied. description: a short one of what is there. sound: what this source contributes,
    where the reasoner can tell it from the rest; else the window's label holds. share: how much of the sound that is,
    [0, 1]. id: by which the robot knows what is there, where the reasoner took the place from the window's sightings.
    mask: its pixels in the center frame, where the reasoner tells them; they count as long as the box stays.
    """

    sides: Sides
    description: str
    sound: AudioLabel | None = None
    share: float | None = None
    id: str = ""
    mask: Mask | None = None


@dataclass(frozen=True)
class Unseen:
    """No place in view is said to make the sound, and why.

    off_screen: True if that is a claim with evidence: what in view could make the sound was looked for, and excluded.
    False if nothing tells either way. reason: one clause that says what was looked for, and how it went.
    """

    off_screen: bool
    reason: str


@dataclass(frozen=True)
class Hypothesis:
    """One source to be verified: its box in the image, how it looks and what it should sound like."""

    box: Box
    description: str
    sound: AudioLabel


@dataclass(frozen=True)
class AnchorVote:
    """Visible evidence of sound being made (eqs. 7 and 8): a short token, how clear it is, and where, if known.

    point: x, y in pixels of the original image.
    """

    anchor: str
    score: float
    point: tuple[float, float] | None = None


@dataclass(frozen=True)
class Trial:
    """One analysis: S_av (eq. 9), up to 4 role tags (eq. 5), up to 5 anchor votes (eq. 7), and whether to keep."""

    av_consistency: float
    role_tags: tuple[str, ...]
    anchor_votes: tuple[AnchorVote, ...]
    keep: bool


@dataclass(frozen=True)
class Failure:
    """A reply that could not be used, and why. It counts: a failed trial is a trial that did not say keep."""

    reason: str


@dataclass(frozen=True)
class Consensus:
    """What N trials say together (eqs. 11 and 12).

    anchor_votes: the strongest first. keep: True if more than half of all trials, failed ones counted, said so.
    trials, failed: how many there were, how many of them failed.
    """

    av_consistency: float
    role_tags: tuple[str, ...]
    anchor_votes: tuple[AnchorVote, ...]
    keep: bool
    trials: int
    failed: int


@dataclass(frozen=True)
class Refinement:
    """A reply to the refinement stage (eq. 14).

    sides: the box as replied, if any. changed: false restores the initial box. operation: used where there is no
    usable box. description: 2 to 4 sentences.
    """

    sides: tuple[float, ...] | None
    changed: bool
    operation: Operation | None
    description: str
