"""How well each candidate goes with what is heard: the sound's makers, and then what the candidate does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gar_ssl_ros.gar.heard import joined
from gar_ssl_ros.perception.faces import FACE
from gar_ssl_ros.perception.makers import TELLING, By, Group, Heard
from gar_ssl_ros.reasoners.senses.candidates import IN_TIME, INSTRUMENT, MOVING, PERSON, Candidate
from gar_ssl_ros.reasoners.signal.synchrony import Way

# Chosen on real clips, with their own and with other clips' sounds (docs/figures.md).
MIN_SHARE_OF_SUREST = 0.3  # of the surest group's share: a group that has less of it is not asked for its makers
MIN_SHARE_NAMELESS = 0.7  # of it: what has no name is only taken for the maker of a group that has as much
MIN_GROUP_SHARE = 0.1  # share of a group below which it says nothing
MIN_MAKER_SURENESS = 0.25  # how sure a detection must be to be taken for a maker
MIN_KNOWN_SURENESS = 0.3  # and to say that such a thing is in view
MIN_OTHER_SURENESS = 0.5  # and that what moves is that and nothing else: a drum kit may pass for a motorcycle
SAME_THING_IOU = 0.4  # overlap from which what moves is the known thing
PART_SHARE = 0.6  # of what moves: that much of it in a known thing is that thing
PLAYED_SHARE = 0.2  # of what moves or of an instrument, within the other: from there on it is what plays it
CROWD = 3  # things of a kind that are many
STRONG_GREY = 5.0  # grey levels a frame: what moves by as much may well make a sound that goes on
PLAYING_GREY = 25.0  # grey levels a frame: so do hands that play, or work
UNSEEN_MAKER_SHARE = 0.25  # of what moves, where the makers would have been seen: instruments, animals, vehicles
UNSEEN_LIPS_ODDS = 0.5  # of a face whose lips nobody has looked at
EVEN_LAUGH_LIPS = 0.1  # of lips, as a voice's: even odds of a laugh, in which they move less with the sound
LIPS = (By.VOICE, By.FACE)  # whose sounds lips tell
UNNAMED = Group(name="unnamed", by=By.ALL, seen=(), sounds=())
SPEAKER, NAMED, MOVER, TIMED = (0.4, 0.55), (0.05, 1.45), (0.45, 0.3), 0.65  # S_av: at least, and how much more
MAX_LIKELIHOOD = 0.92
BY_RANK = (1.0, 0.85, 0.7)  # of a group's makers: the likeliest, the next, and all others


@dataclass(frozen=True)
class Evidence:
    """What a candidate does.

    timing: how far it moves in time with the sound, 0..1. lips: how surely the sound is this face's, 0..1, and how much
    of that of all faces is its own, 0..1; None where nobody has looked. way: in which its motion goes best with the
    sound; None where nothing is known of its motion. ratio: how much likelier the directions are that were heard if it
    makes the sound; 1 where none were.
    """

    timing: float
    lips: tuple[float, float] | None = None
    way: Way | None = None
    ratio: float = 1.0


@dataclass(frozen=True)
class Weighed:
    """A candidate for a group of sounds. alone: how much speaks for it, but for where the sound comes from, 0..1."""

    candidate: Candidate
    heard: Heard
    alone: float
    does: Evidence

    @property
    def support(self) -> float:
        """How much speaks for it in all, 0..1."""
        return joined(self.alone, self.does.ratio)

    @property
    def likelihood(self) -> float:
        """How often such a candidate is the source, 0..1: S_av (measured by `benchmarks/real.py`)."""
        if self.candidate.kind == FACE:
            sure, share = self.does.lips or (UNSEEN_LIPS_ODDS, 1.0)
            anybody = SPEAKER[0] + SPEAKER[1] * _told(
                self.heard.group, min(1.0, sure / max(share, 1e-6)), self.does.timing
            )
            return share * anybody
        if self.candidate.kind == IN_TIME:
            return TIMED * self.candidate.sure
        low, more = MOVER if self.candidate.kind == MOVING else NAMED
        return min(MAX_LIKELIHOOD, low + more * self.alone / max(self.heard.share, 1e-6))

    @property
    def speaks(self) -> bool:
        """True if it is a face whose lips are seen to go with the sound."""
        return self.does.lips is not None and self.does.lips[0] >= UNSEEN_LIPS_ODDS

    @property
    def way(self) -> Way | None:
        """In which it plainly moves with the sound, if it does."""
        return self.does.way if self.does.timing >= UNSEEN_LIPS_ODDS else None

    @property
    def tags(self) -> tuple[str, ...]:
        """What shows it, as role tags."""
        said = [self.candidate.tag]
        if self.speaks:
            said.append("mouth_moving")
        if self.way is not None:
            said.append(self.way.tag)
        return tuple(said)


def asked(heard: Sequence[Heard]) -> list[Heard]:
    """The groups whose makers are looked for: the surest, and those not much less sure.

    Of music behind another sound nothing is asked: it is laid under it.
    """
    if not heard:
        return []
    enough = [h for h in heard if h.share >= max(MIN_GROUP_SHARE, MIN_SHARE_OF_SUREST * heard[0].share)]
    return [h for h in enough if h is heard[0] or not h.group.mostly]


def lips_tell(heard: Sequence[Heard]) -> bool:
    """True if it is heard what a face's lips tell of."""
    return any(one.group.by in LIPS for one in asked(heard))


