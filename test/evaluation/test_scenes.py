from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.evaluation.scenes import sounds
from gar_ssl_ros.evaluation.scenes.files import TruthError, read_truth, truth_of, write_scene
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import matched
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.clip import Clip


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("difficulty", Difficulty)
def test_every_kind_says_what_is_true_of_it(kind, difficulty, scene_of):
    scene, window = scene_of(kind, 0, difficulty)
    truth = scene.truth()
    expected = {Kind.ONE: 1, Kind.TWO: 2, Kind.FACE: 1, Kind.SILENT: 0, Kind.OFFSCREEN: 0}[kind]
    assert len(truth.sources) == expected
    assert truth.outcome == {Kind.SILENT: "SILENT", Kind.OFFSCREEN: "OFF_SCREEN"}.get(kind, "LOCALIZED")
    assert len(truth.labels) == max(1, expected)
    for source in truth.sources:
        assert len(source.boxes) == scene.frames
        assert source.boxes[scene.frames // 2] is not None
    assert len(window.frames) == 45
    assert window.audio is not None
    assert window.audio.samples.shape == (1, 48_000)


def test_the_same_seed_gives_the_same_scene_and_another_another():
    one, same = (Scene(SceneOptions(seed=3)) for _ in range(2))
    other = Scene(SceneOptions(seed=4))
    assert (one.image(7) == same.image(7)).all()
    assert (one.samples == same.samples).all()
    assert one.truth() == same.truth()
    assert (one.image(7) != other.image(7)).any()


def test_frames_may_be_drawn_in_any_order():
    scene = Scene(SceneOptions(seed=5))
    late = scene.image(30)
    scene.image(2)
    assert (scene.image(30) == late).all()


def test_a_source_changes_in_time_with_its_sound_and_a_distractor_does_not():
    """By the truth's own box: the change inside it goes with the loudness as no other place in the picture does."""
    hits = 0
    for seed in range(4):
        scene = Scene(SceneOptions(seed=seed, noise=0.0, shake=0.0, difficulty=Difficulty.EASY))
        frames = np.stack([scene.image(i).mean(axis=2) for i in range(scene.frames)])
        times = np.arange(scene.frames) / 15
        level = sounds.SceneSound(scene.samples, "", ()).level(times, 1 / 15)
        source = scene.truth().sources[0]
        box = source.boxes[scene.frames // 2]
        assert box is not None
        x1, y1, x2, y2 = (round(side) for side in box.sides)
        look = frames[:, y1:y2, x1:x2].reshape(scene.frames, -1)
        away = np.abs(look - np.median(look, axis=0)).mean(axis=1)
        speed = np.r_[0, np.abs(np.diff(look, axis=0)).mean(axis=1)]
        change = np.abs(np.r_[0, np.diff(level)])
        best = max(
            np.corrcoef(away, level)[0, 1], np.corrcoef(speed, level)[0, 1], np.corrcoef(speed, change)[0, 1]
        )  # fmt: skip
        hits += best > 0.4
    assert hits == 4


def test_silence_is_silent_and_the_rest_is_not():
    for seed in range(5):
        assert np.abs(Scene(SceneOptions(kind=Kind.SILENT, seed=seed)).samples).max() < 0.01
        assert np.abs(Scene(SceneOptions(kind=Kind.OFFSCREEN, seed=seed)).samples).max() > 0.2


def test_noise_and_shake_are_as_asked():
    still = SceneOptions(kind=Kind.SILENT, seed=1, noise=0.0, shake=0.0, distractors=0, difficulty=Difficulty.EASY)
    clean = Scene(replace(still, seconds=1.0))
    noisy = Scene(replace(still, seconds=1.0, noise=4.0))
    difference = noisy.image(0).astype(float) - clean.image(0)
    assert difference.std() == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 10}, {"height": 0}, {"fps": 0.0}, {"seconds": 0.0}, {"noise": -1.0}, {"shake": float("nan")},
        {"seed": -1}, {"distractors": 9},
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))[:5]):
        SceneOptions(**wrong)


