import json
import os
import shutil

import cv2
import numpy as np
import pytest
from clips import write_clip

from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.samples import DatasetError
from gar_ssl_ros.evaluation.scenes.files import write_scene, write_wav
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("folder") / "a.mkv", size=(80, 60), seconds=4.0)


@pytest.fixture
def root(tmp_path, clip):
    shutil.copy(clip, tmp_path / "a.mkv")
    shutil.copy(clip, tmp_path / "b.mkv")
    return tmp_path


def table(root, content: str):
    (root / "truth.csv").write_text(content)
    return dataset("folder", root)


def document(root, content: object):
    (root / "truth.json").write_text(json.dumps(content))
    return dataset("folder", root)


def test_a_table_names_sources_in_pixels_rows_of_one_file_being_one_sample(root):
    read = table(
        root,
        "file,x1,y1,x2,y2,label\na.mkv,10,20,40,50,dog\nb.mkv,5,5,60,55,cat\na.mkv,50,20,70,50,car\n",
    )
    assert [sample.id for sample in read.samples] == ["a.mkv", "b.mkv"]
    first = read.samples[0]
    assert (first.sources, first.truths, first.outcome) == (2, None, Outcome.LOCALIZED)
    assert [(t.sides, t.label) for t in first.open().truths] == [((10, 20, 40, 50), "dog"), ((50, 20, 70, 50), "car")]
    assert read.classes == ("car", "cat", "dog")
    assert read.notes == ("truth.csv: boxes are xyxy in pixels",)


def test_a_table_of_corner_and_size_in_shares_says_so(root):
    read = table(root, "file,x,y,w,h\na.mkv,0.25,0.5,0.5,0.25\n")
    assert read.samples[0].truths[0].sides == (0.25, 0.5, 0.75, 0.75)
    assert read.samples[0].open().truths[0].sides == (20, 30, 60, 45)
    assert read.notes == ("truth.csv: boxes are xywh in shares",)


def test_moments_of_one_recording_are_samples_of_their_own(root):
    rows = "a.mkv,1.0,,10,20,40,50\na.mkv,2.5,SILENT,,,,\na.mkv,2.6,OFF_SCREEN,,,,\n"
    read = table(root, f"file,at,outcome,x1,y1,x2,y2\n{rows}")
    assert [sample.id for sample in read.samples] == ["a.mkv@1", "a.mkv@2.5", "a.mkv@2.6"]
    assert [sample.outcome for sample in read.samples] == [Outcome.LOCALIZED, Outcome.SILENT, Outcome.OFF_SCREEN]
    opened = read.samples[1].open()
    assert opened.truths == ()
    assert opened.window.center.stamp == 2.5 * SECOND


