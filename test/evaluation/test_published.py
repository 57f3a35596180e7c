import json
import pickle
import shutil
from pathlib import Path

import pytest
from clips import write_clip
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.evaluation.datasets import NAMES, dataset
from gar_ssl_ros.evaluation.datasets.annotations import Quirks
from gar_ssl_ros.evaluation.datasets.media import Missing, VideoCut
from gar_ssl_ros.evaluation.samples import DatasetError
from gar_ssl_ros.media.clip import ClipError

DOG, CAR = "aaaaaaaaaaa_000030", "bbbbbbbbbbb_000100"
WILD = -2.8823037615171176e16


@pytest.fixture
def annotations():
    """The published annotation files; the test is skipped, by name, where they are not."""
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data, which is not here")
    return folder


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("video") / "clip.mkv", seconds=4.0)


def media(root: Path, video: Path, *names: str) -> Path:
    root.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(video, root / f"{name}.mkv")
    return root


def written(folder: Path, name: str, content: object) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def vggss_of(root: Path, video: Path, *boxes: list[list[float]], label: str = "dog barking") -> object:
    """VGG-SS with a clip for each list of boxes, the media of all there."""
    names = [f"aaaaaaaaaaa_{i:06d}" for i in range(len(boxes))]
    entries = [{"file": n, "class": label, "bbox": b} for n, b in zip(names, boxes, strict=True)]
    return dataset("vggss", media(root, video, *names), written(root, "vggss.json", entries))


def test_all_of_vggss_is_read_and_its_odd_ones_are_told(annotations, tmp_path, video):
    read = dataset("vggss", media(tmp_path, video, "zpWuikVorYg_000032"), annotations)
    assert len(read.samples) == 5158
    assert len(read.classes) == 221
    wild, degenerate, several, nothing = read.notes
    assert wild.startswith("in 12 of 5158 clips a coordinate far from any image")
    assert degenerate.startswith("in 18 of 5158 clips a degenerate box")
    assert several.startswith("in 539 of 5158 clips several boxes")
    assert nothing.startswith("in 2 of 5158 clips no usable box")
    assert all(0 <= side <= 1 for s in read.samples for t in s.truths for side in t.sides)
    assert len(read.missing) == 5157
    assert read.missing_message.startswith(f"5157 of 5158 samples of vggss have no media under {tmp_path}: fetch\n")
    assert "https://www.youtube.com/watch?v=gEvCUcZ6w88 from 30 to 40 s" in read.missing_message
    assert len(pickle.loads(pickle.dumps(read)).samples) == 5158


def test_all_pairs_of_vggsound_duet_are_read(annotations, tmp_path, video):
    read = dataset("vggsound-duet", media(tmp_path, video, "zpWuikVorYg_000032", "Rtg1SUrxOPY_000130"), annotations)
    assert len(read.samples) == 5158
    assert len(read.missing) == 5157
    pair = read.samples[0]
    assert pair.sources == 2
    assert [t.label for t in pair.truths] == ["elk bugling", "people coughing", "people coughing"]
    assert pair.truths[0].sides[2] < 0.5 < pair.truths[1].sides[0]
    opened = pair.open()
    assert opened.window.center.image.shape == (224, 448, 3)


@pytest.mark.parametrize(("name", "count", "sources"), [("music-solo", 2124, 1), ("music-duet", 1020, 2)])
def test_all_of_music_is_read_as_corner_and_size(annotations, tmp_path, video, name, count, sources):
    first = json.loads((annotations / f"{name.replace('-', '_')}.json").read_text())[0]
    read = dataset(name, media(tmp_path, video, first["file"][:11]), annotations)
    assert len(read.samples) == count
    assert read.notes == ()
    assert {len(sample.truths) for sample in read.samples} == {sources}
    x, y, width, height = first.get("bbox") or first["bbox_src1"]
    assert read.samples[0].truths[0].sides == pytest.approx((x, y, x + width, y + height))