@pytest.mark.parametrize("separate", [False, True])
def test_a_scene_on_disk_has_its_truth_beside_it(tmp_path, separate):
    scene = Scene(SceneOptions(kind=Kind.FACE, seed=2, seconds=1.0))
    clip = write_scene(scene, tmp_path, "face", separate)
    told = read_truth(truth_of(clip))
    truth = scene.truth(masks=True)
    assert (told.outcome, told.labels, told.sources) == (truth.outcome, truth.labels, truth.sources)
    assert told.audio == ("face.wav" if separate else None)
    read = Clip(clip)
    assert len(list(read.pictures())) == 15
    assert bool(read.info.channels) is not separate
    assert (tmp_path / "face.wav").exists() is separate


@pytest.mark.parametrize("kind", [Kind.TWO, Kind.FACE])
def test_true_masks_are_what_is_drawn_and_of_a_head_hold_its_mouth(kind):
    scene, without = (Scene(SceneOptions(kind=kind, seed=2, seconds=0.4, noise=0.0)) for _ in range(2))
    without._actors = [actor for actor in without._actors if not actor.heard]
    sources = scene.truth(masks=True).sources
    for index in range(scene.frames):
        changed = np.abs(scene.image(index).astype(int) - without.image(index)).max(axis=2) > 0
        painted = np.logical_or.reduce([source.masks[index].pixels for source in sources])
        assert (changed & painted).sum() > 0.98 * painted.sum()
        assert (changed & ~painted).sum() < 0.1 * painted.sum()  # the edges, which shine through
        for source in sources:
            assert source.masks[index].box == source.boxes[index]
            assert bool(source.part_masks) == (kind is Kind.FACE)
            if source.part_masks:
                assert not (source.part_masks[index].pixels & ~source.masks[index].pixels).any()


def test_truth_that_is_missing_or_spoilt_is_one_sentence(tmp_path):
    with pytest.raises(TruthError, match=r"none\.json cannot be read"):
        read_truth(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text('{"video": 3}')
    with pytest.raises(TruthError, match=r"bad\.json is no truth of a scene: video"):
        read_truth(tmp_path / "bad.json")


def test_speech_comes_with_the_package_and_has_syllables():
    for seed in range(5):
        spoken = sounds.speech(np.random.default_rng(seed), 3.0)
        assert spoken.label == "speech"
        assert spoken.samples.shape == (48_000,)
        assert 3 <= len(spoken.onsets) <= 40


def test_a_scene_asks_no_program_of_the_machine(monkeypatch):
    """The same seed is the same scene on every machine, whatever is installed there."""
    scene = Scene(SceneOptions(kind=Kind.FACE, seed=3))
    monkeypatch.setenv("PATH", "")
    assert (Scene(SceneOptions(kind=Kind.FACE, seed=3)).samples == scene.samples).all()
    loudness = [float(np.sqrt((part**2).mean())) for part in np.split(scene.samples, 6)]
    assert loudness == pytest.approx([0.0342, 0.068, 0.0691, 0.0567, 0.0762, 0.0793], rel=0.01)


@pytest.mark.parametrize("seconds", [0.2, 0.3, 0.5])
@pytest.mark.parametrize("kind", Kind)
def test_a_scene_of_a_moment_is_a_scene_too(kind, seconds):
    scene = Scene(SceneOptions(kind=kind, seed=round(10 * seconds), seconds=seconds))
    assert scene.image(scene.frames - 1).shape == (240, 320, 3)


def test_a_face_is_found_by_its_head_and_not_by_its_mouth(tmp_path):
    scene = Scene(SceneOptions(kind=Kind.FACE, seed=2, seconds=1.0))
    told = read_truth(truth_of(write_scene(scene, tmp_path, "face")))
    (face,) = told.sources
    head, mouth = face.boxes[7], face.part[7]
    assert told.overlaps([head], 7 / 15) == [1.0]
    assert told.overlaps([mouth], 7 / 15)[0] < 0.2


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), st.floats(0, 50), st.floats(0, 50), st.floats(1, 50), st.floats(1, 50)
)


@given(st.lists(boxes, max_size=3), st.lists(boxes, max_size=3))
def test_each_true_box_is_matched_with_at_most_one_found_one(found, true):
    overlaps = matched(found, true)
    assert len(overlaps) == len(true)
    assert sum(overlap > 0 for overlap in overlaps) <= len(found)
    if len(found) == 1 and true:
        assert sum(overlaps) == pytest.approx(max(found[0].iou(box) for box in true))