def test_pictures_go_with_the_sound_of_their_name_or_the_one_that_is_named(root):
    for name in ("p.jpg", "q.jpg"):
        cv2.imwrite(str(root / name), np.zeros((60, 80, 3), np.uint8))
    write_wav(root / "p.wav", np.zeros(SPEECH_RATE_HZ, np.float32))
    read = table(root, "file,audio,x1,y1,x2,y2\np.jpg,,1,2,30,40\nq.jpg,p.wav,1,2,30,40\n")
    assert [len(sample.open().window.frames) for sample in read.samples] == [1, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("file,left,top\na.mkv,1,2\n", "needs the columns file and x1, y1, x2, y2"),
        ("file,x1,y1,x2,y2\n", "holds no sample"),
        ("file,x1,y1,x2,y2\na.mkv,1,2,three,4\n", "line 2: box.2: input should be a valid number"),
        ("file,x1,y1,x2,y2\na.mkv,1,2,30\n", "line 2"),
        ("file,x1,y1,x2,y2\n,1,2,30,40\n", "line 2: file: field required"),
        ("file,x1,y1,x2,y2\na.mkv,30,2,10,40\n", "the box [30.0, 2.0, 10.0, 40.0] of a.mkv is empty, read as xyxy"),
        ("file,x1,y1,x2,y2\na.mkv,1,2,30,40\na.mkv,1,2,30,40\n", "line 3 repeats line 2"),
        ("file,outcome,x1,y1,x2,y2\na.mkv,SILENT,1,2,30,40\n", "has a box though its outcome is SILENT"),
        ("file,outcome,x1,y1,x2,y2\na.mkv,,,,,\n", "has no box though its outcome is LOCALIZED"),
        ("file,outcome,x1,y1,x2,y2\na.mkv,LOUD,1,2,30,40\n", "line 2: outcome: input should be 'LOCALIZED'"),
        ("file,outcome,x1,y1,x2,y2\na.mkv,UNCERTAIN,,,,\n", "'LOCALIZED', 'SILENT' or 'OFF_SCREEN'"),  # no truth
        ("file,at,x1,y1,x2,y2\na.mkv,-1,1,2,30,40\n", "line 2: at: input should be greater than or equal to 0"),
        ("file,audio,x1,y1,x2,y2\na.mkv,,1,2,3,4\na.mkv,b.wav,5,6,7,8\n", "several sounds or outcomes"),
        (f"file,x1,y1,x2,y2\n{'a' * 140_000},1,2,3,4\n", "line 2 is no line of a CSV (field larger than field limit"),
        ("file,x1,y1,x2,y2\n../secret.mkv,1,2,3,4\n", "../secret.mkv lies outside of --root: name files in it"),
        ("file,x1,y1,x2,y2\n/etc/passwd,1,2,3,4\n", "/etc/passwd lies outside of --root: name files in it"),
        ("file,audio,x1,y1,x2,y2\na.mkv,sub/../../b,1,2,3,4\n", "sub/../../b lies outside of --root: name files in it"),
        ("file,at,x1,y1,x2,y2\na.mkv,inf,1,2,30,40\n", "line 2: at: input should be less than or equal to"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_in_a_sentence(root, content, said):
    with pytest.raises(DatasetError) as told:
        table(root, content)
    assert said in str(told.value)
    assert "truth.csv" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_document_says_its_convention_units_and_classes(root):
    entry = {"file": "a.mkv", "sources": [{"box": [0.25, 0.5, 0.5, 0.25], "label": "dog"}]}
    read = document(root, {"boxes": "xywh", "units": "shares", "classes": ["dog", "cat"], "samples": [entry]})
    assert read.samples[0].truths[0].sides == (0.25, 0.5, 0.75, 0.75)
    assert read.samples[0].group == "dog"


def test_a_list_like_that_of_vggss_will_do(root):
    read = document(root, [{"file": "a", "class": "dog", "bbox": [[0.1, 0.1, 0.5, 0.5], [0.6, 0.1, 0.9, 0.5]]}])
    assert [truth.sides for truth in read.samples[0].truths] == [(0.1, 0.1, 0.5, 0.5), (0.6, 0.1, 0.9, 0.5)]
    assert read.samples[0].open().window.audio is not None


DOG = {"file": "a.mkv", "sources": [{"box": [1, 2, 30, 40], "label": "dog"}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"samples": [DOG], "classes": ["cat"]}, "'dog' of a.mkv is none of its classes (cat)"),
        ({"samples": [DOG, DOG]}, "several entries for a.mkv"),
        ({"samples": []}, "holds no sample"),
        ({"samples": [DOG | {"colour": "red"}]}, "samples.0.colour: extra inputs are not permitted"),
        ({"boxes": "corners", "samples": [DOG]}, "boxes: input should be 'xyxy' or 'xywh'"),
        ([], "holds no sample"),
    ],
)
def test_a_document_that_cannot_be_used_is_told_in_a_sentence(root, content, said):
    with pytest.raises(DatasetError) as told:
        document(root, content)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_box_that_leaves_its_image_is_clipped_and_told_and_one_outside_is_a_failed_sample(root):
    read = table(root, "file,x1,y1,x2,y2\na.mkv,60,20,120,50\nb.mkv,100,20,120,50\n")
    opened = read.samples[0].open()
    assert opened.truths[0].sides == (60, 20, 80, 50)
    assert opened.notes == ("the true box [60.0, 20.0, 120.0, 50.0] leaves its 80x60 image and is clipped to it",)
    with pytest.raises(ClipError, match="lies outside of its 80x60 image"):
        read.samples[1].open()


