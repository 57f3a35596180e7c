"""Who speaks: what is said of faces, with random and with published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.perception.light_asd import SIDE
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
    crops = np.full((len(opening), SIDE, SIDE), 150, np.uint8)
    crops[:, 20:30, 25:40] = crops[:, 20:30, 72:87] = 40
    for one, wide in zip(crops, opening, strict=True):
        one[80 - round(12 * wide) : 82 + round(12 * wide), 40:72] = 30
    boxes = np.tile([10.0, 10, 70, 90], (len(opening), 1))
    return FaceTrack(first, boxes, crops, 0.9, Box(10, 10, 70, 90))


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
    for seed in range(5):
        opening, samples = babble(seed)
        own, still = detector.speaking(WINDOW, [drawn(opening), drawn(np.zeros(75))], samples)
        assert own.motion > still.motion == 0
        right += own.probability > still.probability
    assert right == 5


def test_faces_of_different_shots_are_no_rivals(detector):
    opening, samples = babble(1)
    early, late = drawn(opening[:30]), drawn(opening[30:], first=30)
    alone = [detector.speaking(WINDOW, [track], samples)[0].probability for track in (early, late)]
    both = [one.probability for one in detector.speaking(WINDOW, [early, late], samples)]
    assert both == pytest.approx(alone)


def test_silence_no_sound_and_no_face_are_answered(detector):
    for samples in (np.zeros(48_000, np.float32), np.zeros(0, np.float32)):
        (one,) = detector.speaking(WINDOW, [drawn(np.zeros(75))], samples)
        assert np.isfinite(one.log_odds).all()
        assert one.probability < 0.2
        assert detector.speaking(WINDOW, [], samples) == []
