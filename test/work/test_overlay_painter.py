"""What is shown over the camera's images, and how often."""

from __future__ import annotations

from dataclasses import replace
from queue import SimpleQueue
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.messages.overlays import Overlay
from gar_ssl_ros.work.overlay_painter import OverlayPainter, RateLimit

PATIENCE_S = 240.0
BOX = Box(10, 10, 50, 40)
FOUND = Localization(
    Outcome.LOCALIZED, Stage.FINAL, "r", None, sources=(Source(BOX, "dog", 0.9, 0.8, "a dog", BOX, False, None),)
)


def frame(seconds: float, width: int = 64) -> Frame:
    return Frame(round(seconds * SECOND), np.zeros((48, width, 3), np.uint8), "camera")


def window(seconds: float) -> Window:
    """Whose image has that time, s."""
    center = frame(seconds)
    return Window(center.stamp - SECOND, center.stamp + SECOND, (center,), None)


class Screen:
    """A painter and what it hands out. stop: whether it is held up at each."""

    def __init__(self, rate: float = 240.0, held: bool = False) -> None:
        self.shown: SimpleQueue[tuple[Frame, Overlay | None]] = SimpleQueue()
        self.begun, self.go = Event(), Event()
        self.told: list[str] = []
        self.rate = rate
        self._held = held
        self.painter = OverlayPainter(lambda: self.rate, self.publish, self.told.append)

    def publish(self, one: Frame, overlay: Overlay | None) -> None:
        self.begun.set()
        if self._held:
            assert self.go.wait(PATIENCE_S)
        self.shown.put((one, overlay))

    def of(self, one: Frame) -> Overlay | None:
        """What is shown on an image."""
        self.painter._limit = RateLimit()
        self.painter.see(one)
        seen, overlay = self.shown.get(timeout=PATIENCE_S)
        assert seen is one
        return overlay


@pytest.fixture
def screen():
    made = Screen()
    yield made
    assert made.painter.close(PATIENCE_S)


def test_an_answer_is_shown_whole_then_fades_and_is_gone_at_the_end_of_its_lifetime(screen):
    assert screen.of(frame(10)) is None
    screen.painter.answer(FOUND, window(8), 2 * SECOND)
    assert screen.of(frame(10.5)) == Overlay(FOUND, 2.5, 1.0)
    assert screen.of(frame(11.5)) == Overlay(FOUND, 3.5, pytest.approx(0.5))
    assert screen.of(frame(12)) is None
    assert screen.of(frame(7.9)) is None  # time has jumped back
    assert screen.of(frame(10.5, width=32)) is None  # boxes are of another size of image


def test_an_answer_of_silence_takes_the_boxes_away(screen):
    screen.of(frame(10))
    screen.painter.answer(FOUND, window(8), 2 * SECOND)
    silent = Localization(Outcome.SILENT, Stage.FINAL, "r", None)
    screen.painter.answer(silent, window(9), 2 * SECOND)
    told = screen.of(frame(10.1))
    assert told is not None
    assert (told.found.sources, told.found.outcome, told.age) == ((), Outcome.SILENT, pytest.approx(1.1))


def test_of_images_that_come_meanwhile_the_newest_is_drawn_and_the_camera_does_not_wait():
    screen = Screen(held=True)
    first, *others = (frame(10 + at / 10) for at in range(5))
    screen.painter.see(first)
    assert screen.begun.wait(PATIENCE_S)
    for one in others:
        screen.painter._limit = RateLimit()
        screen.painter.see(one)
    screen.go.set()
    assert [screen.shown.get(timeout=PATIENCE_S)[0] for _ in range(2)] == [first, others[-1]]
    assert screen.painter.close(PATIENCE_S)
    assert screen.shown.empty()


def test_at_rate_0_the_image_of_each_final_answer_is_shown_and_no_other(screen):
    screen.rate = 0.0
    screen.painter.see(frame(10))
    screen.painter.answer(replace(FOUND, stage=Stage.INITIAL), window(8), SECOND)
    about = window(9)
    screen.painter.answer(FOUND, about, SECOND)
    assert screen.shown.get(timeout=PATIENCE_S) == (about.center, Overlay(FOUND))
    assert screen.shown.empty()


def test_one_that_cannot_be_published_is_told_and_the_next_one_is():
    told, shown = [], SimpleQueue()

    def publish(one: Frame, overlay: Overlay | None) -> None:
        if one.stamp == 0:
            raise RuntimeError("the context is gone")
        shown.put(one)

    painter = OverlayPainter(lambda: 240.0, publish, lambda said: (told.append(said), shown.put(None)))
    painter.see(frame(0))
    assert shown.get(timeout=PATIENCE_S) is None
    assert told == ["an overlay could not be published: the context is gone"]
    painter._limit = RateLimit()
    painter.see(frame(1))
    assert shown.get(timeout=PATIENCE_S).stamp == SECOND
    assert painter.close(PATIENCE_S)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=100), st.floats(0.5, 100))
def test_no_more_pass_than_the_rate_allows(gaps, rate):
    limit, now, passed = RateLimit(), 100.0, 0
    for gap in gaps:
        now += gap
        passed += limit.allows(rate, now)
    assert 1 <= passed <= rate * (now - 100.0 - gaps[0]) + 2 + 1e-6


@given(st.lists(st.floats(-0.45, 0.45), min_size=2, max_size=100), st.floats(1, 100))
def test_a_camera_of_that_rate_loses_no_image_however_its_stamps_jitter(jitters, rate):
    limit = RateLimit()
    assert all(limit.allows(rate, 100.0 + (at + jitter) / rate) for at, jitter in enumerate(jitters))
