"""Who speaks: what is said of faces, with random and with published weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.perception import speaking
from gar_ssl_ros.perception.light_asd import FACE_SIDE_PX, REACH
from gar_ssl_ros.perception.speaking import SpeakerDetector
from gar_ssl_ros.perception.tracks import FaceTrack

WINDOW = Window(0, 3 * SECOND, (Frame(0, np.zeros((240, 320, 3), np.uint8)),), None)


@pytest.fixture(scope="module")
def detector() -> SpeakerDetector:
    published = Path(__file__).parents[3] / "shared" / "models" / "light_asd_pretrain_AVA_CVPR.model"
    if not published.is_file():
        pytest.skip("needs ../shared/models/light_asd_pretrain_AVA_CVPR.model, which is not here")
    return SpeakerDetector(published)


def drawn(opening: np.ndarray, first: int = 0) -> FaceTrack:
    """A face of grey with a mouth as wide open as told, 0..1 for each step."""
    crops = np.full((len(opening), FACE_SIDE_PX, FACE_SIDE_PX), 150, np.uint8)
    crops[:, 20:30, 25:40] = crops[:, 20:30, 72:87] = 40
    for one, wide in zip(crops, opening, strict=True):
        one[80 - round(12 * wide) : 82 + round(12 * wide), 40:72] = 30
    boxes, places = np.tile([10.0, 10, 70, 90], (len(opening), 1)), np.tile([40.0, 50, 40], (len(opening), 1))
    return FaceTrack(first, boxes, crops, 0.9, Box(10, 10, 70, 90), tuple(np.array(crops)), places)


def part(track: FaceTrack, first: int, length: int = 75, off: float = 0.0) -> FaceTrack:
    """Of a track, so many steps from one on, found so many sizes off."""
    during = slice(first, first + length)
    fields = track.boxes[during], track.crops[during], track.score, track.box, track.pictures[during]
    return FaceTrack(track.first + first, *fields, track.places[during] + off * track.places[0, 2])


def babble(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Words of a fifth of a second: how open the mouth is at each step, and noise while it moves."""
    random = np.random.default_rng(seed)
    word = np.repeat(random.permutation([0, 1] * 8), 5)[:75]
    samples = random.standard_normal(48_000) * np.repeat(word, 640) * 0.2
    return word * random.random(75), samples.astype(np.float32).clip(-1, 1)


def test_all_probabilities_and_nobody_s_are_one(detector):
    opening, samples = babble(0)
    tracks = [drawn(opening), drawn(np.zeros(75)), drawn(opening[::-1])]
    found = detector.speaking(WINDOW, tracks, samples)
    assert [one.track for one in found] == tracks
    assert 0 < sum(one.probability for one in found) < 1
    assert all(one.log_odds.shape == (75,) for one in found)


def test_lips_that_move_with_the_sound_go_before_lips_that_do_not(detector):
    right = 0
    for seed in range(3):
        opening, samples = babble(seed)
        own, still = detector.speaking(WINDOW, [drawn(opening), drawn(np.zeros(75))], samples)
        assert own.motion > still.motion == 0
        right += own.probability > still.probability
    assert right == 3


class Scripted:
    """A network to which whoever is brighter than grey talks, by as much, whatever is heard."""

    def __init__(self, _: Path) -> None:
        pass

    def hear(self, _: np.ndarray, steps: int) -> np.ndarray:
        return np.zeros((steps, 1), np.float32)

    def see(self, crops: np.ndarray, **_: bool) -> np.ndarray:
        return crops.mean(axis=(1, 2), dtype=np.float32)[:, None] - 128

    def log_odds(self, seen: np.ndarray, moved: np.ndarray) -> np.ndarray:
        return np.broadcast_to(seen[:, 0], moved.shape[:2])


@given(st.integers(0, 4), st.integers(0, 4))
def test_where_somebody_plainly_talks_it_is_less_likely_nobody_and_no_likelier_that_one(one, more):
    def told(*scores: int) -> list[float]:
        tracks = [
            replace(drawn(np.zeros(75)), crops=np.full_like(drawn(np.zeros(75)).crops, 128 + score)) for score in scores
        ]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(speaking, "LightASD", Scripted)
            found = SpeakerDetector(Path("scripted")).speaking(WINDOW, tracks, babble(0)[1])
        return [each.probability for each in found]

    before, after = told(one, 0), told(one + more, 0)
    assert before[0] / before[1] == pytest.approx(after[0] / after[1], rel=1e-4)
    assert sum(after) >= sum(before) - 1e-6
    assert sum(told(4, 0)) > 2 * sum(told(0, 0))


def test_faces_of_different_shots_are_no_rivals(detector):
    opening, samples = babble(1)
    early, late = drawn(opening[:30]), drawn(opening[30:], first=30)
    alone = [detector.speaking(WINDOW, [track], samples)[0].probability for track in (early, late)]
    both = [one.probability for one in detector.speaking(WINDOW, [early, late], samples)]
    assert both == pytest.approx(alone, rel=1e-4)


