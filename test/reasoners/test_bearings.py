"""What each reasoner makes of directions that a microphone array heard: two like things, and nothing in view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scripted import Scripted
from test_openavs import Told
from test_senses import HEIGHT, DetectorInputs, Ears, senses, window

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Timing
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.window import HeardDirection, Window
from gar_ssl_ros.perception.detection import Detection
from gar_ssl_ros.reasoners.openavs.describe import Text
from gar_ssl_ros.reasoners.openavs.ground import Grounder
from gar_ssl_ros.reasoners.openavs.reasoner import OpenAvsReasoner, Parts
from gar_ssl_ros.reasoners.openavs.translate import AsTheyAre
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.senses import SensesReasoner
from gar_ssl_ros.reasoners.signal import SignalReasoner

ONE, OTHER = Box(20, 60, 60, 100), Box(130, 60, 170, 100)


def heard(x: float | None, words: str = "20 degrees to the right") -> HeardDirection:
    """From a place in the picture, or from out of view."""
    down, across = np.mgrid[0:54, 0:96]
    fits = np.zeros((54, 96), np.float32)
    if x is not None:
        apart = np.hypot((across + 0.5) * 2 - x, (down + 0.5) * HEIGHT / 54 - 80) / 10
        fits = np.where(apart < 6, np.exp(-0.5 * apart**2), 0).astype(np.float32)
    return HeardDirection(1, words, 0.95, 1.0, 0.0 if x is None else 1.0, fits)


def like_things(*directions: HeardDirection, things: tuple[Box, ...] = (ONE, OTHER)) -> Window:
    """3 s of bursts of noise, and things that look alike and jump with them alike."""
    return replace(window(*things), heard=directions or None)


def final(window: Window, reasoner: Reasoner, **options: int) -> Localization:
    *_, last = localize(window, reasoner, GarOptions(**options))
    assert last.outcome is not Outcome.BACKEND_ERROR, last.detail
    return replace(last, timing=Timing())


def seeing(*things: Detection) -> Reasoner:
    return SensesReasoner(senses(Ears(bark=0.9), objects=DetectorInputs(*things)))


def dogs() -> Reasoner:
    return seeing(Detection("dog", 0.9, ONE), Detection("dog", 0.9, OTHER))


def words() -> Reasoner:
    """Openavs, which hears a dog and sees two, the further one better."""
    eyes = Grounder(DetectorInputs(Detection("dog", 0.6, ONE), Detection("dog", 0.7, OTHER)), "eyes", 0.25)
    return OpenAvsReasoner(Parts([Told([Text("a dog")])], AsTheyAre(), "basic", eyes))


@pytest.fixture(params=["signal", "senses", "openavs"])
def reasoner(request) -> Reasoner:
    return {"signal": SignalReasoner, "senses": dogs, "openavs": words}[request.param]()


@pytest.mark.parametrize(("x", "truth"), [(40, ONE), (150, OTHER)])
def test_of_two_things_that_look_and_move_alike_the_one_is_named_that_the_sound_comes_from(reasoner, x, truth):
    found = final(like_things(heard(x)), reasoner)
    (source,) = found.sources
    assert source.box.iou(truth) > 0.3
    assert truth.contains(*source.box.center)
    (direction,) = found.directions
    assert direction.source == 0


@pytest.mark.parametrize("things", [(ONE,), (ONE, OTHER), (Box(20, 60, 170, 100),)])
def test_wherever_a_sound_comes_from_there_is_an_answer(things):
    for x in range(-20, 220, 15):
        final(like_things(heard(x), things=things), SignalReasoner())


def test_where_the_sound_comes_from_out_of_view_what_would_make_it_is_not_named_and_the_answer_says_why(reasoner):
    found = final(like_things(heard(None, "behind you")), reasoner)
    assert found.outcome is Outcome.OFF_SCREEN
    assert found.detail.startswith("the sound comes from behind you: ")
    assert "elsewhere" in found.detail


def test_what_went_best_with_the_sound_is_told_where_the_direction_decided_against_it():
    sure, unsure = Detection("dog", 0.95, ONE), Detection("dog", 0.5, OTHER)
    found = final(like_things(heard(150)), seeing(sure, unsure))
    assert OTHER.contains(*found.sources[0].box.center)
    assert "and not from the left, where something goes with it as well" in found.sources[0].description


@pytest.mark.parametrize(
    ("coordinates", "told"), [("pixels", "x = 93, y = 59"), ("thousandths_y_first", "x = 781, y = ")]
)
def test_a_model_is_told_in_its_own_units_where_the_sound_comes_from(coordinates, told):
    runtime = Scripted(seen_as=(119, 106))
    final(like_things(heard(150)), PromptedReasoner(runtime, coordinates))
    (question,) = runtime.asked("locate")
    assert f"heard the sound from around {told}" in question.text
    runtime = Scripted()
    final(like_things(heard(None, "behind you")), PromptedReasoner(runtime, coordinates))
    assert "heard the sound from out of the picture (behind you)" in runtime.asked("locate")[0].text


def test_a_model_that_names_what_is_far_from_the_sound_is_believed_less_and_its_answer_says_so():
    far, without = (
        final(like_things(*one), PromptedReasoner(Scripted(seen_as=(192, 144)), "pixels")) for one in ([heard(170)], [])
    )
    assert far.outcome is without.outcome is Outcome.LOCALIZED
    assert (far.sources[0].av_consistency or 0) < 0.5 < (without.sources[0].av_consistency or 0)
    assert "far from where the sound comes from" in far.detail


@pytest.mark.parametrize("alone", [SignalReasoner, lambda: seeing(Detection("dog", 0.9, ONE))])
def test_one_thing_that_goes_with_a_sound_from_elsewhere_in_the_picture_is_named_and_doubted(alone):
    found, without = (final(like_things(*one, things=(ONE,)), alone()) for one in ([heard(160)], []))
    assert [ONE.contains(*one.sources[0].box.center) for one in (found, without)] == [True, True]
    assert (found.sources[0].av_consistency or 0.0) < (without.sources[0].av_consistency or 0.0) - 0.1
    assert found.detail == "a box is far from where the sound comes from: 20 degrees to the right"
    assert not found.directions[0].source