def nameless_may(heard: Sequence[Heard], known: Sequence[Candidate]) -> bool:
    """True if what has no name may be taken for a maker beside the known things, so that it is worth looking for."""
    if heard[0].share < TELLING:
        return True
    enough = [one.group for one in asked(heard) if one.share >= MIN_SHARE_NAMELESS * heard[0].share]
    return any(group.by is By.HANDS or not _known_maker(group, known) for group in enough)


def moves_count(heard: Sequence[Heard], candidate: Candidate) -> bool:
    """True if it matters how that candidate moves."""
    if candidate.kind in (MOVING, IN_TIME):
        return True
    groups = (one.group for one in asked(heard) if candidate.kind in one.group.seen)
    return any(group.by not in LIPS or candidate.kind == FACE for group in groups)


def weigh(heard: Sequence[Heard], candidates: Sequence[Candidate], evidence: Sequence[Evidence]) -> list[Weighed]:
    """Every candidate for every group that is asked for, the best first; of a sound without a name, what is in time."""
    judged = any(does.lips is not None for does in evidence)
    groups = asked(heard)
    if heard[0].share < TELLING:
        groups.append(Heard(UNNAMED, 1 - heard[0].share, "sound"))
    weighed = [
        Weighed(candidate, one, alone, does)
        for one in groups
        for candidate, does in zip(candidates, evidence, strict=True)
        if _may(one, heard[0], candidate, does, judged)
        if (alone := one.share * _fit(one.group, candidate, does, candidates)) > 0
    ]
    told = {w.candidate for w in weighed if not w.heard.group.broad and w.heard.share >= TELLING}
    return sorted((w for w in weighed if not (w.heard.group.broad and w.candidate in told)), key=lambda w: -w.support)


def apart(one: Weighed, other: Weighed) -> bool:
    """True if they are two things, and neither a part of the other."""
    return not (part_of(one.candidate, other.candidate) or part_of(other.candidate, one.candidate))


def part_of(part: Candidate, whole: Candidate) -> bool:
    """True if it is that thing, or a part of it."""
    return part.box.share_in(whole.box) >= PART_SHARE or part.box.iou(whole.box) >= SAME_THING_IOU


def _may(one: Heard, surest: Heard, candidate: Candidate, does: Evidence, judged: bool) -> bool:
    """True if a candidate is worth weighing for a group. judged: True if anybody's lips were.

    Those faces are judged that are the surest, largest and longest seen. Where they do not speak, none of the others is
    known to: it must not come before one that may.
    """
    if candidate.kind in (MOVING, IN_TIME):
        return one.share >= MIN_SHARE_NAMELESS * surest.share
    return not (judged and does.lips is None and candidate.kind == FACE and one.group.by in LIPS)


def _fit(group: Group, candidate: Candidate, does: Evidence, candidates: Sequence[Candidate]) -> float:
    """How likely this candidate makes sounds of that group, if anything in view does, 0..1."""
    if candidate.kind == MOVING:
        return _moving(group, candidate, does.timing, candidates)
    if candidate.kind == IN_TIME:
        return _in_time(group, candidate, candidates)
    if candidate.kind not in group.seen or candidate.sure < MIN_MAKER_SURENESS:
        return 0.0
    if group.by is By.ALL and not _many(candidate.kind, candidates):
        return 0.0
    rank = BY_RANK[min(group.seen.index(candidate.kind), len(BY_RANK) - 1)]
    fit = rank * float(np.sqrt(candidate.sure)) * (0.7 + 0.3 * does.timing)
    if group.by in LIPS:  # a person without a face may speak, or not: nothing tells
        sure = UNSEEN_LIPS_ODDS if does.lips is None else _told(group, does.lips[0], does.timing)
        return fit * sure if candidate.kind == FACE else 0.0
    if group.by is By.HANDS and candidate.kind == PERSON:
        return 0.0 if group.mostly else 0.3 * fit  # what they hold and move is nearer to it than all of them
    return fit