def test_the_wild_the_degenerate_and_the_overhanging_are_told_apart(tmp_path, video):
    read = vggss_of(
        tmp_path, video, [[0.1, 0.1, 0.5, 0.5]], [[0.4, 0.3, WILD, 0.9], [0.2, 0.2, 0.6, 0.6]], [[0.5, 0.5, 0.5, 0.9]],
        [[0.5, 0.5, 1.2, 0.9]],
    )  # fmt: skip
    told = [note.partition(" (")[0].partition(" clips ")[2].split(",")[0] for note in read.notes]
    assert told == [
        "a coordinate far from any image",
        "a degenerate box",
        "a box that reaches out of the image is clipped to it",
        "several boxes are all what sounds",
        "no usable box is left",
    ]
    sides = [[t.sides for t in s.truths] for s in read.samples]
    assert sides == [[(0.1, 0.1, 0.5, 0.5)], [(0.2, 0.2, 0.6, 0.6)], [], [(0.5, 0.5, 1.0, 0.9)]]


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=4), st.sampled_from(["xyxy", "xywh"]))
def test_no_numbers_make_a_truth_outside_of_the_image(boxes, convention):
    quirks = Quirks(convention)
    for truth in quirks.truths("clip", [(box, None) for box in boxes]):
        x1, y1, x2, y2 = truth.sides
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
    assert all(note.count("clip") for note in quirks.notes())


def test_boxes_in_the_other_convention_are_refused_not_guessed(tmp_path, video):
    corners = [[0.5, 0.5, 0.9, 0.9]] * 40
    entries = [{"file": f"aaaaaaaaaaa_000_{i:05d}", "class": "violin", "bbox": box} for i, box in enumerate(corners)]
    path = written(tmp_path, "music_solo.json", entries)
    with pytest.raises(
        DatasetError, match=r"read as x, y, width, height in shares of it: .* if they are x1, y1, x2, y2"
    ):
        dataset("music-solo", media(tmp_path, video, "aaaaaaaaaaa"), path)


def test_boxes_in_pixels_are_refused(tmp_path, video):
    with pytest.raises(DatasetError, match="or pixels"):
        vggss_of(tmp_path, video, [[10, 20, 50, 60]], [[20, 30, 60, 90]])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "another schema than expected"),
        ('{"a": 1}', "another schema than expected: it: input should be a valid array"),
        ([], "holds no sample"),
        ([{"file": DOG, "class": "dog"}], "bbox of entry 0: field required"),
        ([{"file": DOG, "class": "dog", "bbox": [0.1, 0.2, 0.3, 0.4]}], "another schema"),
        ([{"file": DOG, "class": "dog", "bbox": [[0.1, 0.2, 0.3]]}], "another schema"),
        ([{"file": DOG, "class": "dog", "bbox": [[0.1, 0.2, 0.3, 0.4]]}] * 2, f"several entries for {DOG}"),
    ],
)
def test_annotations_that_cannot_be_used_are_told_in_a_sentence(tmp_path, content, said):
    path = written(tmp_path, "vggss.json", content)
    with pytest.raises(DatasetError) as told:
        dataset("vggss", tmp_path, path)
    assert said in str(told.value)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_class_is_told(tmp_path, video):
    read = vggss_of(tmp_path, video, [[0.1, 0.1, 0.5, 0.5]], label="flying saucer")
    assert read.notes == ("1 of 1 sources are of a class that the benchmark does not have: 'flying saucer'",)


def pair_files(folder: Path, row: str) -> Path:
    entries = [
        {"file": DOG, "class": "dog barking", "bbox": [[0.0, 0.0, 0.5, 0.5]]},
        {"file": CAR, "class": "car passing by", "bbox": [[0.5, 0.5, 1.0, 1.0], [0.0, 0.5, 0.25, 1.0]]},
    ]
    written(folder, "vggss.json", entries)
    return written(folder, "vggsound_duet_test.csv", row)


def test_a_duet_is_two_clips_side_by_side_each_box_in_its_half(tmp_path, video):
    listed = pair_files(tmp_path, f"{DOG},dog_barking,{CAR},car_passing_by\n")
    read = dataset("vggsound-duet", media(tmp_path, video, DOG, CAR), listed)
    (sample,) = read.samples
    assert sample.id == f"{DOG}+{CAR}"
    assert [t.sides for t in sample.truths] == [
        (0, 0, 0.25, 0.5), (0.75, 0.5, 1, 1), (0.5, 0.5, 0.625, 1),
    ]  # fmt: skip
    assert [t.sides for t in sample.open().truths] == [(0, 0, 112, 112), (336, 112, 448, 224), (224, 112, 280, 224)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"{DOG},dog_barking,{CAR}\n", "line 1 is no pair"),
        (f"{DOG},dog_barking,ccccccccccc_000001,x\n", "ccccccccccc_000001 is not in"),
        (f"{DOG},flying_saucer,{CAR},car_passing_by\n", f"'flying_saucer' is no class of {DOG}"),
        (f"{DOG},dog_barking,{CAR},car_passing_by\n" * 2, f"several entries for {DOG}"),
        ("", "holds no sample"),
    ],
)
def test_pairs_that_cannot_be_used_are_told_in_a_sentence(tmp_path, row, said):
    with pytest.raises(DatasetError, match=said.replace("(", r"\(")):
        dataset("vggsound-duet", tmp_path, pair_files(tmp_path, row))


