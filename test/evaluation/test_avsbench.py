"""AVSBench's folders, as they are published, small: frames, sounds, masks, and what is made of them."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from gar_ssl_ros.cli import main
from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.datasets.avsbench import classes
from gar_ssl_ros.evaluation.datasets.scenes import scenes
from gar_ssl_ros.evaluation.metrics.masks import Counts
from gar_ssl_ros.evaluation.pixels import class_of, segmented
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.report.paper import read_papers
from gar_ssl_ros.evaluation.samples import DatasetError, Opened, Sample, Truth
from gar_ssl_ros.evaluation.scenes.files import truth_of, write_scene, write_wav
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Outcome, Source
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.output.record import read_lines

RATE = 16_000
SHARED = Path(__file__).parents[3] / "shared"
S4 = (("dog_1", "dog_barking"), ("piano_1", "playing_piano"), ("saw_1", "chainsawing_trees"))
AVSS = (("v1s", "u_0_5000", "dog", 5), ("v2", "w_0_10000", "man_guitar", 10), ("v2", "x_0_10000", "violin", 10))


def colour(number: int) -> tuple[int, int, int]:
    """PASCAL VOC's RGB of a class, bit by bit."""
    bits = [[number >> (3 * place + channel) & 1 for place in range(3)] for channel in range(3)]
    return tuple(bit[0] << 7 | bit[1] << 6 | bit[2] << 5 for bit in bits)


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def square(x1: int, y1: int, x2: int, y2: int, level: int = 255, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    image = np.zeros(size, np.uint8)
    image[y1:y2, x1:x2] = level
    return image


def tone(path: Path, seconds: float, hertz: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)).astype(np.float32)[None])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three parts. In MS3 two things sound, then one, then none."""
    root = tmp_path_factory.mktemp("avsbench_data")
    media = root / "Single-source" / "s4_data"
    for place, (video, category) in enumerate(S4):
        tone(media / "audio_wav/test" / category / f"{video}.wav", 4.7 if place else 5.0, 300 * (place + 1))
        for number in range(1, 6):
            name = Path("test", category, video, f"{video}_{number}.png")
            write(media / "visual_frames" / name, np.full((28, 28, 3), 40 * number, np.uint8))
            write(media / "gt_masks" / name, square(4, 6, 14 + number, 16))
    rows = [f"{video},0,{category},test" for video, category in S4]
    (media.parent / "s4_meta_data.csv").write_text(
        "\n".join(["name,start,category,split", *rows, "t,0,helicopter,train\n"])
    )

    media = root / "Multi-sources" / "ms3_data"
    tone(media / "audio_wav/test/duo.wav", 5.0, 440)
    masks = [square(2, 2, 10, 10) | square(18, 18, 26, 26) | square(14, 2, 15, 3), *([square(2, 2, 10, 10)] * 2)]
    for number, mask in enumerate([*masks, square(0, 0, 0, 0), square(0, 0, 0, 0)], start=1):
        write(media / f"visual_frames/duo/duo.mp4_{number}.png", np.full((28, 28, 3), 90, np.uint8))
        write(media / f"gt_masks/test/duo/duo_{number}.png", mask)
    (media.parent / "ms3_meta_data.csv").write_text("video_id,split\nduo,test\n")

    for subset, uid, things, frames in AVSS:
        folder = root / "AVSS" / subset / uid
        tone(folder / "audio.wav", frames, 220)
        for number in range(frames):
            label = np.zeros((36, 64), np.uint8)
            for place, thing in enumerate(things.split("_")):
                label[8:28, 4 + 30 * place : 24 + 30 * place] = classes().index(thing)
            write(folder / "frames" / f"{number}.jpg", np.full((36, 64, 3), 120, np.uint8))
            if uid != "x_0_10000":
                write(
                    folder / "labels_rgb" / f"{number}.png", np.array([colour(k) for k in range(71)], np.uint8)[label]
                )
            write(folder / "labels_semantic" / f"{number}.png", label)
    rows = [f"{uid[0]},{uid},0,0,{things},test,{subset}" for subset, uid, things, _ in AVSS]
    header = "vid,uid,s_min,s_sec,a_obj,split,label"
    (root / "AVSS" / "metadata.csv").write_text("\n".join([header, *rows, "z,z_0_5000,0,0,cat,train,v1s\n"]))
    (root / "v3").mkdir()
    (root / "v3" / "meta_v3_unseen.csv").write_text(f"{header}\nw,w_0_10000,0,0,,v3_unseen,v2\n")
    return root


def test_s4_has_five_frames_a_clip_each_with_its_sound_and_mask(published):
    found = dataset("avsbench-s4", published)
    assert len(found.samples) == 15
    assert found.classes == tuple(sorted(category for _, category in S4))
    sample = pickle.loads(pickle.dumps(found.samples[3]))
    assert (sample.id, sample.clip, sample.group, sample.sources) == ("dog_1@4", "dog_1", "dog_barking", 1)
    opened = sample.open()
    assert opened.window.center.image[0, 0, 0] == 160
    assert opened.window.center.stamp == pytest.approx((3 + 15 / 16) * SECOND, abs=2)
    assert opened.window.audio.samples.shape[1] >= 1.5 * RATE
    (truth,) = opened.truths
    assert (truth.label, truth.sides) == ("dog_barking", (4, 6, 18, 16))
    assert (truth.mask.pixels == (square(4, 6, 18, 16) > 0)).all()
    assert opened.outcome is Outcome.LOCALIZED
    short = found.samples[9].open()  # 4.7 s of sound, and a frame at 4.9 s
    assert any("sound ends" in note for note in short.notes)


def test_where_the_video_is_there_the_frame_stands_among_its_frames(published, tmp_path):
    root = tmp_path / "Single-source"
    shutil.copytree(published / "Single-source", root)
    videos = root / "s4_data/raw_videos/test/dog_barking"
    videos.mkdir(parents=True)
    write_scene(Scene(SceneOptions(seed=5, width=80, height=64, fps=8, seconds=4.0)), videos, "dog_1")
    samples = dataset("avsbench-s4", root).samples
    window = samples[1].open().window
    assert len(window.frames) >= 20
    assert {frame.image.shape for frame in window.frames} == {(28, 28, 3)}
    assert (window.center.image == 80).all()
    assert np.ptp(window.frames[0].image) > 0
    assert float(np.abs(window.audio.samples).max()) == pytest.approx(0.3, abs=0.01)  # of the wav file
    assert samples[4].open().window.frames  # beyond the video's end


def test_what_of_ms3_lies_apart_is_a_thing_each_and_crumbs_are_none(published):
    samples = dataset("avsbench-ms3", published).samples
    first, second, _, silent, _ = (sample.open() for sample in samples)
    assert sorted(truth.sides for truth in first.truths) == [(2, 2, 15, 10), (18, 18, 26, 26)]
    assert sum(truth.mask.area for truth in first.truths) == 129  # the crumb goes with the largest
    assert [truth.sides for truth in second.truths] == [(2, 2, 10, 10)]
    assert (silent.truths, silent.outcome) == ((), Outcome.OFF_SCREEN)


def test_a_class_of_avss_is_known_by_its_colour_or_else_by_its_number(published):
    samples = dataset("avsbench-avss", published).samples
    assert len(samples) == 25
    assert {sample.group for sample in samples} == {"v1s", "v2"}
    two = next(sample for sample in samples if sample.id == "v2/w_0_10000@9")
    assert two.sources == 2
    opened = two.open()
    assert [truth.label for truth in opened.truths] == ["guitar", "man"]
    assert [truth.sides for truth in opened.truths] == [(34, 8, 54, 28), (4, 8, 24, 28)]
    (violin,) = next(sample for sample in samples if sample.id == "v2/x_0_10000@0").open().truths
    assert violin.label == "violin"
    assert len(dataset("avsbench-v2", published).samples) == 20
    unseen = dataset("avsbench-v3-0shot", published / "AVSS", published / "v3")
    assert {sample.clip for sample in unseen.samples} == {"v2/w_0_10000"}


def test_to_other_sounds_nothing_in_view_belongs(published):
    for kind, outcome in (
        ("silence", Outcome.SILENT),
        ("noise", Outcome.OFF_SCREEN),
        ("offscreen", Outcome.OFF_SCREEN),
    ):
        samples = dataset(f"avsbench-s4-{kind}", published).samples
        assert len(samples) == 15
        opened = samples[0].open()
        assert (opened.outcome, opened.truths, samples[0].group) == (outcome, (), kind)
        level = float(np.abs(opened.window.audio.samples).max())
        assert level == {"silence": 0.0}.get(kind, pytest.approx(level))
        assert level > {"silence": -1, "noise": 0.9, "offscreen": 0.2}[kind]
        assert (samples[0].open().window.audio.samples == opened.window.audio.samples).all()
    foreign = [sample.media.sound.stem for sample in dataset("avsbench-s4-offscreen", published).samples[::5]]
    assert foreign[:2] != ["dog_1", "piano_1"]
    assert all(own != other for (own, _), other in zip(S4, foreign, strict=True))


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (np.zeros((56, 56), np.uint8), "56x56, and its picture 28x28"),
        (np.full((28, 28), 65535, np.uint16), "16 bits a pixel"),
        (None, "is no picture"),
    ],
)
def test_a_mask_that_is_not_as_published_is_one_sentence(published, tmp_path, mask, why):
    root = tmp_path / "Single-source"
    shutil.copytree(published / "Single-source", root)
    path = root / "s4_data/gt_masks/test/dog_barking/dog_1/dog_1_1.png"
    path.write_bytes(b"no PNG") if mask is None else write(path, mask)
    sample = dataset("avsbench-s4", tmp_path).samples[0]
    with pytest.raises(ClipError, match=re.escape(why)) as told:
        sample.open()
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_grey_mask_is_cut_and_that_is_told_and_one_of_0_and_1_is_taken_as_it_is(published, tmp_path):
    root = tmp_path / "Single-source"
    shutil.copytree(published / "Single-source", root)
    folder = root / "s4_data/gt_masks/test/dog_barking/dog_1"
    write(folder / "dog_1_1.png", square(4, 4, 20, 20, 100) | square(8, 8, 16, 16))
    write(folder / "dog_1_2.png", square(4, 4, 20, 20, 1))
    first, second = (sample.open() for sample in dataset("avsbench-s4", root).samples[:2])
    assert (first.truths[0].mask.area, second.truths[0].mask.area) == (64, 256)
    assert any("greys" in note for note in first.notes)
    assert not second.notes


def test_what_is_missing_or_odd_about_the_folders_is_told(published, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(published, root)
    (root / "Single-source/s4_data/gt_masks/test/dog_barking/dog_1/dog_1_2.png").unlink()
    found = dataset("avsbench-s4", root)
    assert [name for name, _ in found.missing] == ["dog_1@2"]
    assert "dog_1_2.png" in found.missing_message
    with pytest.raises(ClipError, match=r"dog_1_2\.png is not there: fetch"):
        found.samples[1].open()
    label = root / "AVSS/v2/w_0_10000/labels_rgb/0.png"
    write(label, np.full((36, 64, 3), 17, np.uint8))
    with pytest.raises(ClipError, match=r"numbers or colours of no class"):
        next(s for s in dataset("avsbench-v2", root).samples if s.id == "v2/w_0_10000@0").open()
    for name, table, text, why in (
        ("avsbench-s4", "Single-source/s4_meta_data.csv", "name,category\nx,y\n", "no column split"),
        ("avsbench-s4", "Single-source/s4_meta_data.csv", "name,category,split\n../x,y,test\n", "line 2 is no row"),
        (
            "avsbench-ms3",
            "Multi-sources/ms3_meta_data.csv",
            "video_id,split\nduo,test\nduo,test\n",
            "line 3 repeats duo",
        ),
        ("avsbench-ms3", "Multi-sources/ms3_meta_data.csv", "video_id,split\nduo,train\n", "no clip of the split test"),
        (
            "avsbench-avss",
            "AVSS/metadata.csv",
            "vid,uid,a_obj,split,label\na,a,dog,test,v9\n",
            "'v9' of a is no subset",
        ),
    ):
        (root / table).write_text(text)
        with pytest.raises(DatasetError, match=re.escape(why)):
            dataset(name, root)
    with pytest.raises(DatasetError, match="holds no folder s4_data"):
        dataset("avsbench-s4", tmp_path / "data" / "v3")


def source(box: tuple[float, float, float, float], label: str, mask: Mask | None = None) -> Source:
    return Source(Box(*box), label, 0.9, 0.9, "", Box(*box), False, None, mask=mask)


def test_masks_are_taken_before_boxes_the_surest_on_top_and_labels_mean_classes():
    dog, cat = Mask(square(0, 0, 8, 8) > 0), Mask(square(10, 10, 20, 20) > 0)
    window = Window(0, SECOND, (Frame(SECOND // 2, np.zeros((28, 28, 3), np.uint8)),), None)
    opened = Opened(window, (Truth((0, 0, 8, 8), "dog", dog), Truth((10, 10, 20, 20), "cat", cat)))
    sample = Sample("a@1", None, None, mask_classes=classes())
    found = [source((0, 0, 4.4, 8), "a barking dog"), source((1, 1, 27, 27), "cat", cat), source((0, 0, 8, 8), "horn")]
    told = segmented(found, opened, sample)
    assert told.counts == Counts(tp=164, tn=28 * 28 - 164)
    assert (told.clip, told.sources, told.boxes) == ("a", 3, 2)
    assert told.by_class["dog"] == (32, 32, 64)
    assert told.by_class["cat"] == (100, 100, 100)
    assert told.by_class["background"] == (28 * 28 - 164, 28 * 28 - 164, 28 * 28 - 164)  # of the horn, it is no class
    assert segmented([], opened, Sample("a", None, None)) is None
    names = classes()
    assert [names[class_of(label, names)] for label in ("car", "police emergency car", "playing violin")] == [
        "car", "car", "violin",
    ]  # fmt: skip


def test_scenes_bring_their_masks_rendered_or_written(tmp_path):
    (sample,) = scenes((Kind.ONE,), [10_000]).samples
    (truth,) = sample.open().truths
    assert sample.mask_classes == ()
    assert truth.mask.box.iou(Box(*truth.sides)) > 0.8
    video = write_scene(Scene(SceneOptions(seed=5, width=80, height=64, fps=8, seconds=1.0)), tmp_path, "one")
    (written,) = dataset("folder", tmp_path).samples
    (truth,) = written.open().truths
    assert written.mask_classes == ()
    assert truth.mask.pixels.shape == (64, 80)
    told = json.loads(truth_of(video).read_text())
    other = {"size": [1, 2], "counts": "2"}
    told["sources"][0]["masks"] = [other] * told["frames"]
    truth_of(video).write_text(json.dumps(told))
    with pytest.raises(ClipError, match="not of its size: render it again"):
        dataset("folder", tmp_path).samples[0].open()
    told["sources"][0]["masks"] = []
    truth_of(video).write_text(json.dumps(told))
    assert dataset("folder", tmp_path).samples[0].mask_classes is None


def test_evaluate_writes_avsbench_s_scores_beside_openavs_s(published, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["evaluate", "--dataset", "avsbench-ms3", "--root", str(published), "--out", str(out)]) == 0
    records = list(read_lines(out / "results.jsonl", SampleRecord))
    assert [record.expected for record in records] == [Outcome.LOCALIZED] * 3 + [Outcome.OFF_SCREEN] * 2
    assert all(record.segmented.clip == "duo" for record in records)
    assert records[0].truths[0].mask is not None
    report = (out / "report.md").read_text()
    assert "## Masks" in report
    assert "found sources, 0 by their masks" in report
    assert "Table OpenAVS 1a. Open-set" in report
    (row,) = re.findall(r"\| \*\*gar-ssl signal, N = 5\*\* \| \*\*this run\*\* \|.*", report)[:1]
    scores = next(line for line in report.splitlines() if line.startswith("| signal, N = 5 | 5 | 1 | 2 | 0 |"))
    iou = float(scores.split(" | ")[5])
    assert f"**{100 * iou:.1f}**" in row
    assert "IoU of masks" in capsys.readouterr().out


def test_openavs_is_scored_on_avsbench(published, tiny_omni, tiny_dino, tmp_path):
    out, words = tmp_path / "out", {"model": tiny_omni, "detector": tiny_dino, "box-threshold": 0, "least-pixels": 3136}
    asked = [str(part) for name, value in words.items() for part in (f"--{name}", value)]
    chosen = ["--reasoner", "openavs", "--masks", "box", "--limit", "2", *asked]
    assert main(["evaluate", "--dataset", "avsbench-ms3", "--root", str(published), "--out", str(out), *chosen]) == 0
    found = [record.found for record in read_lines(out / "results.jsonl", SampleRecord)]
    assert {one.outcome for one in found} <= {Outcome.LOCALIZED, Outcome.SILENT}
    assert any(one.sources and one.sources[0].mask is not None for one in found)
    assert "openavs" in (out / "report.md").read_text()


def test_openavs_s_figures_are_openavs_s():
    text = SHARED / "papers" / "openavs.txt"
    if not text.is_file():
        pytest.skip("needs ../shared/papers, which is not here")
    printed = " ".join(re.findall(r"(?<![\w.])\d+\.\d{2,3}(?![\d.])", text.read_text()))
    (openavs,) = (paper for paper in read_papers() if paper.source.startswith("OpenAVS"))
    rows = [(table.id, row) for table in openavs.tables for row in table.rows]
    assert len(rows) == 11 + 14 + 6 + 6 + 10 + 9 + 9 + 4 + 3 + 11
    for place, row in rows:
        form, unit = ("{:.2f}", 1) if place.endswith("A4") else ("{:.3f}", 100)
        told = [form.format(value / unit) for value in row.figures if value is not None]
        if place in ("OpenAVS 3", "OpenAVS A2"):  # whose rows run into one another in the text at hand
            assert set(told) <= set(printed.split()), (place, row)
        else:
            assert " ".join(told) in printed, (place, row)
