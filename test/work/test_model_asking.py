"""Questions about the newest window in which something sounds, answered by a model, or without it."""

from __future__ import annotations

import weakref
from threading import Event

import numpy as np
import pytest

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.stages import AudioLabel
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.spatial.view import NO_VIEW
from gar_ssl_ros.work.asking import AnsweredWindows
from gar_ssl_ros.work.model_asking import AskedModel

RATE = 16_000
BOX = Box(10, 10, 30, 30)


def window(start: int = 0, width: int = 408, height: int = 112, channels: int = 2, frames: int = 1) -> Window:
    pictures = tuple(Frame(start * SECOND + one, np.zeros((height, width, 3), np.uint8)) for one in range(frames))
    audio = Audio(start * SECOND, np.full((channels, RATE), 0.1, np.float32), RATE)
    return Window(start * SECOND, (start + 1) * SECOND, pictures, audio)


def found(outcome: Outcome = Outcome.LOCALIZED, label: str = "phone") -> Localization:
    sources = (Source(BOX, label, 0.9, 0.8, "", BOX, False, None),) if outcome is Outcome.LOCALIZED else ()
    return Localization(outcome, Stage.FINAL, "signal", None, sound=AudioLabel(label, 0.9), sources=sources)


@pytest.fixture
def model(toy_questions_model):
    made = AskedModel(str(toy_questions_model()))
    yield made
    assert made.close(60.0)


def kept(model: AskedModel, *windows: Window) -> AnsweredWindows:
    made = AnsweredWindows(model)
    for one in windows:
        made.take(one, found(), NO_VIEW)
    return made


def test_the_model_answers_about_the_newest_window_in_which_something_sounds(model):
    asked = kept(model, window(0), window(1))
    asked.take(window(2), found(Outcome.SILENT), NO_VIEW)
    told = asked.ask("Where did it come from?")
    assert (told.type, told.start, told.end) == ("Q1", SECOND, 2 * SECOND)
    assert told.answer.text == "dog; dog"  # and not the phone that the reasoner heard
    assert told.answer.fields == {"sound": "dog", "object": "dog"}
    assert told.answer.evidence[0] == (
        f"told by the model in {model.folder}: it hears two ears and sees 416x112 pixels"
    )
    assert told.answer.evidence[1] == "about the window of 1.00 to 2.00 s: its sound, and its image of 1.00 s"
    assert told.answer.evidence[2].startswith("mean token probability of each field, which is not calibrated: 0.9")
    assert (model.statistics.asked, model.statistics.answered, model.statistics.problem) == (1, 1, "")


def test_a_question_as_people_say_it_is_asked_in_the_words_that_were_taught_and_about_what_sounds(model):
    asked = kept(model, window())
    assert asked.ask("Is it visible?").answer.text == "dog; visible"
    assert asked.ask("is it nearer to you than to the phone?").answer.fields == {"closer": "yes"}
    assert asked.ask(
        "Name the visible object that sounds, and give its azimuth, elevation and distance."
    ).answer.fields == {
        "object": "dog",
        "azimuth": 40.0,
        "elevation": -10.0,
        "distance": 2.0,
    }


@pytest.mark.parametrize(
    ("changes", "question", "why"),
    [
        ({"width": 640, "height": 480}, "is it visible", "640x480 is no panorama"),
        ({"channels": 1}, "is it visible", "the sound has one channel to hear, and the model hears with two ears"),
        ({}, "which of the two cats was it", "the model knows no cat, but dog, phone"),
    ],
)
def test_where_the_model_has_no_answer_it_is_answered_without_and_the_evidence_says_why(model, changes, question, why):
    asked = AnsweredWindows(model)
    asked.take(window(**changes), found(label="cat"), NO_VIEW)
    told = asked.ask(question)
    assert told.answer.fields["sound"] == "cat"
    assert told.answer.evidence[-1].startswith(f"answered without the model in {model.folder}: {why}")
    assert why in model.statistics.problem


def test_a_model_that_was_taught_nothing_fails_and_the_evidence_says_so(toy_questions_model):
    model = AskedModel(str(toy_questions_model(None)))
    told = kept(model, window()).ask("is it visible")
    assert told.answer.text == "phone; visible"
    assert "the model's answer cannot be read: " in told.answer.evidence[-1]


def test_where_neither_has_an_answer_both_say_why(model):
    asked = kept(model, window(width=640, height=480))
    with pytest.raises(UserError, match=r"^the azimuth is not known: .*; answered without the model .* no panorama"):
        asked.ask("in which direction is it")


def test_a_deadline_ends_the_model_s_part(model):
    told = kept(model, window()).ask("is it visible", limit=0.0)
    assert told.answer.text == "phone; visible"
    assert told.answer.evidence[-1].endswith("the model took longer than its deadline")


def test_a_model_that_does_not_stop_is_left_and_asked_no_more_until_it_is_back(model, monkeypatch):
    back, tell = Event(), model._model.tell

    def stuck(*arguments):
        back.wait(60.0)
        return tell(*arguments)

    monkeypatch.setattr(model._model, "tell", stuck)
    monkeypatch.setattr("gar_ssl_ros.work.model_asking.GRACE_S", 0.1)
    asked = kept(model, window())
    assert asked.ask("is it visible", limit=0.1).answer.evidence[-1].endswith("did not stop at its deadline of 0.1 s")
    assert asked.ask("is it visible", limit=0.1).answer.evidence[-1].endswith("is stuck in an earlier question")
    assert not model.close(0.0)
    back.set()
    assert model.close(60.0)
    assert asked.ask("is it visible", limit=60.0).answer.text == "dog; visible"


def test_of_windows_only_the_newest_one_s_middle_picture_and_sound_are_kept(model):
    windows = [window(one, frames=3) for one in range(4)]
    middles = [weakref.ref(one.center) for one in windows]
    others = [weakref.ref(frame) for one in windows for frame in one.frames if frame is not one.center]
    asked = kept(model, *windows)
    del windows
    assert [one() is not None for one in middles] == [False, False, False, True]
    assert not any(one() is not None for one in others)
    assert asked.ask("is it visible").start == 3 * SECOND


def test_a_folder_without_a_model_is_one_sentence(tmp_path):
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    pytest.importorskip("peft", reason="needs the extra questions")
    with pytest.raises(UserError, match="holds no trained model"):
        AskedModel(str(tmp_path))
