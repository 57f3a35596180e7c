"""Words of a small model's own: an answer takes few of them, and numbers lie where their neighbours are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("tokenizers", reason="needs tokenizers, which is not installed")

from gar_ssl_ros.spatial.model import numbers  # noqa: E402
from gar_ssl_ros.spatial.model.words import named, prompt, reply, vocabulary  # noqa: E402
from gar_ssl_ros.spatial.questions.forms import CHOICES, FORMS, QuestionType  # noqa: E402
from gar_ssl_ros.spatial.questions.words import Question, answer_text, question_text, read_answer, wordings  # noqa: E402

CLASSES = ("alarm clock", "cat", "clock", "dog")
WORDS = vocabulary(CLASSES)
VALUES = {
    "azimuth": st.integers(-180, 180).map(float),
    "elevation": st.integers(-90, 90).map(float),
    "distance": st.integers(0, 2500).map(lambda hundredths: hundredths / 100),
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
}
ASKED = st.sampled_from(list(QuestionType)).flatmap(
    lambda asked: st.tuples(
        st.just(asked),
        st.fixed_dictionaries({name: VALUES.get(name, st.sampled_from(CLASSES)) for name in FORMS[asked].fields}),
    )
)


@given(ASKED)
def test_every_answer_is_read_as_it_was_told(asked):
    kind, fields = asked
    tokens = reply(WORDS, answer_text(kind, fields))
    assert tokens.pop() == WORDS.eos_token_id
    assert read_answer(kind, WORDS.decode(tokens)) == fields


def test_a_class_is_a_word_wherever_it_stands_and_no_part_of_another_one():
    assert [len(set(named(WORDS, one))) for one in CLASSES] == [1, 1, 1, 1]
    assert len({named(WORDS, one)[0] for one in CLASSES}) == 4


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        ("dog; -67; 12; 2.93 m", ["dog", "; ", "-67", "; ", "12", "; ", "2.9", "3", "Ġm"]),
        ("-180; 90; 0.40 m", ["-180", "; ", "90", "; ", "0.4", "0", "Ġm"]),
    ],
)
def test_a_whole_number_of_degrees_is_a_word_and_so_are_tenths_of_a_metre(answer, tokens):
    assert WORDS.convert_ids_to_tokens(reply(WORDS, answer)[:-1]) == tokens


def test_a_place_in_a_question_takes_a_word_for_each_angle():
    place = {"azimuth": -104.0, "elevation": 7.0, "distance": 1.1}
    for name in wordings(QuestionType.Q5):
        words = WORDS.convert_ids_to_tokens(prompt(WORDS, question_text(Question(QuestionType.Q5, name, place)))[1])
        assert {"-104", "7", "1.1"} <= set(words)


def test_numbers_lie_near_their_neighbours_and_around_a_circle():
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(len(WORDS), 128)
    numbers.place(embedding, WORDS)
    vectors = torch.nn.functional.normalize(embedding.weight.detach(), dim=1)

    def alike(one: str, other: str) -> float:
        first, second = WORDS.convert_tokens_to_ids([one, other])
        return float(vectors[first] @ vectors[second])

    assert alike("40", "41") > 0.9
    assert alike("40", "41") > alike("40", "50") > alike("40", "70") - 0.2
    assert alike("180", "-179") > 0.9
    assert alike("2.3", "2.4") > 0.9
    assert abs(alike("2.3", "23")) < 0.2  # a distance is no angle
    assert abs(alike("40", "dog")) < 0.4