def test_media_that_are_missing_are_listed(root):
    cv2.imwrite(str(root / "p.jpg"), np.zeros((60, 80, 3), np.uint8))
    read = table(root, "file,audio,x1,y1,x2,y2\na.mkv,,1,2,3,4\nc.mkv,,1,2,3,4\np.jpg,,1,2,3,4\nb.mkv,n.wav,1,2,3,4\n")
    assert [name for name, _ in read.missing] == ["c.mkv", "p.jpg", "b.mkv"]
    assert read.missing_message.startswith(f"3 of 4 samples of {root.name} have no media under {root}: fetch")
    assert "p.wav" in read.missing_message


def test_a_folder_of_written_scenes_is_a_dataset_as_it_is(tmp_path):
    for kind, apart in ((Kind.ONE, False), (Kind.TWO, True), (Kind.SILENT, False)):
        write_scene(Scene(SceneOptions(kind=kind, seed=1)), tmp_path, f"{kind.value}_1", apart)
    read = dataset("folder", tmp_path)
    assert [(s.id, s.outcome.value, s.sources, s.group) for s in read.samples] == [
        ("one_1", "LOCALIZED", 1, "one"),
        ("silent_1", "SILENT", 1, "silent"),
        ("two_1", "LOCALIZED", 2, "two"),
    ]
    opened = [sample.open() for sample in read.samples]
    assert [len(o.truths) for o in opened] == [1, 0, 2]
    truth = Scene(SceneOptions(kind=Kind.ONE, seed=1)).truth()
    assert opened[0].truths[0].sides == truth.sources[0].boxes[22].sides
    assert opened[2].window.audio.missing == 0


def test_what_a_folder_lacks_is_told(tmp_path):
    with pytest.raises(DatasetError, match=r"holds neither truth\.csv nor truth\.json nor"):
        dataset("folder", tmp_path)
    (tmp_path / "a.truth.json").write_text("{}")
    with pytest.raises(DatasetError, match="is no truth of a scene"):
        dataset("folder", tmp_path)
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset("folder", tmp_path, tmp_path / "gone.csv")


def change(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"video": "../secret.mp4"}, "'../secret.mp4' is no file beside it: mend it there"),
        ({"audio": "/etc/passwd"}, "'/etc/passwd' is no file beside it: mend it there"),
        ({"video": ""}, "'' is no file beside it: mend it there"),
        ({"outcome": "UNCERTAIN"}, "the outcome 'UNCERTAIN' is none of LOCALIZED, SILENT, OFF_SCREEN: mend it"),
        ({"outcome": "NOWHERE"}, "the outcome 'NOWHERE' is none of LOCALIZED, SILENT, OFF_SCREEN: mend it"),
        ({"frames": 7}, "it does not have a box for each of its 7 frames: render it again"),
        ({"fps": 1e400}, "it does not have a box for each of its 45 frames: render it again"),
    ],
)
def test_a_scene_s_truth_that_does_not_hold_together_is_one_sentence(tmp_path, changes, said):
    write_scene(Scene(SceneOptions(seed=1)), tmp_path, "one")
    change(tmp_path / "one.truth.json", **changes)
    with pytest.raises(DatasetError) as told:
        dataset("folder", tmp_path)
    assert str(told.value) == f"{tmp_path / 'one.truth.json'}: {said}"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_bytes(b"\xff\xfe{}")])
def test_a_truth_that_is_no_text_is_one_sentence(root, make):
    make(root / "truth.json")
    with pytest.raises(DatasetError, match=r"truth\.json cannot be read \(it is "):
        dataset("folder", root, root / "truth.json")
    make(root / "one.truth.json")
    (root / "truth.json").unlink()
    with pytest.raises(DatasetError, match=r"one\.truth\.json cannot be read"):
        dataset("folder", root)


def test_a_picture_that_is_a_pipe_is_one_failed_sample(root):
    os.mkfifo(root / "p.jpg")
    write_wav(root / "p.wav", np.zeros(SPEECH_RATE_HZ, np.float32))
    read = table(root, "file,x1,y1,x2,y2\na.mkv,1,2,30,40\np.jpg,1,2,30,40\n")
    with pytest.raises(ClipError, match=r"p\.jpg cannot be read \(it is a named pipe, not a file\)"):
        read.samples[1].open()
