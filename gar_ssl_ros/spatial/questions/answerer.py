"""Answers by geometry and rules: where a sound was heard, laid over what is seen. No weights.

Whatever is seen may have made the sound, or something that is not seen. How well each goes with the directions that
were heard and with what the sound is like is weighed by Bayes' rule; what a question takes for granted (that one of two
things alike sounds, say) is taken for granted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.questions.forms import (
    DISTANCE,
    FORMS,
    PLACE,
    Fields,
    QuestionType,
    Spot,
    placed,
    related,
    spot_of_fields,
)
from gar_ssl_ros.spatial.questions.words import Question, answer_text

# Chosen on scenes of seeds 0 and 100: figures are of others.
LOST_SHARE = 0.03  # of directions that are far from their source
PLACE_SD = math.radians(3)  # of where a thing is seen, beside half its width
UNSEEN = 0.5  # that what sounds is not seen
USUAL_CLASSES = 20  # that it may be of, at least
FITS = {
    QuestionType.Q1: 0.5,
    QuestionType.A1: 0.7,
    QuestionType.A2: 0.7,
}  # that what sounds is what it sounds like; else 1
USUAL_DISTANCE_M, USUAL_ELEVATION = 1.75, 2.0  # of what is not seen: m, degrees
UNKNOWN = "something"  # what is where nothing is seen
MIN_LABEL = 1e-3  # of a class that the sound is hardly like
NEARBY = 15.0  # degrees from the place that is asked about, within which a thing is taken to be there
Weights = NDArray[np.float64]


class UnansweredError(UserError):
    """A question that what was heard and seen cannot answer: one sentence that says why."""


@dataclass(frozen=True)
class SeenThing:
    """label: its class. spot: where it is; NaN what is not known. width: degrees. weight: how much likelier it is to
    make the sound than it would be for all else that is known of it. sound: the class of what it sounds like; that of
    its label where empty.
    """

    label: str
    spot: Spot
    width: float = 0.0
    weight: float = 1.0
    sound: str = ""

    @property
    def classes(self) -> tuple[str, str]:
        """What it is, and what it sounds like."""
        return self.label, self.sound or self.label


@dataclass(frozen=True)
class HeardSound:
    """directions: in the frame in which things are seen, the loudest first. labels: of classes, how likely the sound is
    of each, 0..1; empty where nobody told. searched: True if what may make it was looked for in all that is in view.
    """

    directions: tuple[SoundDirection, ...] = ()
    labels: Mapping[str, float] = field(default_factory=dict)
    searched: bool = True


@dataclass(frozen=True)
class QuestionAnswer:
    """text: as the paper has it. fields: see Form. evidence: what it rests on, a sentence each."""

    text: str
    fields: Fields
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class _Belief:
    """sound: its class. thing: the index of what makes it; None where that is not seen. shares: how likely each thing
    makes it. spot: where that is.
    """

    sound: str
    thing: int | None
    shares: Weights
    spot: Spot


def answer(question: Question, heard: HeardSound, seen: Sequence[SeenThing], forced: bool = False) -> QuestionAnswer:
    """What is not known is left out, and of what is not asked what is known of the source's place is told, too.

    forced: True if all fields are to be told, and those alone, as a benchmark wants it: what is not known is guessed,
    and what sounds in Q1 is in view. Raises UnansweredError where nothing can be told.
    """
    fields = _fields(question, heard, seen, forced)
    known = {name: value for name, value in fields.items() if isinstance(value, str) or not math.isnan(value)}
    wanted = FORMS[question.type].fields
    if not any(name in known for name in wanted):
        raise UnansweredError(f"the {wanted[0]} is not known: {_remedy(wanted[0], heard)}")
    return QuestionAnswer(answer_text(question.type, known), known, _evidence(heard, seen))


def _fields(question: Question, heard: HeardSound, seen: Sequence[SeenThing], forced: bool) -> dict[str, str | float]:
    asked, slots = question.type, question.slots
    if asked is QuestionType.V1:
        return {"object": seen[_need(slots, seen)].label}
    if asked is QuestionType.V2:
        return placed(seen[_named(str(slots["object"]), seen)].spot)
    if asked in (QuestionType.Q5, QuestionType.Q6) and forced and _there(slots, seen) is None:
        likeliest = max(heard.labels, key=lambda one: heard.labels[one], default="")
        seen = (*seen, SeenThing(UNKNOWN, spot_of_fields(slots), sound=likeliest))
    belief = _belief(question, heard, seen, forced)
    source = _guessed(belief.spot) if forced else belief.spot
    if asked in (QuestionType.Q2, QuestionType.Q3, QuestionType.Q4):
        other = seen[_named(str(slots["object"]), seen, belief.thing)].spot
        return related(asked, source, _guessed(other) if forced else other)
    if asked in (QuestionType.Q5, QuestionType.Q6):
        there = _need(slots, seen)
        sounding = belief.thing == there or belief.shares[there] >= 0.5
        return {"object": seen[there].label, "sounding": "making sound" if sounding else "not making sound"}
    thing = "" if belief.thing is None else seen[belief.thing].label
    told: dict[str, str | float] = {"sound": belief.sound, "object": thing or "nothing in view"}
    told["visible"] = "not visible" if belief.thing is None else "visible"
    if belief.thing is None and not heard.searched and not forced:
        del told["object"], told["visible"]
    told |= placed(source)
    return {name: told[name] for name in FORMS[asked].fields} if forced else told


def _belief(question: Question, heard: HeardSound, seen: Sequence[SeenThing], forced: bool) -> _Belief:
    """Raises UnansweredError where nothing was heard, nor found to sound, and it is not forced."""
    asked = question.type
    named = question.slots.get("sound")
    labels = {str(named): 1.0} if named is not None else dict(heard.labels)
    if not (forced or labels or heard.directions or any(one.weight > 1 for one in seen)):
        raise UnansweredError("nothing was heard: ask again once something sounds")
    told = bool(labels)
    classes = list(dict.fromkeys([*labels, *(one.classes[1] for one in seen)])) or ["sound"]
    likely = np.array([max(_of(labels, one), MIN_LABEL) if told else 1.0 for one in classes])
    likely /= likely.sum()
    many = max(len(classes), USUAL_CLASSES)
    # Of each thing, then of what is not seen, and of each class.
    weights = np.ones((len(seen) + 1, len(classes)))
    fits = FITS.get(asked, 1.0)
    for at, thing in enumerate(seen):
        own = np.array([any(_alike(one, name) for name in thing.classes) for one in classes])
        weights[at] = fits * own + (1 - fits) / many
        weights[at] *= thing.weight * _agreement(thing, heard.directions) * (1 - UNSEEN) / len(seen)
    weights[-1] = UNSEEN / many
    weights *= likely
    if seen and (asked in (QuestionType.Q7, QuestionType.Q8) or (forced and asked is QuestionType.Q1)):
        weights[-1] = 0.0  # it is one of them
    if asked is QuestionType.Q8:
        several = [sum(_alike(one.label, other.label) for other in seen) > 1 for one in seen]
        if any(several):
            weights[:-1][~np.array(several)] = 0.0
    weights /= max(float(weights.sum()), 1e-300)
    shares = np.asarray(weights.sum(axis=1))
    best = int(shares.argmax())
    sound = classes[int(weights.sum(axis=0).argmax())]
    if best == len(seen):
        return _Belief(sound, None, shares[:-1], _unseen(heard.directions))
    return _Belief(sound, best, shares[:-1], seen[best].spot)


def _agreement(thing: SeenThing, directions: Sequence[SoundDirection]) -> float:
    """How much likelier the directions are if it makes the sound than if that comes from anywhere."""
    if not directions or math.isnan(thing.spot.azimuth):
        return 1.0
    powers = np.array([10 ** (one.power / 10) if math.isfinite(one.power) else 1.0 for one in directions])
    shares = powers / max(float(powers.sum()), 1e-300)
    ray = _level(thing.spot).ray[None]
    total = 1.0
    for one, share in zip(directions, shares.tolist(), strict=True):
        apart = float(one.apart(ray)[0])
        sd = math.sqrt(one.sd**2 + PLACE_SD**2 + math.radians(thing.width) ** 2 / 16)
        # Of an angle, to any on the circle or the half circle; of a direction, to any on the sphere.
        peak = 2 / sd**2 if one.known is Known.SPHERE else _range(one.known) / (sd * math.sqrt(2 * math.pi))
        own = peak * math.exp(-0.5 * (apart / sd) ** 2)
        total += share * one.probability * (1 - LOST_SHARE) * (own - 1)
    return max(total, MIN_LABEL)


def _range(known: Known) -> float:
    return math.pi if known is Known.LATERAL else 2 * math.pi


def _unseen(directions: Sequence[SoundDirection]) -> Spot:
    """Where what is not seen is; NaN what was not heard."""
    if not directions:
        return Spot(math.nan, math.nan)
    first = directions[0]
    return Spot(math.degrees(first.azimuth), math.degrees(first.elevation) if first.elevation_known else math.nan)


def _guessed(spot: Spot) -> Spot:
    """What is not known as it usually is."""
    known, usual = (spot.azimuth, spot.elevation, spot.distance), (0.0, USUAL_ELEVATION, USUAL_DISTANCE_M)
    return Spot(*(other if math.isnan(one) else one for one, other in zip(known, usual, strict=True)))


def _level(spot: Spot) -> Spot:
    return Spot(spot.azimuth, 0.0) if math.isnan(spot.elevation) else spot


def _need(slots: Fields, seen: Sequence[SeenThing]) -> int:
    """Which thing is at the place that is asked about. Raises UnansweredError where none is."""
    there = _there(slots, seen)
    if there is None:
        place = f"({float(slots['azimuth']):.0f}, {float(slots['elevation']):.0f})"
        raise UnansweredError(f"nothing is seen at {place}: ask about the place of something in view")
    return there


def _there(slots: Fields, seen: Sequence[SeenThing]) -> int | None:
    """The same; None where none is."""
    asked = spot_of_fields(slots)
    near = [
        (asked.angle(one.spot), abs(_guessed(one.spot).distance - asked.distance), at) for at, one in enumerate(seen)
    ]
    return min(near)[2] if near and min(near)[0] <= NEARBY else None


def _named(label: str, seen: Sequence[SeenThing], but: int | None = None) -> int:
    """Which thing is called that, the source left out. Raises UnansweredError."""
    found = [at for at, one in enumerate(seen) if at != but and _alike(label, one.label)]
    if not found:
        shown = ", ".join(dict.fromkeys(one.label for one in seen)) or "nothing"
        raise UnansweredError(f"no {label} is seen, but {shown}: ask about one of these")
    return found[0]


def _alike(one: str, other: str) -> bool:
    """True if the words of one are all among the other's: `dog` and `dog barking`."""
    first, second = set(one.lower().replace("_", " ").split()), set(other.lower().replace("_", " ").split())
    return bool(first and second) and (first <= second or second <= first)


