import pickle
from collections import Counter

from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.datasets.scenes import scenes
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions


def test_the_scenes_are_200_of_each_kind_that_nothing_was_tuned_on():
    read = dataset("scenes")
    assert read.name == "scenes-medium"
    assert Counter(sample.group for sample in read.samples) == {kind.value: 200 for kind in Kind}
    assert len({sample.id for sample in read.samples}) == 1000
    assert [sample.media.options.seed for sample in read.samples[::5]] == list(range(10_000, 10_200))
    assert {sample.group for sample in read.samples[:5]} == {kind.value for kind in Kind}  # --limit meets them all
    assert {sample.media.options.difficulty for sample in dataset("scenes-hard").samples} == {Difficulty.HARD}


def test_what_is_expected_of_a_scene_is_known_before_it_is_rendered_and_its_truth_after():
    read = scenes(seeds=[3])
    assert [(s.group, s.outcome.value, s.sources) for s in read.samples] == [
        ("one", "LOCALIZED", 1),
        ("two", "LOCALIZED", 2),
        ("silent", "SILENT", 1),
        ("offscreen", "OFF_SCREEN", 1),
        ("face", "LOCALIZED", 1),
    ]
    two = pickle.loads(pickle.dumps(read.samples[1]))
    assert two.truths is None
    opened = two.open()
    truth = Scene(SceneOptions(kind=Kind.TWO, seed=3)).truth()
    assert [t.sides for t in opened.truths] == [source.boxes[22].sides for source in truth.sources]
    assert [t.label for t in opened.truths] == [source.label for source in truth.sources]
    assert opened.window.center is opened.window.frames[22]
    assert read.samples[2].open().truths == ()