def test_silence_no_sound_and_no_face_are_answered(detector):
    for samples in (np.zeros(48_000, np.float32), np.zeros(0, np.float32)):
        (one,) = detector.speaking(WINDOW, [drawn(np.zeros(75))], samples)
        assert np.isfinite(one.log_odds).all()
        assert one.probability < 0.2
        assert detector.speaking(WINDOW, [], samples) == []


class Counted:
    """A network that counts the steps that it sees."""

    def __init__(self, network) -> None:
        self.network, self.steps, self.when_due = network, 0, 0
        self.hear, self.log_odds = network.hear, network.log_odds

    def see(self, crops, **context):
        self.steps += len(crops)
        return self.network.see(crops, **context)


@pytest.fixture
def counted(detector, monkeypatch) -> Counted:
    monkeypatch.setattr(detector, "_seen", [])
    monkeypatch.setattr(detector, "_network", Counted(detector._network))
    return detector._network


def overlapping(
    detector, off: float = 0.0, forgets: bool = False, other: bool = False, ahead: tuple[int, ...] = ()
) -> list[float]:
    """The log-odds in three windows of 3 s, one each second, of a face that babbles and of one that gapes.

    So the last one's first second has been carried over twice. ahead: steps before each window's end at which its
    faces are looked at already.
    """
    words, samples = (np.concatenate(part) for part in zip(*map(babble, range(2)), strict=True))
    faces = drawn(words), drawn(np.tile([0.0, 0.5, 1.0], 50))
    said: list[float] = []
    for i, first in enumerate(range(0, 75, 25)):
        if forgets:
            detector._seen = []
        if other:
            faces = tuple(replace(face, pictures=tuple(map(np.array, face.pictures))) for face in faces)
        window = Window(first * SECOND // 25, (first + 75) * SECOND // 25, WINDOW.frames, None)
        tracks = [part(face, first, off=off * (i % 2)) for face in faces]
        for left in ahead:
            detector.prepare([part(face, first, 75 - left, off * (i % 2)) for face in faces], lambda: None)
        due = detector._network.steps
        said += [one.probability for one in detector.speaking(window, tracks, samples[640 * first :][:48_000])]
        detector._network.when_due += detector._network.steps - due
    return said


@pytest.fixture(scope="module")
def alone(detector) -> tuple[list[float], int]:
    """The log-odds where nothing had been seen before, and the steps that were seen for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detector, "_network", Counted(detector._network))
        return overlapping(detector, forgets=True), detector._network.steps


def test_windows_that_overlap_are_judged_as_if_nothing_had_been_seen_before_for_less(alone, detector, counted):
    log_odds, _ = alone
    assert overlapping(detector) == pytest.approx(log_odds, abs=1e-4)
    assert counted.steps == 2 * (75 + 2 * (25 + 4 * REACH))  # of two faces: a whole window, then two with a new second


def test_windows_that_were_looked_at_as_they_came_are_judged_the_same_and_sooner(alone, detector, counted):
    log_odds, _ = alone
    assert overlapping(detector, ahead=(14, 6)) == pytest.approx(log_odds, abs=1e-4)
    assert counted.when_due == 3 * 2 * (6 + 2 * REACH)  # windows, faces, steps


def test_what_ends_a_preparation_leaves_what_was_seen(detector, counted):
    turns = iter(range(2))

    def stop() -> None:
        if next(turns):
            raise Cancelled

    track = drawn(babble(0)[0])
    with pytest.raises(Cancelled):
        detector.prepare([track, track], stop)
    assert counted.steps == 75
    detector.speaking(WINDOW, [track], babble(0)[1])
    assert counted.steps == 75


def test_a_face_in_another_place_or_another_picture_is_seen_anew(alone, detector, counted):
    for change in ({"off": 0.05}, {"other": True}):
        counted.steps = 0
        assert (overlapping(detector, **change), counted.steps) == alone


def test_a_window_that_starts_between_two_steps_is_heard_from_the_first_one_on(detector):
    opening, samples = babble(2)
    early = Window(-SECOND // 50, 3 * SECOND, WINDOW.frames, None)  # 20 ms before step 0
    (on_time,), (later,) = (
        detector.speaking(window, [drawn(opening)], sound)
        for window, sound in ((WINDOW, samples), (early, np.concatenate([samples[:320], samples])))
    )
    assert later.probability == pytest.approx(on_time.probability, abs=1e-6)


def test_what_is_kept_of_a_window_is_small_and_holds_no_picture(detector):
    track = drawn(babble(0)[0])
    detector.speaking(WINDOW, [track] * 4, babble(0)[1])
    assert sum(seen.features.nbytes + seen.places.nbytes for seen in detector._seen) < 200_000
    (shown, *_), known = track.pictures, detector._seen[0].pictures[0]
    assert known() is shown
    del track, shown
    assert known() is None