def _of(labels: Mapping[str, float], label: str) -> float:
    return max((value for one, value in labels.items() if _alike(one, label)), default=0.0)


def _remedy(field_name: str, heard: HeardSound) -> str:
    if field_name == DISTANCE or field_name not in PLACE:
        return "the camera's depth tells distances"
    return (
        "the camera's CameraInfo tells angles"
        if heard.directions
        else "a microphone array tells from where a sound comes"
    )


def _evidence(heard: HeardSound, seen: Sequence[SeenThing]) -> tuple[str, ...]:
    told = [
        f"heard from {turned(math.degrees(one.azimuth))}, within {math.degrees(one.sd):.0f} degrees"
        + ("" if one.front_back_known else ", or mirrored behind")
        for one in heard.directions
    ] or ["no direction was heard"]
    if heard.labels:
        label, much = max(heard.labels.items(), key=lambda one: one[1])
        told.append(f"it sounds like {label} ({much:.2f})")
    for one in seen:
        far = "" if math.isnan(one.spot.distance) else f", {one.spot.distance:.1f} m away"
        where = "somewhere in view" if math.isnan(one.spot.azimuth) else turned(one.spot.azimuth)
        told.append(f"{one.label} seen {where}{far}")
    return tuple(told)


def turned(azimuth: float) -> str:
    """An azimuth, degrees, in words."""
    whole = round(azimuth)
    return "straight ahead" if whole == 0 else f"{abs(whole)} degrees to the {'left' if whole > 0 else 'right'}"
