"""Faces followed through a window: real pictures of none, a detector that tells where they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.perception.detection import Detection
from gar_ssl_ros.perception.light_asd import FACE_SIDE_PX
from gar_ssl_ros.perception.tracks import FaceTrack, FaceTracker, crop

WIDTH, HEIGHT = 320, 240


class Told:
    """A detector that reads a frame's time, ms, from its first pixels, and counts its looks."""

    kinds = ("face",)

    def __init__(self, faces_at: Callable[[float], list[Detection]]) -> None:
        self.faces_at = faces_at
        self.looks = 0

    def detect(self, image):
        self.looks += 1
        return self.faces_at((int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])) / 1000)


def face_tracks(window: Window, detector: Told, most: int = 4) -> list[FaceTrack]:
    return FaceTracker(detector).tracks(window, most)


def window(fps: float = 25, seconds: float = 3, grey: Callable[[float], int] = lambda t: 100) -> Window:
    frames = []
    for i in range(max(1, round(seconds * fps))):
        image = np.full((HEIGHT, WIDTH, 3), grey(i / fps), np.uint8)
        image[0, 0, :2] = divmod(round(1000 * i / fps), 256)
        frames.append(Frame(round(i * SECOND / fps), image))
    return Window(0, round(seconds * SECOND), tuple(frames), None)


def face(x: float, y: float = 100, size: float = 60, score: float = 0.9) -> Detection:
    return Detection("face", score, Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2))


@pytest.mark.parametrize("fps", [5, 12.5, 24, 25, 30, 60])
def test_a_face_that_moves_is_one_track_whatever_the_frame_rate(fps):
    detector = Told(lambda t: [face(80 + 40 * t)])
    (track,) = face_tracks(window(fps), detector)
    assert track.first == 0
    assert track.crops.shape == (75, FACE_SIDE_PX, FACE_SIDE_PX)
    assert track.boxes[37].mean() == pytest.approx((80 + 40 * 1.48 + 100) / 2, abs=5)
    assert track.box.contains(80 + 40 * 1.5, 100)
    assert detector.looks <= 9


def test_two_faces_side_by_side_do_not_change_places():
    one, other = face_tracks(window(), Told(lambda t: [face(100 + 5 * t, score=0.7), face(170 - 5 * t)]))
    assert one.box.center[0] > other.box.center[0] + 50
    assert np.ptp(one.boxes[:, 0]) < 20


def test_a_face_that_comes_half_way_starts_there():
    (track,) = face_tracks(window(), Told(lambda t: [face(100)] if t >= 1.5 else []))
    assert 37 <= track.first <= 48
    assert track.first + len(track.crops) == 75


def test_a_face_that_one_look_misses_goes_on():
    (track,) = face_tracks(window(), Told(lambda t: [] if 1.0 < t < 1.3 else [face(100)]))
    assert len(track.crops) == 75


def test_a_cut_ends_every_track():
    cut = window(grey=lambda t: 20 if t < 1.6 else 220)
    tracks = face_tracks(cut, Told(lambda t: [face(100)]))
    assert sorted((track.first, len(track.crops)) for track in tracks) == [(0, 40), (40, 35)]


def test_pictures_of_another_size_are_a_cut():
    first, second = window(seconds=1.6), window()
    later = [Frame(frame.stamp, np.array(frame.image[:200])) for frame in second.frames[40:]]
    mixed = Window(0, 3 * SECOND, (*first.frames, *later), None)
    assert len(face_tracks(mixed, Told(lambda t: [face(100)]))) == 2


def test_too_small_and_too_short_is_left_out():
    assert face_tracks(window(), Told(lambda t: [face(100, size=8)])) == []
    assert face_tracks(window(), Told(lambda t: [face(100)] if t > 2.6 else [])) == []
    assert face_tracks(window(seconds=0.04), Told(lambda t: [face(100)])) == []


def test_of_a_crowd_the_largest_and_surest_are_followed():
    crowd = [face(20 + 14 * i, 40 + 9 * i, 20 + 2 * i, 0.8) for i in range(20)]
    tracks = face_tracks(window(seconds=2), Told(lambda t: crowd), most=4)
    assert sorted(round(track.box.width) for track in tracks) == [52, 54, 56, 58]


def test_one_picture_shown_on_is_looked_at_once():
    detector = Told(lambda t: [face(100)])
    still = Window(0, 3 * SECOND, window(seconds=0.04).frames, None)
    assert len(face_tracks(still, detector)) == 1
    assert detector.looks == 1


def cut(whole: Window, start: float, seconds: float = 3) -> Window:
    begin, end = round(start * SECOND), round((start + seconds) * SECOND)
    return Window(begin, end, tuple(frame for frame in whole.frames if begin <= frame.stamp < end), None)


@pytest.mark.parametrize(("fps", "hop"), [(25, 1), (30, 1), (30, 1.033), (15, 0.5)])
def test_windows_that_overlap_are_followed_as_if_nothing_had_been_seen_before(fps, hop):
    detector = Told(lambda t: [face(100 + 30 * np.sin(3 * t), score=0.7), face(240 - 10 * t)])
    whole, tracker = window(fps, seconds=8), FaceTracker(detector)
    for start in np.arange(0, 5, hop):
        before = detector.looks
        found = tracker.tracks(cut(whole, start))
        assert detector.looks - before <= (10 if start == 0 else 6)
        alone = face_tracks(cut(whole, start), detector)
        assert [one.first for one in found] == [one.first for one in alone]
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one.places, other.places)
            np.testing.assert_array_equal(one.crops, other.crops)


def test_another_picture_of_the_same_stamp_is_looked_at():
    tracker = FaceTracker(Told(lambda t: [face(100)]))
    assert tracker.tracks(window())[0].box.center[0] == 100
    loop = window()
    tracker._detector.faces_at = lambda t: [face(200)]
    assert tracker.tracks(loop)[0].box.center[0] == 200


def test_what_was_seen_of_a_picture_goes_with_it():
    tracker = FaceTracker(Told(lambda t: [face(100)]))
    for _ in range(3):
        shown = window()
        tracker.tracks(shown)
        assert len(tracker.look) == 75
    del shown
    assert len(tracker.look) == len(tracker._detections) == 0


def test_the_steps_of_a_face_are_the_same_whatever_window_shows_it():
    whole = window(seconds=5)
    early, late = (face_tracks(cut(whole, start), Told(lambda t: [face(100)]))[0] for start in (0.5, 1.51))
    assert (early.first, late.first, len(late.crops)) == (13, 38, 74)
    assert early.pictures[30] is late.pictures[5]


@given(st.floats(-50, 370), st.floats(-50, 290), st.floats(0.5, 400))
def test_any_place_can_be_cut_out(x, y, half):
    image = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    cut = crop(image, x, y, half)
    assert cut.shape == (FACE_SIDE_PX, FACE_SIDE_PX)
    assert set(np.unique(cut)) <= set(range(110, 201))


def test_a_crop_is_the_lower_middle_of_the_face():
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[120:] = 255
    cut = crop(image, 160, 100, 50)  # rows 50..190 are cut out, of which the inner half is 85..155
    assert int((cut[:, 56] < 128).argmin()) == pytest.approx((120 - 85) / 70 * FACE_SIDE_PX, abs=2)
