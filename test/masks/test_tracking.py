"""Ids stay with what makes the sound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Source
from gar_ssl_ros.masks.tracking import KEEP_ID_NS, Tracker
from gar_ssl_ros.media.window import SECOND


def source(x: float, y: float = 10.0, label: str = "dog_bark", side: float = 50.0) -> Source:
    box = Box(x, y, x + side, y + side)
    return Source(box, label, 0.9, 0.8, "", box, False, None)


def test_a_source_that_moves_a_little_keeps_its_id():
    tracker = Tracker()
    assert [tracker.follow([source(x)], 0) for x in (10, 20, 30, 40)] == [(1,)] * 4


def test_a_source_elsewhere_gets_a_new_id():
    tracker = Tracker()
    assert tracker.follow([source(10)], 0) == (1,)
    assert tracker.follow([source(300)], 0) == (2,)


def test_two_sources_keep_their_ids_when_their_order_changes():
    tracker = Tracker()
    assert tracker.follow([source(10), source(200)], 0) == (1, 2)
    assert tracker.follow([source(205), source(12)], 0) == (2, 1)


def test_of_two_overlapping_sources_the_one_with_the_same_label_keeps_the_id():
    tracker = Tracker()
    assert tracker.follow([source(10, label="speech")], 0) == (1,)
    assert tracker.follow([source(10, label="music"), source(20, label="speech")], 0) == (2, 1)


def test_a_source_whose_label_wavers_in_place_keeps_its_id():
    tracker = Tracker()
    tracker.follow([source(10, label="speech")], 0)
    assert tracker.follow([source(12, label="singing")], 0) == (1,)


def test_a_source_is_known_again_after_a_pause_and_forgotten_after_a_long_one():
    tracker = Tracker()
    tracker.follow([source(10)], 0)
    tracker.follow([], SECOND)
    assert tracker.follow([source(10)], KEEP_ID_NS) == (1,)
    assert tracker.follow([source(10)], 2 * KEEP_ID_NS + 1) == (2,)


def test_the_initial_and_the_final_answer_of_a_window_share_their_ids():
    tracker = Tracker()
    assert tracker.follow([source(10), source(200)], SECOND) == (1, 2)
    assert tracker.follow([source(14), source(190)], SECOND) == (1, 2)


@given(st.lists(st.lists(st.tuples(st.floats(0, 500), st.sampled_from(["a", "b"])), max_size=5), max_size=20))
def test_ids_in_a_window_all_differ_and_the_newest_is_the_largest_so_far(windows):
    tracker = Tracker()
    seen: set[int] = set()
    for window in windows:
        ids = tracker.follow([source(x, label=label) for x, label in window], 0)
        assert len(set(ids)) == len(ids) == len(window)
        fresh = set(ids) - seen
        assert all(new > max(seen, default=0) for new in fresh)
        seen |= fresh
