"""Windows are due when both streams have reached their end, whatever the stamps do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.work.schedule import LOOK_PERIOD_NS, MAX_LAG_NS, MIN_LEAP_NS, Due, Schedule, look_ahead

LENGTH, HOP = 3 * SECOND, SECOND
FRAME, CHUNK = SECOND // 30, SECOND // 10


def live(schedule: Schedule, seconds: float, begin: int = 0, audio: bool = True, frames: bool = True, lag: int = 0):
    """What is due while a camera and a microphone run; the microphone's chunks come when they are full."""
    events = []
    if frames:
        events += [(begin + i * FRAME, "frame") for i in range(round(seconds * 30))]
    if audio:
        events += [(begin + i * CHUNK, "audio") for i in range(1, round(seconds * 10) + 1)]
    newest: dict[str, int | None] = {"frame": None, "audio": None}
    due = []
    for time, kind in sorted(events):
        newest[kind] = time - (lag if kind == "audio" else 0)
        found = schedule.due(newest["frame"], newest["audio"])
        if found is not None:
            due.append((time, found))
    return due


def test_a_live_camera_and_microphone_give_a_whole_window_every_hop_as_soon_as_it_is_there():
    due = live(Schedule(LENGTH, HOP), 10)
    assert len(due) == 7
    for time, window in due:
        assert window.heard
        assert window.end - window.start == LENGTH
        assert time - window.end <= CHUNK
    assert all(HOP <= b[1].end - a[1].end <= HOP + CHUNK for a, b in pairwise(due))


def test_a_microphone_that_lags_is_waited_for():
    due = live(Schedule(LENGTH, HOP), 10, lag=SECOND)
    assert due
    assert all(window.heard and time - window.end <= SECOND + CHUNK for time, window in due)


def test_images_without_sound_are_due_too_and_say_that_nothing_is_heard():
    due = live(Schedule(LENGTH, HOP), 10, audio=False)
    assert len(due) >= 6
    assert not any(window.heard for _, window in due)


def test_sound_whose_clock_is_another_is_not_waited_for():
    due = live(Schedule(LENGTH, HOP), 10, lag=1000 * SECOND)
    assert len(due) >= 6
    assert not any(window.heard for _, window in due)


def test_sound_without_images_is_never_due():
    assert not live(Schedule(LENGTH, HOP), 10, frames=False)


def test_a_microphone_that_dies_is_noticed():
    schedule = Schedule(LENGTH, HOP)
    live(schedule, 5)
    due = [schedule.due(5 * SECOND + i * FRAME, 5 * SECOND) for i in range(150)]
    unheard = [window for window in due if window is not None and not window.heard]
    assert unheard[0].end <= 5 * SECOND + MAX_LAG_NS + 2 * FRAME
    assert len(unheard) >= 2


def test_time_that_jumps_back_begins_anew_with_a_whole_window():
    schedule = Schedule(LENGTH, HOP)
    live(schedule, 5, begin=100 * SECOND)
    due = live(schedule, 5, begin=0)
    assert [window.start >= 0 for _, window in due] == [True, True]


def test_time_that_leaps_ahead_begins_anew_with_a_whole_window():
    schedule = Schedule(LENGTH, HOP)
    live(schedule, 5)
    begin = 5 * SECOND + 2 * MIN_LEAP_NS
    due = live(schedule, 5, begin=begin)
    assert due[0][1].start >= begin


def test_stamps_that_stand_still_are_never_due():
    schedule = Schedule(LENGTH, HOP)
    assert [schedule.due(SECOND, SECOND) for _ in range(100)] == [None] * 100


@given(st.lists(st.tuples(st.integers(0, 60 * SECOND), st.none() | st.integers(0, 60 * SECOND)), max_size=100))
def test_whatever_the_stamps_a_due_window_is_one_of_the_right_length_that_has_been_reached(stamps):
    schedule = Schedule(LENGTH, HOP)
    for frame, audio in stamps:
        due = schedule.due(frame, audio)
        if due is not None:
            assert isinstance(due, Due)
            assert due.end - due.start == LENGTH
            assert due.end <= frame
            assert not due.heard or due.end <= audio


@given(st.integers(-SECOND, 3 * SECOND))
def test_a_window_is_looked_at_a_while_before_it_is_due_or_not_at_all(left):
    look = look_ahead(left)
    if look is not None:
        assert 2 * left >= LOOK_PERIOD_NS
        assert look == left // LOOK_PERIOD_NS


def test_of_a_camera_s_pictures_each_look_has_one():
    looks = [look_ahead(SECOND - i * FRAME) for i in range(30)]
    assert list(dict.fromkeys(look for look in looks if look is not None)) == [2, 1, 0]
