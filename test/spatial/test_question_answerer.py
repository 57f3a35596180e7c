"""Questions answered by where a sound was heard and what is seen."""

from __future__ import annotations

import math

import pytest

from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.questions.answerer import HeardSound, SeenThing, UnansweredError, answer
from gar_ssl_ros.spatial.questions.forms import Spot
from gar_ssl_ros.spatial.questions.words import read_question

ROOM = (
    SeenThing("dog", Spot(60, -10, 2.0)),
    SeenThing("dog", Spot(-100, 0, 3.0)),
    SeenThing("telephone", Spot(0, 5, 1.5)),
    SeenThing("cupboard", Spot(150, 0, 2.5)),
)


def heard(azimuth: float, *labels: str, known: Known = Known.AZIMUTH) -> HeardSound:
    axis = (0.0, 1.0, 0.0) if known is Known.LATERAL else (0.0, 0.0, 1.0)
    vector = body_of_angles(math.radians(azimuth), 0.0)
    return HeardSound((SoundDirection(vector, math.radians(2), -30.0, 0.99, known, axis),), dict.fromkeys(labels, 0.9))


def told(question: str, sound: HeardSound, things=ROOM, forced: bool = False) -> str:
    return answer(read_question(question), sound, things, forced).text


def test_of_two_things_alike_the_one_that_is_heard_sounds():
    assert told("which of the two dogs was it", heard(-98, "dog"), forced=True) == "dog; -100; 0; 3.00 m"
    assert told("which of the two dogs was it", heard(62, "dog"), forced=True) == "dog; 60; -10; 2.00 m"
    asked = "What is the object in the scene located at (60, -10), 2.0 m? Is it making a sound?"
    assert told(asked, heard(-98, "dog")) == "dog; not making sound"
    assert told(asked, heard(61, "dog")) == "dog; making sound"


def test_a_sound_from_a_thing_that_does_not_make_such_comes_from_there_and_is_not_visible():
    assert told("where did it come from", heard(149, "telephone"), forced=True) == "telephone; cupboard"
    things = [one for one in ROOM if one.label != "telephone"]
    assert told("is it visible", heard(149, "telephone"), things) == "telephone; not visible"
    assert told("is it visible", heard(149, "telephone")) == "telephone; not visible"
    assert told("is it visible", heard(1, "telephone")) == "telephone; visible"


def test_without_a_direction_what_fits_the_sound_made_it():
    alone = HeardSound((), {"telephone": 0.8, "dog": 0.1})
    assert told("Which of the objects in view makes the sound, and where is it?", alone) == "telephone; 0; 5; 1.50 m"


def test_how_a_source_lies_to_a_thing():
    assert told("how far from the cupboard", heard(61, "dog")).startswith("left; front; lower;")
    assert told("is it closer to you than to the cupboard", heard(61, "dog")) == "Yes"


def test_what_is_not_known_is_left_out_and_never_made_up():
    things = [SeenThing("door", Spot(90, 0))]
    with pytest.raises(UnansweredError, match="the side is not known: the camera's depth tells distances"):
        answer(read_question("how far from the door"), heard(-90, "dog"), things)
    found = answer(read_question("how far do i turn from the door to it"), heard(-50, "dog"), things)
    assert found.text == "-140; not known; not known"
    found = answer(read_question("where did it come from"), heard(-40, "dog"), ())
    assert (found.fields["azimuth"], "distance" in found.fields) == (-40, False)
    assert "heard from 40 degrees to the right, within 2 degrees" in found.evidence
    unsure = HeardSound((), {"dog": 0.9}, searched=False)
    assert answer(read_question("is it visible"), unsure, ()).text == "dog; not known"


def test_a_benchmark_is_given_a_guess_for_all_that_can_be_guessed():
    asked = "What is the object in the scene located at (-40, 0), 2.0 m? Is it making a sound?"
    assert told(asked, heard(-41, "dog"), (), forced=True) == "something; making sound"
    assert told(asked, heard(60, "dog"), (), forced=True) == "something; not making sound"
    assert told("Name the object at (0, 5), 1.5 m, and say whether it is making the sound.", HeardSound(), forced=True)
    assert told("in which direction is it", HeardSound(), (), forced=True) == "0; 2; 1.75 m"


@pytest.mark.parametrize(
    ("question", "sound", "why"),
    [
        ("how far from the piano", heard(0, "dog"), "no piano is seen, but dog, telephone, cupboard"),
        ("where did it come from", HeardSound(), "nothing was heard"),
        ("What is to be seen at azimuth -30, elevation 0, 2 m away?", heard(0), r"nothing is seen at \(-30, 0\)"),
        ("in which direction is it", HeardSound((), {"siren": 0.9}), "the azimuth is not known: a microphone array"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(question, sound, why):
    with pytest.raises(UnansweredError, match=why):
        answer(read_question(question), sound, ROOM)


def test_two_ears_leave_front_and_back_to_what_fits_the_sound():
    things = (SeenThing("dog", Spot(30, 0, 2)), SeenThing("telephone", Spot(150, 0, 2)))
    both = heard(30, "telephone", known=Known.LATERAL)
    assert told("Which of the objects in view makes the sound, and where is it?", both, things).startswith("telephone")
