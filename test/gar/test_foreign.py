"""What a reasoner from outside answers is of its type, or the window fails with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gar_ssl_ros.gar.boxes import Delta
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.foreign import ForeignReasoner
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.stages import AnchorVote, AudioLabel, Failure, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window


@dataclass
class Stranger:
    """Answers each stage with what it is made with."""

    sound: Any = AudioLabel("dog", 0.9)
    places: Any = (Location((10, 10, 50, 50), "a dog", AudioLabel("dog", 0.9), 0.5),)
    trials: Any = ((Trial(0.8, ("mouth",), (AnchorVote("mouth", 0.7, (1.0, 2.0)),), False), Failure("cut off")),)
    better: Any = (Refinement((12, 12, 52, 52), True, Delta(1.0), "It barks."),)
    name: str = "stranger"
    model: str | None = "its own"

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Stranger]:
        yield self

    def classify(self) -> Any:
        return self.sound

    def locate(self, max_sources: int) -> Any:
        return self.places

    def analyze(self, hypotheses: object, trials: int) -> Any:
        return self.trials

    def refine(self, cases: object) -> Any:
        return self.better


def found(stranger: Any) -> Localization:
    sound = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
    window = Window(0, SECOND, (Frame(0, np.zeros((80, 100, 3), np.uint8)),), Audio(0, sound, 16_000))
    *_, final = localize(window, stranger)
    return final


@pytest.mark.parametrize("places", [Stranger().places, Unseen(True, "it is dark"), Unseen(False, "it is dark"), ()])
def test_good_answers_are_taken_as_they_are(places):
    mine, foreign = (found(one) for one in (Stranger(places=places), ForeignReasoner(Stranger(places=places))))
    assert (foreign.outcome, foreign.detail, foreign.sources) == (mine.outcome, mine.detail, mine.sources)
    assert (foreign.cases, foreign.reasoner, foreign.model) == (mine.cases, "stranger", "its own")


def test_numbers_and_lists_of_other_libraries_become_our_own():
    sides, keep = tuple(np.arange(10, 50, 10, dtype=np.float32)), np.bool_(True)
    trials = [[Trial(np.float32(0.5), ["a"], [], keep)] * 5]
    answer = found(ForeignReasoner(Stranger(AudioLabel("dog", np.float64(0.9)), [Location(sides, "")], trials)))
    assert answer.outcome is Outcome.LOCALIZED
    assert answer.cases[0].trials[0] == Trial(0.5, ("a",), (), True)
    assert {type(side) for side in answer.cases[0].location.sides} == {float}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sound": None}, "answer to classify cannot be used: "),
        ({"sound": AudioLabel(None, 0.9)}, "answer to classify cannot be used: label: Input should be a valid string"),
        ({"sound": AudioLabel("\ud800", 0.9)}, "answer to classify cannot be used: label: "),
        ({"sound": AudioLabel("dog", "much")}, "answer to classify cannot be used: confidence: "),
        ({"places": None}, "answer to locate cannot be used: "),
        ({"places": [Location(("a", None, 3, 4), "")]}, "answer to locate cannot be used: "),
        ({"places": [Location((1, 2, 3), "")]}, "answer to locate cannot be used: "),
        ({"trials": [[Trial(0.5, "a", (), True)]]}, "answer to analyze cannot be used: "),
        ({"trials": [[Trial(0.5, (), (), "perhaps")]]}, "answer to analyze cannot be used: "),
        ({"trials": []}, "answers to analyze cannot be used: they are 0 for 1 sources"),
        ({"better": [None]}, "answer to refine cannot be used: "),
        ({"better": [Refinement(None, True, Delta("far"), "")]}, "answer to refine cannot be used: "),
        ({"better": Stranger.better * 2}, "answers to refine cannot be used: they are 2 for 1 sources"),
    ],
)
def test_an_answer_of_another_type_fails_the_window_with_a_sentence(wrong, told, caplog):
    answer = found(ForeignReasoner(Stranger(**wrong)))
    assert (answer.outcome, answer.sources) == (Outcome.BACKEND_ERROR, ())
    assert told in answer.detail
    assert caplog.records == []