def test_clips_go_by_the_names_that_downloaders_give_them(tmp_path, video):
    entries = [{"file": n, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]} for n in (DOG, CAR)]
    root = media(tmp_path / "videos", video, "aaaaaaaaaaa_30_40", "bbbbbbbbbbb_100000_110000")
    read = dataset("vggss", root, written(tmp_path, "vggss.json", entries))
    assert read.missing == ()


def test_links_that_lead_in_circles_do_not_hold_up_the_search(tmp_path, video):
    root = media(tmp_path / "media", video, DOG)
    (root / "again").symlink_to(root, target_is_directory=True)
    entries = [{"file": DOG, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]}]
    assert dataset("vggss", root, written(tmp_path, "vggss.json", entries)).missing == ()


def test_a_frame_of_music_is_cut_from_its_whole_video(tmp_path, video):
    names = ["aaaaaaaaaaa_002_00075", "aaaaaaaaaaa_000_00000"]
    entries = [{"file": name, "class": "violin", "bbox": [0.1, 0.1, 0.5, 0.5]} for name in names]
    read = dataset("music-solo", media(tmp_path, video, "aaaaaaaaaaa"), written(tmp_path, "music_solo.json", entries))
    later, first = read.samples
    assert later.media == VideoCut(tmp_path / "aaaaaaaaaaa.mkv", 2.5)
    assert later.open().window.center.stamp == 2.5e9
    assert first.open().window.center.stamp == 0


def test_missing_media_are_listed_in_one_message_and_fail_when_opened(tmp_path, video):
    entries = [{"file": n, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]} for n in (DOG, CAR)]
    path = written(tmp_path, "vggss.json", entries)
    read = dataset("vggss", media(tmp_path, video, DOG), path)
    assert len(read.samples) == 2
    assert [name for name, _ in read.missing] == [CAR]
    assert read.missing_message.count("\n") == 1
    with pytest.raises(ClipError, match=r"watch\?v=bbbbbbbbbbb from 100 to 110 s"):
        read.samples[1].open()


def test_a_picture_without_its_sound_is_missing_it(tmp_path, video):
    entries = [{"file": n, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]} for n in (DOG, CAR)]
    (tmp_path / f"{CAR}.jpg").write_bytes(b"")
    read = dataset("vggss", media(tmp_path, video, DOG), written(tmp_path, "vggss.json", entries))
    assert isinstance(read.samples[1].media, Missing)
    assert "has no sound beside it" in read.samples[1].media.what


def test_without_any_media_there_is_nothing_to_evaluate(tmp_path):
    path = written(tmp_path, "vggss.json", [{"file": DOG, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]}])
    with pytest.raises(DatasetError, match="1 of 1 samples of vggss have no media"):
        dataset("vggss", tmp_path, path)


def test_a_broken_file_is_one_failed_sample(tmp_path, video):
    entries = [{"file": n, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]} for n in (DOG, CAR)]
    (tmp_path / f"{CAR}.mp4").write_bytes(b"not a video")
    read = dataset("vggss", media(tmp_path, video, DOG), written(tmp_path, "vggss.json", entries))
    assert read.samples[0].open().window.audio is not None
    with pytest.raises(ClipError, match="is not a recording that FFmpeg can read"):
        read.samples[1].open()


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(DatasetError, match="there is no dataset 'kinetics': choose one of"):
        dataset("kinetics")
    for name in NAMES[:6]:
        with pytest.raises(DatasetError, match="--root"):
            dataset(name)
    with pytest.raises(DatasetError, match=r"vggss.json is not in .* give --annotations"):
        dataset("vggss", tmp_path)
    path = written(tmp_path, "vggss.json", [{"file": DOG, "class": "dog", "bbox": [[0.1, 0.1, 0.5, 0.5]]}])
    with pytest.raises(DatasetError, match="is no folder: give --root"):
        dataset("vggss", tmp_path / "nowhere", path)
