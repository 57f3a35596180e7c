"""Questions and answers in words, both ways, and what relates a source to a thing."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.spatial.questions.forms import FORMS, PLACE, QuestionType, Spot, placed, related, spot_of_point
from gar_ssl_ros.spatial.questions.words import (
    ALIKE,
    Question,
    QuestionError,
    answer_text,
    question_text,
    read_answer,
    read_question,
    wordings,
)

LABELS = st.sampled_from(["dog", "alarm clock", "vacuum cleaner", "jack-in-the-box", "child's toy"])
SPOTS = st.builds(Spot, st.floats(-180, 180), st.floats(-60, 60), st.floats(0.3, 9))


@st.composite
def questions(draw) -> Question:
    asked = draw(st.sampled_from(list(QuestionType)))
    values = {"sound": draw(LABELS), "object": draw(LABELS)} | placed(draw(SPOTS))
    template = draw(st.sampled_from(list(wordings(asked))))
    return Question(asked, template, {name: values[name] for name in FORMS[asked].slots})


@given(questions())
def test_a_question_reads_as_it_was_asked(question):
    read = read_question(question_text(question))
    assert read.type is ALIKE.get(question.type, question.type)
    assert read.slots == question.slots


@given(
    st.sampled_from([one for one in QuestionType if FORMS[one].fields != FORMS[QuestionType.Q2].fields]), SPOTS, SPOTS
)
def test_an_answer_reads_as_it_was_given(asked, source, other):
    values = {"sound": "dog", "object": "cat", "sounding": "making sound", "visible": "not visible"}
    fields = related(asked, source, other) if asked is QuestionType.Q3 else values | placed(source)
    fields = {name: fields[name] for name in FORMS[asked].fields}
    assert read_answer(asked, answer_text(asked, fields)) == fields


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("Q1", "dog"),
        ("Q2", "perhaps"),
        ("Q3", "right; behind; upper"),
        ("Q3", "behind; right; upper; 2.3 m"),
        ("Q4", "30; ten; 2.3 m"),
        ("Q9", "cat; hidden"),
        ("Q9", "; visible"),
        ("Q7", ""),
        ("Q3", "right; behind; upper; not known"),
        ("Q4", f"{'9' * 400}; 10; 2.3 m"),  # which would be infinite
    ],
)
def test_what_is_no_answer_of_its_form_is_none(asked, text):
    assert read_answer(QuestionType(asked), text) is None


def test_the_papers_own_answers_are_read():
    assert read_answer(QuestionType.Q2, "Yes") == {"closer": "yes"}
    assert read_answer(QuestionType.Q3, "right; behind; upper; 2.3 m") == {
        "side": "right",
        "depth": "behind",
        "height": "upper",
        "distance": 2.3,
    }
    assert read_answer(QuestionType.Q7, "bird squawking; -30; -12; 2.549 m.") is not None
    assert read_answer(QuestionType.Q4, "30°; \u221210 degrees; 2 meters") == {
        "azimuth": 30.0,
        "elevation": -10.0,
        "distance": 2.0,
    }


@pytest.mark.parametrize(
    ("said", "asked", "slots"),
    [
        ("Where did it come from?", "Q1", {}),
        ("is it visible", "Q9", {}),
        ("Which of the two?", "Q8", {}),
        ("How far from the door?", "Q3", {"object": "door"}),
        ("Where is the alarm clock?", "V2", {"object": "alarm clock"}),
        ("Is it closer to you than to the door?", "Q2", {"object": "door"}),
    ],
)
def test_what_people_say_is_understood(said, asked, slots):
    question = read_question(said)
    assert (question.type.value, question.slots) == (asked, slots)


@given(st.text(max_size=80))
def test_any_other_text_is_one_sentence(text):
    with suppress(QuestionError):
        read_question(text)
        return
    with pytest.raises(QuestionError, match="is no question that can be answered") as problem:
        read_question(text)
    assert "\n" not in str(problem.value)


@given(SPOTS, SPOTS)
def test_how_a_source_lies_to_a_thing_is_as_its_coordinates_say(source, other):
    apart = source.point - other.point
    sides = related(QuestionType.Q3, source, other)
    for name, much, first in zip(("depth", "side", "height"), apart, ("front", "left", "upper"), strict=True):
        if abs(much) > 1e-9:
            assert (sides[name] == first) == (much > 0)
    distance = float(np.linalg.norm(apart))
    assert sides["distance"] == pytest.approx(distance, abs=0.006)
    assert related(QuestionType.Q2, source, other)["closer"] == ("yes" if source.distance < distance else "no")
    turn = related(QuestionType.Q4, source, other)
    assert math.remainder(turn["azimuth"] - (source.azimuth - other.azimuth), 360) == pytest.approx(0, abs=0.51)
    assert set(turn) == set(PLACE)


@given(SPOTS)
def test_a_spot_is_where_its_point_is(spot):
    again = spot_of_point(spot.point)
    assert again.distance == pytest.approx(spot.distance)
    assert again.angle(spot) < 1e-4
