"""Questions about the last windows, answered from what was found in them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.stages import AudioLabel
from gar_ssl_ros.media.window import SECOND, Frame, Sighting, Window
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.view import NO_VIEW, View
from gar_ssl_ros.work.asking import AnsweredWindows

VIEW = View(Camera(100, 80, (50.0, 0.0, 50.0, 0.0, 50.0, 40.0, 0.0, 0.0, 1.0)))
DOG, OTHER, DOOR = (10.0, 30.0, 30.0, 50.0), (70.0, 30.0, 90.0, 50.0), (40.0, 20.0, 60.0, 70.0)


def window(start: int = 0, *sightings: Sighting) -> Window:
    frames = (Frame(start * SECOND, np.zeros((80, 100, 3), np.uint8)),)
    return Window(start * SECOND, (start + 1) * SECOND, frames, None, sightings=sightings)


def found(outcome: Outcome, *boxes: Box, bearing: float | None = None, label: str = "dog") -> Localization:
    sources = tuple(Source(box, label, 0.9, 0.8, "", box, False, None) for box in boxes)
    heard = AnsweredDirection(1, 0 if boxes else None, "", bearing or 0.0, None, 0.05, 0.99, 1.0, 1.0)
    told = () if bearing is None else (heard,)
    sound = AudioLabel(label, 0.9) if label else None
    return Localization(outcome, Stage.FINAL, "signal", None, sound=sound, sources=sources, directions=told)


def test_what_the_graph_found_answers():
    kept = AnsweredWindows()
    seen = [Sighting("dog", 0.9, DOG, "a"), Sighting("dog", 0.9, OTHER, "b"), Sighting("door", 0.9, DOOR)]
    kept.take(window(0, *seen), found(Outcome.LOCALIZED, Box(*DOG), bearing=math.atan2(30, 50)), VIEW)
    told = kept.ask("Where did it come from?")
    assert (told.type, told.answer.text, told.end) == ("Q1", "dog; dog", SECOND)
    assert told.answer.fields["azimuth"] == 31
    assert kept.ask("which of the two dogs was it").answer.fields["azimuth"] == 31
    assert kept.ask("is it visible").answer.text == "dog; visible"
    with pytest.raises(UserError, match="the side is not known: the camera's depth tells distances"):
        kept.ask("on which side of the door was it")


def test_what_is_out_of_view_or_uncertain_is_told_so():
    kept = AnsweredWindows()
    kept.take(window(0), found(Outcome.OFF_SCREEN, bearing=2.5), VIEW)
    told = kept.ask("is it visible")
    assert (told.answer.text, told.answer.fields["azimuth"]) == ("dog; not visible", round(math.degrees(2.5)))
    kept.take(window(1), found(Outcome.UNCERTAIN), NO_VIEW)
    assert kept.ask("is it visible").answer.text == "dog; not known"


def test_the_newest_window_in_which_something_sounds_is_asked_about():
    kept = AnsweredWindows()
    with pytest.raises(UserError, match="no window has been answered yet"):
        kept.ask("is it visible")
    kept.take(window(0), found(Outcome.LOCALIZED, Box(*DOG)), VIEW)
    for second in range(1, 6):
        kept.take(window(second), found(Outcome.SILENT, label=""), VIEW)
    assert kept.ask("is it visible").start == 0
    with pytest.raises(UserError, match="nothing was heard"):
        kept.ask("is it visible", 2.0)
    with pytest.raises(UserError, match=r"must lie in 0\.\.60"):
        kept.ask("is it visible", 61.0)
    with pytest.raises(UserError, match="is no question that can be answered"):
        kept.ask("what is the meaning of life?")
    kept.take(window(2), found(Outcome.LOCALIZED, Box(*OTHER)), VIEW)  # time has jumped back
    assert kept.ask("is it visible").start == 2 * SECOND
