"""What directions that were heard do to an answer, and which source each is given to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import MAX_RATIO, MIN_RATIO, answered, explains, joined, out_of_view, ratio, spot
from gar_ssl_ros.gar.localization import Localization, Outcome, Timing
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.stages import AudioLabel, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import SECOND, Audio, Frame, HeardDirection, Sighting, Window

WIDTH, HEIGHT = 160, 120
LEFT, RIGHT = Box(20, 40, 40, 80), Box(120, 40, 140, 80)
UNSURE = Unseen(off_screen=False, reason="nothing moves")


def heard(x: float | None, share: float = 1.0, probability: float = 1.0, words: str = "there") -> HeardDirection:
    """From a column of the picture; None: from out of view."""
    fits = np.zeros((54, 96), np.float32)
    if x is not None:
        fits += np.exp(-0.5 * (((np.arange(96) + 0.5) / 96 * WIDTH - x) / 8) ** 2).astype(np.float32)
        fits[fits < 1e-6] = 0
    return HeardDirection(3, words, probability, share, 0.0 if x is None else 1.0, fits)


def window(*directions: HeardDirection, none: bool = False, sightings: Sequence[Sighting] = ()) -> Window:
    frame = Frame(0, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    audio = Audio(0, np.full((1, 16_000), 0.1, np.float32), 16_000)
    return Window(0, SECOND, (frame,), audio, sightings=tuple(sightings), heard=None if none else directions)


@dataclass
class Says:
    """A reasoner that locates the same boxes, or none, and finds them as consistent as it is told to."""

    boxes: Sequence[Box]
    consistency: float = 0.5
    name: str = "says"
    model: str | None = None

    @contextmanager
    def read(self, window, deadline) -> Iterator[Says]:
        yield self

    def classify(self) -> AudioLabel:
        return AudioLabel("bark", 0.9)

    def locate(self, max_sources: int):
        return [Location(box.sides, "a dog") for box in self.boxes] or UNSURE

    def analyze(self, hypotheses, trials: int):
        return [[Trial(self.consistency, (), (), True)] * trials for _ in hypotheses]

    def refine(self, cases):
        return [Refinement(None, False, None, "") for _ in cases]

    def seen(self) -> Sequence[Sighting]:
        return [Sighting("backpack", 0.9, LEFT.sides)]


def final(window: Window, *boxes: Box, consistency: float = 0.7) -> Localization:
    *_, last = localize(window, Says(boxes, consistency))
    return replace(last, timing=Timing())


def test_without_an_array_and_where_it_heard_nothing_every_answer_is_as_it_was():
    for boxes in ((LEFT,), ()):
        assert final(window(none=True), *boxes) == final(window(), *boxes)
        assert not final(window(none=True), *boxes).directions
    assert ratio(window(), LEFT) == 1.0
    assert joined(0.3, 1.0) == 0.3


def test_what_is_where_the_sound_comes_from_gains_and_what_is_elsewhere_loses():
    there = window(heard(30))
    assert ratio(there, LEFT) > 4
    assert ratio(there, RIGHT) == pytest.approx(0.1)
    near, far = (final(there, box).sources[0].av_consistency for box in (LEFT, RIGHT))
    assert near is not None
    assert far is not None
    assert far < 0.3 < 0.7 < near


@given(
    st.lists(st.tuples(st.floats(0, WIDTH), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4),
    st.floats(0, WIDTH - 2),
)
def test_no_direction_is_a_veto_nor_a_proof(given_directions, x):
    total = sum(share for _, share, _ in given_directions) or 1.0
    directions = [heard(at, share / total, sure) for at, share, sure in given_directions]
    assert MIN_RATIO <= ratio(window(*directions), Box(x, 10, x + 2, 12)) <= MAX_RATIO


def test_a_box_far_from_the_direction_stays_and_the_answer_says_that_it_is_far():
    found = final(window(heard(30, words="20 degrees to the left")), RIGHT)
    assert found.outcome is Outcome.LOCALIZED
    assert found.detail == "a box is far from where the sound comes from: 20 degrees to the left"
    assert not final(window(heard(30)), LEFT).detail


def test_a_sound_from_out_of_view_where_nothing_was_located_is_off_screen_with_its_direction():
    behind = window(heard(None, words="behind you"))
    found = final(behind)
    assert (found.outcome, out_of_view(behind)) == (Outcome.OFF_SCREEN, "behind you")
    assert found.detail == "the sound comes from behind you: nothing moves"
    (direction,) = found.directions
    assert (direction.source, direction.words) == (None, "behind you")
    unsure = final(window(heard(None, probability=0.3)))
    assert unsure.outcome is Outcome.UNCERTAIN


def test_what_may_be_in_view_as_far_as_an_array_can_know_is_not_out_of_it():
    open_ended = replace(heard(30), in_view=0.1)
    assert not out_of_view(window(open_ended))
    assert out_of_view(window(replace(open_ended, fits=0.3 * open_ended.fits)))


def test_two_sources_have_each_its_own_direction():
    directions = answered(window(heard(130, 0.6), heard(30, 0.4)), [LEFT, RIGHT], ())
    assert [one.source for one in directions] == [1, 0]


def test_a_direction_that_no_source_explains_is_told_by_what_was_seen_there_or_in_words():
    found = final(window(heard(130, 0.5), heard(30, 0.3), heard(None, 0.2, words="behind you")), RIGHT)
    assert [(one.source, one.words) for one in found.directions] == [
        (0, "there"),
        (None, "from the backpack"),
        (None, "behind you"),
    ]


def test_a_second_direction_close_to_a_source_is_its_echo_and_no_other_thing():
    directions = answered(window(heard(130, 0.6), heard(132, 0.4)), [RIGHT], ())
    assert [one.source for one in directions] == [0, 0]


@given(st.floats(-50, 300), st.floats(-50, 300))
def test_what_a_detector_saw_beyond_the_picture_does_no_harm(x, y):
    thing = Sighting("dog", 0.9, (x, y, x + 20, y + 20))
    assert answered(window(heard(30)), [], [thing])
    assert explains(window(heard(30)), LEFT)


def test_a_direction_is_told_as_a_place_only_as_far_as_it_is_known():
    assert spot(heard(30)) == (pytest.approx(30 / WIDTH, abs=0.01), pytest.approx(8 / WIDTH, rel=0.1), None)
    assert spot(heard(None)) is None
    point = heard(30)
    narrow = replace(
        point, fits=point.fits * np.exp(-0.5 * ((np.arange(54) - 20) / 3) ** 2).astype(np.float32)[:, None]
    )
    assert (spot(narrow) or ())[2] == pytest.approx(20.5 / 54, abs=0.01)
