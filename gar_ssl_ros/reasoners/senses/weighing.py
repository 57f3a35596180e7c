"""How well each candidate goes with what is heard: the sound's makers, and then what the candidate does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gar_ssl_ros.perception.faces import FACE
from gar_ssl_ros.perception.makers import By, Group, Heard
from gar_ssl_ros.reasoners.senses.candidates import MOVING, PERSON, Candidate, covered

COUNTS = 0.3  # of the surest group's share: a group that has less of it is not asked for its makers
FAINT = 0.1  # share of a group below which it says nothing
KNOWN = 0.3  # how sure a detection must be to say that what moves is that, and nothing else
SAME = 0.4  # overlap from which what moves is the known thing
MOST_OF = 0.6  # of what moves: that much of it in a known thing is that thing
STRONG = 5.0  # grey levels a frame: what moves by as much may well make a sound
PLAYING = 20.0  # grey levels a frame: so do the hands of somebody who plays
SPEAKS = 0.5  # of a face whose lips nobody has looked at
BY_RANK = (1.0, 0.85, 0.7)  # of a group's makers: the likeliest, the next, and all others


@dataclass(frozen=True)
class Evidence:
    """What a candidate does. timing: how far it moves in time with the sound, 0..1. speaking: how surely it speaks, 0..1,
    None where nobody has looked.
    """

    timing: float
    speaking: float | None = None


@dataclass(frozen=True)
class Weighed:
    """A candidate for a group of sounds, and how much speaks for it, 0..1."""

    candidate: Candidate
    heard: Heard
    support: float


def asked(heard: Sequence[Heard]) -> list[Heard]:
    """The groups whose makers are looked for: the surest, and those not much less sure."""
    return [h for h in heard if h.share >= max(FAINT, COUNTS * heard[0].share)]


def weigh(heard: Sequence[Heard], candidates: Sequence[Candidate], evidence: Sequence[Evidence]) -> list[Weighed]:
    """Every candidate for every group that is asked for, the best first."""
    weighed = [
        Weighed(candidate, one, support)
        for one in asked(heard)
        for candidate, does in zip(candidates, evidence, strict=True)
        if (support := one.share * _fit(one.group, candidate, does, candidates)) > 0
    ]
    return sorted(weighed, key=lambda w: -w.support)


def _fit(group: Group, candidate: Candidate, does: Evidence, candidates: Sequence[Candidate]) -> float:
    """How likely this candidate makes sounds of that group, if anything in view does, 0..1."""
    in_time = 0.7 + 0.3 * does.timing
    if candidate.kind == MOVING:
        return _moving(group, candidate, does.timing, candidates)
    if candidate.kind not in group.seen:
        return 0.0
    rank = BY_RANK[min(group.seen.index(candidate.kind), len(BY_RANK) - 1)]
    fit = rank * float(np.sqrt(candidate.sure)) * in_time
    if group.by is By.VOICE:
        if candidate.kind == FACE:
            return fit * (SPEAKS if does.speaking is None else does.speaking)
        return 0.0
    if group.by is By.HANDS and candidate.kind == PERSON:
        return 0.3 * fit  # what they hold and move is nearer to it than all of them
    return fit


def _moving(group: Group, moving: Candidate, timing: float, candidates: Sequence[Candidate]) -> float:
    """Of what moves and has no name: what no detector knows may make what no detector can name."""
    if group.by in (By.VOICE, By.ALL):
        return 0.0
    known = [c for c in candidates if c.kind != MOVING and c.sure >= KNOWN]
    if any(c.kind in group.seen for c in known) and group.by is By.ITSELF:
        return 0.0
    if any(_is(moving, thing) for thing in known if not _makes(group, thing)):
        return 0.0
    hands = group.by is By.HANDS
    held = any(covered(moving.box, c.box) > 0 for c in known if c.kind in (PERSON, FACE))
    plain = 1 / (1 + ((PLAYING if group.mostly else STRONG) / max(moving.strength, 1e-3)) ** 2)
    does = max(plain, timing)
    if hands and not held:
        does *= 0.0 if group.mostly else 0.5
    return (0.8 if hands or not group.seen else 0.5) * float(np.sqrt(moving.sure)) * does


def _makes(group: Group, thing: Candidate) -> bool:
    return thing.kind in group.seen or (group.by is By.HANDS and thing.kind == PERSON)


def _is(moving: Candidate, thing: Candidate) -> bool:
    """Whether what moves is that thing, or a part of it."""
    return covered(moving.box, thing.box) >= MOST_OF or moving.box.iou(thing.box) >= SAME
