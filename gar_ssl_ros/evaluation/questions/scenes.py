"""What a question is about: a room, things in view, and one source, drawn so that the question has just one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from gar_ssl_ros.evaluation.questions.catalog import Catalog
from gar_ssl_ros.evaluation.questions.options import SPLITS, QuestionOptions
from gar_ssl_ros.evaluation.questions.places import QuestionRoom, room_of
from gar_ssl_ros.spatial.questions.forms import CHOICES, FORMS, Fields, QuestionType, Spot, placed, related
from gar_ssl_ros.spatial.questions.words import Question, wordings

MAX_THINGS = 5
APART = 20.0  # degrees of azimuth between what is in view, and from that to a source that is not
BESIDE_M = 0.2  # to the left or right, in front or behind, above or below, that is told, at least
MAX_DRAWS = 400
Random = np.random.Generator


@dataclass(frozen=True)
class Scenario:
    """alike: how many things in view are of the sound's class. source: where it sounds: at one of those (`match`), at a
    thing of another class (`other`), or where nothing is (`empty`). asked: which thing the question is about: the
    one that sounds (`source`), one of the sound's class that does not (`match`), or any other (`other`).
    """

    alike: int
    source: str
    asked: str = "other"


SEEN, HIDDEN = Scenario(1, "match"), Scenario(0, "empty")
ELSEWHERE = Scenario(1, "empty", "match")  # what looks as if it made the sound, and does not
# Of each type in turn, so that neither of two answers is the likelier one.
SCENARIOS: Mapping[QuestionType, tuple[Scenario, ...]] = MappingProxyType(
    {
        QuestionType.Q1: (SEEN, Scenario(0, "other")),
        **dict.fromkeys((QuestionType.Q2, QuestionType.Q3, QuestionType.Q4), (SEEN, SEEN, HIDDEN)),
        QuestionType.Q5: (Scenario(1, "match", "source"), ELSEWHERE, Scenario(1, "match", "source"), SEEN),
        QuestionType.Q6: (
            Scenario(2, "match", "source"),
            Scenario(2, "match", "match"),
            Scenario(2, "match", "source"),
            Scenario(2, "empty", "match"),
        ),
        QuestionType.Q7: (SEEN,),
        QuestionType.Q8: (Scenario(2, "match"),),
        QuestionType.Q9: (SEEN, HIDDEN, SEEN, ELSEWHERE),
        QuestionType.A1: (SEEN, HIDDEN, Scenario(0, "other")),
        QuestionType.A2: (SEEN, HIDDEN, Scenario(0, "other")),
        QuestionType.V1: (SEEN, HIDDEN),
        QuestionType.V2: (SEEN, HIDDEN),
    }
)


@dataclass(frozen=True)
class Thing:
    """One in view. place: its index in the room. picture: its name in the catalog."""

    label: str
    picture: str
    place: int


@dataclass(frozen=True)
class QuestionScene:
    """sound: its class. recording: its name in the catalog. place: of the source, its index in the room. source: which
    thing that is; None where nothing is there. question, answer: about it.
    """

    room: QuestionRoom
    things: tuple[Thing, ...]
    sound: str
    recording: str
    place: int
    source: int | None
    question: Question
    answer: Fields

    def spot(self, thing: int) -> Spot:
        """Where a thing is."""
        return self.room.spots[self.things[thing].place]


def draw_scene(options: QuestionOptions, catalog: Catalog, split: str, index: int) -> QuestionScene:
    """That of a split's question by its number: types take turns, and scenarios within them."""
    turn, kind = divmod(index, len(options.types))
    asked = options.types[kind]
    scenario = SCENARIOS[asked][turn % len(SCENARIOS[asked])]
    # Which of two answers is wanted, where a type has two and scenarios do not decide: neither is the likelier one.
    wanted = CHOICES["closer"][turn // len(SCENARIOS[asked]) % 2]
    random = np.random.default_rng([options.seed, SPLITS.index(split), index, 7])
    for _ in range(MAX_DRAWS):
        number = int(random.integers(options.number_of_rooms(split)))
        room = room_of(options.seed, split, number, options.places)
        scene = _draw(random, room, catalog, split, asked, scenario)
        if scene is not None and (asked is not QuestionType.Q2 or scene.answer["closer"] == wanted):
            return scene
    raise RuntimeError(f"no scene of {asked.value} was found in {MAX_DRAWS} draws")


def _draw(
    random: Random, room: QuestionRoom, catalog: Catalog, split: str, asked: QuestionType, scenario: Scenario
) -> QuestionScene | None:
    """One at random; None where it is not as it must be."""
    sound = str(random.choice(catalog.sounding))
    least = max(scenario.alike, 1) + (1 if scenario.asked == "other" and scenario.alike else 0)
    count = int(random.integers(least, MAX_THINGS + 1))
    others = [one for one in catalog.classes if one != sound]
    labels = [sound] * scenario.alike
    labels += [str(one) for one in random.choice(others, count - len(labels), replace=False)]
    empty = scenario.source == "empty"
    places = _places(random, room, len(labels) + int(empty))
    if places is None:
        return None
    things = tuple(
        Thing(label, str(random.choice(list(catalog.picture_names(label, split)))), place)
        for label, place in zip(labels, places, strict=False)
    )
    source = None if empty else 0  # the first is of the sound's class where any is
    order = random.permutation(len(things)).tolist()
    things, source = tuple(things[at] for at in order), None if source is None else order.index(source)
    about = _about(random, things, source, sound, scenario)
    place = places[-1] if source is None else things[source].place
    question = _question(random, asked, sound, things, about, room)
    answer = _answer(asked, sound, things, about, source, room.spots[place], room)
    if answer is None:
        return None
    recording = str(random.choice(list(catalog.sound_names(sound, split))))
    return QuestionScene(room, things, sound, recording, place, source, question, answer)


def _places(random: Random, room: QuestionRoom, count: int) -> list[int] | None:
    """So many of the room's, apart from each other."""
    found: list[int] = []
    for place in random.permutation(len(room.spots)).tolist():
        azimuth = room.spots[place].azimuth
        if all(abs((azimuth - room.spots[one].azimuth + 180) % 360 - 180) >= APART for one in found):
            found.append(place)
        if len(found) == count:
            return found
    return None


def _about(random: Random, things: Sequence[Thing], source: int | None, sound: str, scenario: Scenario) -> int:
    """Which thing a question is about."""
    if scenario.asked == "source" and source is not None:
        return source
    matching = scenario.asked == "match"
    fitting = [at for at, one in enumerate(things) if at != source and (one.label == sound) == matching]
    return int(random.choice(fitting or range(len(things))))


def _question(
    random: Random, asked: QuestionType, sound: str, things: Sequence[Thing], about: int, room: QuestionRoom
) -> Question:
    told: dict[str, str | float] = {"sound": sound, "object": things[about].label}
    told |= placed(room.spots[things[about].place])
    template = str(random.choice(list(wordings(asked))))
    return Question(asked, template, {name: told[name] for name in FORMS[asked].slots})


def _answer(
    asked: QuestionType,
    sound: str,
    things: Sequence[Thing],
    about: int,
    source: int | None,
    spot: Spot,
    room: QuestionRoom,
) -> dict[str, str | float] | None:
    """None where it would hang on a hair."""
    other = room.spots[things[about].place]
    if asked in (QuestionType.Q2, QuestionType.Q3, QuestionType.Q4):
        apart = np.abs(spot.point - other.point)
        if asked is QuestionType.Q3 and apart.min() < BESIDE_M:
            return None
        if asked is QuestionType.Q2 and abs(float(np.linalg.norm(apart)) - spot.distance) < BESIDE_M:
            return None
        return related(asked, spot, other)
    label = things[about].label
    if asked in (QuestionType.Q5, QuestionType.Q6):
        return {"object": label, "sounding": CHOICES["sounding"][int(about != source)]}
    if asked is QuestionType.V1:
        return {"object": label}
    if asked is QuestionType.V2:
        return placed(other)
    if asked is QuestionType.Q1:
        assert source is not None
        return {"sound": sound, "object": things[source].label}
    seen = source is not None and things[source].label == sound
    told: dict[str, str | float] = {"sound": sound, "object": sound, "visible": CHOICES["visible"][int(not seen)]}
    told |= placed(spot)
    return {name: told[name] for name in FORMS[asked].fields}