def _told(group: Group, lips: float, timing: float) -> float:
    """How surely a face makes the group's sounds, 0..1: a voice's by its lips; who cries or coughs moves as a whole."""
    return lips if group.by is By.VOICE else max(timing, lips / (lips + EVEN_LAUGH_LIPS))


def _in_time(group: Group, candidate: Candidate, candidates: Sequence[Candidate]) -> float:
    """Of what moves in time with the sound, whatever it is. What has no name is no face's: a voice has one."""
    if group is UNNAMED:
        faces = (c for c in candidates if c.kind == FACE and c.sure >= MIN_OTHER_SURENESS)
        return 0.0 if any(part_of(candidate, face) for face in faces) else candidate.sure**3
    if group.by is By.ALL or not _free(group, candidate, candidates):
        return 0.0
    if group.mostly and not _held(candidate, candidates):
        return 0.0
    return (0.5 if group.only or group.mostly else 1.0) * candidate.sure**2 * _unless_unseen(group, candidates)


def _moving(group: Group, moving: Candidate, timing: float, candidates: Sequence[Candidate]) -> float:
    """Of what moves and has no name: what no detector knows may make what no detector can name."""
    if group.by in (By.VOICE, By.FACE, By.ALL):
        return 0.0
    if not _free(group, moving, candidates):
        return 0.0
    hands = group.by is By.HANDS
    plain = 1 / (1 + ((PLAYING_GREY if hands else STRONG_GREY) / max(moving.strength, 1e-3)) ** 4)
    does = timing if group.seen and not hands else max(plain, timing)  # a detector would have seen such a thing
    if hands and not _held(moving, candidates):
        does *= 0.0 if group.mostly else 0.5
    return (
        (0.8 if hands or not group.seen else 0.5)
        * float(np.cbrt(moving.sure))
        * does
        * _unless_unseen(group, candidates)
    )


def _unless_unseen(group: Group, candidates: Sequence[Candidate]) -> float:
    """What is left of a thing without a name, where its makers would have been seen: all if one is there."""
    told = set(group.seen) - {PERSON} and (group.played or group.by is By.ITSELF)
    seen = any(c.kind != PERSON and _makes(group, c) and c.sure >= MIN_KNOWN_SURENESS for c in candidates)
    return UNSEEN_MAKER_SHARE if told and not seen else 1.0


def _many(kind: str, candidates: Sequence[Candidate]) -> bool:
    """True if a crowd of that kind is in view."""
    return sum(c.kind == kind and c.sure >= MIN_KNOWN_SURENESS for c in candidates) >= CROWD


def _held(moving: Candidate, candidates: Sequence[Candidate]) -> bool:
    """True if somebody is where it moves."""
    return any(
        moving.box.share_in(c.box) > 0 for c in candidates if c.kind in (PERSON, FACE) and c.sure >= MIN_KNOWN_SURENESS
    )


def _free(group: Group, moving: Candidate, candidates: Sequence[Candidate]) -> bool:
    """True if a thing without a name may be the maker: none that has one is, nor is this known to be something else."""
    if group.by is not By.HANDS and _known_maker(group, candidates):
        return False
    known = [c for c in candidates if c.kind not in (MOVING, IN_TIME) and c.sure >= MIN_KNOWN_SURENESS]
    others = [c for c in known if c.sure >= MIN_OTHER_SURENESS and not _makes(group, c)]
    return not any(part_of(moving, other) or _plays(moving, other) for other in others)


def _plays(moving: Candidate, thing: Candidate) -> bool:
    """True if that is an instrument, and what moves is at it."""
    shares = (moving.box.share_in(thing.box), thing.box.share_in(moving.box))
    return thing.kind == INSTRUMENT and max(shares) > PLAYED_SHARE


def _known_maker(group: Group, candidates: Sequence[Candidate]) -> bool:
    """True if something that is known to make such sounds is surely in view."""
    return any(c.kind in group.seen and c.sure >= MIN_KNOWN_SURENESS for c in candidates)


def _makes(group: Group, thing: Candidate) -> bool:
    also = (group.by is By.HANDS and thing.kind == PERSON) or (group.played and thing.kind == INSTRUMENT)
    return also or thing.kind in group.seen
