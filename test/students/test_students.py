"""From clips that nobody labelled to a reasoner: pseudo labels, lessons, training, checkpoint, answers."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("transformers", reason="needs transformers, which is not installed")

from gar_ssl_ros.cli import main  # noqa: E402
from gar_ssl_ros.evaluation.pseudo import pseudo_labels, unlabelled  # noqa: E402
from gar_ssl_ros.evaluation.record import SampleRecord  # noqa: E402
from gar_ssl_ros.evaluation.results import Origin, read_runs  # noqa: E402
from gar_ssl_ros.evaluation.scenes.files import write_scene  # noqa: E402
from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions  # noqa: E402
from gar_ssl_ros.gar.deadline import Deadline  # noqa: E402
from gar_ssl_ros.gar.localization import Outcome  # noqa: E402
from gar_ssl_ros.gar.mask import Mask  # noqa: E402
from gar_ssl_ros.gar.pipeline import localize  # noqa: E402
from gar_ssl_ros.gar.stages import AudioLabel  # noqa: E402
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window  # noqa: E402
from gar_ssl_ros.output.record import read_lines  # noqa: E402
from gar_ssl_ros.perception.failure import ModelError  # noqa: E402
from gar_ssl_ros.reasoners import reasoner  # noqa: E402
from gar_ssl_ros.reasoners.student import Piece, StudentReading, outlines, pieces  # noqa: E402
from gar_ssl_ros.students.asking import enlarged  # noqa: E402
from gar_ssl_ros.students.checkpoint import StudentError, load, save  # noqa: E402
from gar_ssl_ros.students.clips import frames_of, mel_of  # noqa: E402
from gar_ssl_ros.students.lesson import Lesson  # noqa: E402
from gar_ssl_ros.students.model import Student  # noqa: E402
from gar_ssl_ros.students.options import StudentConfig, TrainingOptions  # noqa: E402
from gar_ssl_ros.students.pretrained import begin_with, body_of  # noqa: E402
from gar_ssl_ros.students.training import UNFINISHED, train  # noqa: E402

TINY = {"frames": 9, "rate": 5.0, "width": 32, "height": 24, "mel": 16, "network": {"width": 0.5, "courses": 4}}
PVT = {
    "model_type": "pvt_v2",
    "hidden_sizes": [8, 8, 16, 16],
    "depths": [1, 1, 1, 1],
    "num_attention_heads": [1, 1, 2, 2],
    "mlp_ratios": [2, 2, 2, 2],
}
RESNET = {
    "model_type": "resnet",
    "hidden_sizes": [8, 16, 16, 32],
    "depths": [1, 1, 1, 1],
    "embedding_size": 8,
    "layer_type": "basic",
}
SAM = {
    "vision_config": {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_pos_feats": 8,
        "image_size": 64,
        "patch_size": 16,
        "mlp_dim": 32,
        "output_channels": 16,
        "global_attn_indexes": [1],
        "window_size": 2,
    },
    "prompt_encoder_config": {"hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
    "mask_decoder_config": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "mlp_dim": 16,
        "iou_head_hidden_dim": 16,
    },
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> Path:
    """What `signal` says of six scenes, in two goes."""
    out = tmp_path_factory.mktemp("pseudo") / "labels"
    told = ["pseudo", "--dataset", "scenes", "--rendered", "one,silent:60000-60002", "--out", str(out)]
    assert main([*told, "--shard", "1/2"]) == 0
    assert main([*told, "--shard", "2/2", "--resume"]) == 0
    return out


@pytest.fixture(scope="module")
def trained(labelled, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("student") / "student"
    assert (
        main(["train", str(labelled), "--out", str(out), "--config", json.dumps(TINY), "--passes", "8", "--batch", "4"])
        == 0
    )
    return out


def window(width: int = 64, height: int = 48, seconds: float = 2.0) -> Window:
    random = np.random.default_rng(0)
    frames = tuple(
        Frame(round(i * SECOND / 5), random.integers(0, 256, (height, width, 3), np.uint8))
        for i in range(round(5 * seconds))
    )
    sound = (0.1 * random.standard_normal((1, round(16_000 * seconds)))).astype(np.float32)
    return Window(0, round(seconds * SECOND), frames, Audio(0, sound, 16_000))


def lessons(config: StudentConfig, count: int = 8) -> list[Lesson]:
    """A square on the left or right goes with the sound; one on the other side does not."""
    random, made = np.random.default_rng(0), []
    for number in range(count):
        loud, other = random.random(config.frames) > 0.5, random.random(config.frames) > 0.5
        frames = np.full((config.frames, config.height, config.width, 3), 90, np.uint8)
        frames += random.integers(0, 5, frames.shape, np.uint8)
        target = np.zeros((config.height, config.width), np.uint8)
        for side, course in ((number % 2, loud), (1 - number % 2, other)):
            x = 4 + side * config.width // 2
            frames[:, 8:16, x : x + 8] = 150
            frames[course, 8:16, x : x + 8] = 220
        x = 4 + number % 2 * config.width // 2
        target[8:16, x : x + 8] = 255
        mel = np.repeat(loud, -(-config.spectra // config.frames))[: config.spectra, None] * 0.4 + 0.3
        mel = np.broadcast_to(mel, (config.spectra, config.mel)).astype(np.float32)
        made.append(Lesson(frames, mel, target, np.zeros_like(target, bool)))
    return made


def test_what_is_true_never_comes_near_a_pseudo_label(labelled):
    (run,) = read_runs([labelled])
    assert {record.expected for record in run.records} == {Outcome.UNCERTAIN}
    assert all(not record.truths and record.segmented is None and record.iou is None for record in run.records)
    assert unlabelled(run.origin).samples[0].open().truths == ()
    told = pseudo_labels(run)
    assert {one.label for one in told if one.found.outcome is Outcome.SILENT} == {"silence"}
    assert any(source.mask is not None and source.av_consistency for one in told for source in one.found.sources)


def test_a_folder_of_clips_is_labelled_window_by_window(tmp_path):
    write_scene(Scene(SceneOptions(width=64, height=64, fps=5, seconds=7)), tmp_path, "long")
    write_scene(Scene(SceneOptions(width=64, height=64, fps=5, seconds=1)), tmp_path, "short")
    (tmp_path / "none.mp4").write_bytes(b"no clip")
    read = unlabelled(Origin(dataset="clips", root=tmp_path))
    assert [sample.id for sample in read.samples] == ["long.mp4@1.5", "long.mp4@4.5", "short.mp4"]
    assert len(read.notes) == 1
    assert all(sample.open().window.audio is not None for sample in read.samples)


def test_the_student_answers_in_an_evaluation_with_masks_of_its_own(trained, tmp_path):
    out = tmp_path / "results"
    told = ["evaluate", "--dataset", "scenes", "--rendered", "one,silent:50000-50000", "--out", str(out)]
    assert main([*told, "--reasoner", "student", "--student", str(trained)]) == 0
    (run,) = read_runs([out])
    assert [record.found.reasoner for record in run.records] == ["student", "student"]
    assert run.records[1].found.outcome is Outcome.SILENT
    assert run.configuration.settings.told["student"] == str(trained)


def test_a_pretty_sure_piece_keeps_its_pixels_to_the_answer(trained, monkeypatch):
    asked = reasoner("student", {"student": str(trained)})
    seen = window(90, 70)
    level = np.full((70, 90), 0.05, np.float32)
    level[20:40, 30:60] = 0.9
    level[5:15, 5:15] = 0.6  # not sure enough
    monkeypatch.setattr(asked._student, "sounding", lambda taken, mirrored=False: level)
    monkeypatch.setattr(asked._student, "outlined", lambda taken, sounding: sounding)
    monkeypatch.setattr(asked._student, "labels", ("music",))
    monkeypatch.setattr(asked._student, "label", lambda taken: AudioLabel("music", 0.6))  # so that it is to be refined
    first, *_, last = localize(seen, asked)
    assert last.outcome is Outcome.LOCALIZED
    (source,) = last.sources
    assert source.label == "music"
    assert source.mask == Mask(level > 0.8)
    assert source.box.sides == (30, 20, 60, 40)
    assert source.av_consistency == pytest.approx(0.9, abs=1e-5)
    assert first.sources[0].mask == source.mask
    level[:] = 0.6
    assert localize_last(seen, asked).outcome is Outcome.UNCERTAIN
    level[:] = 0.1
    assert localize_last(seen, asked).outcome is Outcome.UNCERTAIN  # it may be unlike all that it learned from


def localize_last(seen, asked):
    *_, last = localize(seen, asked)
    return last


@pytest.mark.parametrize(("width", "height"), [(160, 120), (321, 243), (640, 480)])
def test_an_outline_follows_the_edges_of_the_picture(width, height):
    image = np.full((height, width, 3), (200, 180, 90), np.uint8)
    thing = np.zeros((height, width), bool)
    thing[height // 4 : height // 2, width // 4 : width // 2] = True
    image[thing] = (40, 60, 160)
    vague = cv2.GaussianBlur(cv2.resize(thing.astype(np.float32), (80, 60), interpolation=cv2.INTER_AREA), (0, 0), 3)
    before = Mask(cv2.resize(vague, (width, height)) >= 0.5).iou(Mask(thing))
    after = Mask(enlarged(vague, image) >= 0.5).iou(Mask(thing))
    assert before < 0.92
    assert after > 0.99


def test_outlines_are_of_one_piece_each_and_a_piece_without_one_stays():
    outline = np.zeros((50, 80), np.float32)
    outline[10:30, 10:40] = 0.9
    places = [np.s_[12:20, 12:20], np.s_[22:28, 30:38], np.s_[40:48, 60:70]]
    found = []
    for place, confidence in zip(places, (0.9, 0.8, 0.7), strict=True):
        mask = np.zeros((50, 80), bool)
        mask[place] = True
        found.append(Piece(Mask(mask), confidence))
    told = [(piece.mask, piece.confidence) for piece in outlines(found, outline)]
    assert told == [(Mask(outline > 0.5), 0.9), (found[2].mask, 0.7)]


def test_specks_are_no_pieces():
    level = np.zeros((100, 100), np.float32)
    level[3, 3:5] = 1
    assert pieces(level) == []


def test_without_labels_or_a_tagger_it_is_a_sound(tmp_path, monkeypatch):
    save(Student(StudentConfig(**TINY)), tmp_path)
    monkeypatch.setattr("gar_ssl_ros.reasoners.student._tagger", lambda: None)
    asked = reasoner("student", {"student": str(tmp_path)})
    with asked.read(window(), Deadline()) as reading:
        assert isinstance(reading, StudentReading)
        assert reading.classify() == AudioLabel("sound", 1.0)


@pytest.mark.parametrize(
    ("student", "network"),
    [
        ("synchrony", TINY["network"]),
        ("tpavi", {"body": PVT, "channels": 16}),
        ("tpavi", {"body": RESNET, "channels": 16}),
        ("avsegformer", {"body": PVT, "channels": 16, "queries": 4, "layers": 1}),
        ("sam", {"body": SAM, "inner": 8}),
    ],
)
def test_every_network_answers_through_one_door_and_comes_back_from_disk_as_it_was(student, network, tmp_path):
    config = StudentConfig(student=student, frames=5, rate=1.0, width=64, height=48, network=network, labels=("a", "b"))
    torch.manual_seed(0)
    made = Student(config).eval()
    save(made, tmp_path)
    assert len({one.stat().st_mode for one in tmp_path.iterdir()}) == 1  # whoever may read one file may read them all
    again = load(tmp_path).cpu()
    frames, mel = torch.randint(0, 256, (2, 5, 3, 48, 64), dtype=torch.uint8), torch.rand(2, config.spectra, config.mel)
    with torch.inference_mode():
        logits = made(frames, mel)
        assert logits.shape == (2, 48, 64)
        assert torch.allclose(again(frames, mel), logits, atol=1e-6)
        assert torch.equal(again.labeller(mel), made.labeller(mel))
    if student == "sam":
        assert not any(one.requires_grad for one in made.avs.body.vision_encoder.parameters())


def test_a_body_begins_with_the_weights_of_a_folder_and_no_other(tmp_path):
    config = StudentConfig(student="tpavi", width=64, height=48, network={"body": PVT, "channels": 16})
    first, second = Student(config), Student(config)
    first.avs.body.save_pretrained(tmp_path)
    assert body_of(tmp_path)["hidden_sizes"] == PVT["hidden_sizes"]
    begin_with(second, tmp_path)
    kept, given = first.avs.body.state_dict(), second.avs.body.state_dict()
    assert all(torch.equal(kept[name], given[name]) for name in kept)
    with pytest.raises(ModelError, match="has no body"):
        begin_with(Student(StudentConfig(**TINY)), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="is not what a student can begin with"):
        begin_with(second, tmp_path)


def test_frames_are_even_around_the_center_and_the_sound_is_of_their_time():
    config = StudentConfig(**{**TINY, "frames": 5, "rate": 5.0})
    seen = window(64, 48, 4.0)
    frames = frames_of(seen, config)
    middle = seen.frames.index(seen.center)
    alone = frames_of(Window(0, seen.end, (seen.center,), seen.audio), config)
    assert (frames[2] == alone[0]).all()
    assert not (frames[1] == frames[2]).all()
    assert frames.shape == (5, 24, 32, 3)
    assert seen.frames[middle + 2].stamp - seen.center.stamp == 2 * SECOND // 5
    assert mel_of(seen, config).shape == (config.spectra, 16)
    late = Window(0, seen.end, seen.frames, Audio(3 * SECOND, seen.audio.samples[:, :100], 16_000))
    assert mel_of(late, config).max() == 0


def test_the_loss_falls_and_a_stopped_training_ends_as_an_undisturbed_one(tmp_path):
    config = StudentConfig(**TINY)
    options = TrainingOptions(passes=240, batch=8, rate=5e-3, save_steps=10, foreign=0.1)

    def begun() -> Student:
        torch.manual_seed(0)
        return Student(config)

    told: list[str] = []
    train(begun(), lessons(config), options, tmp_path / "whole", told.append)
    losses = [float(line.split()[-1]) for line in told]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]

    def stop(line: str) -> None:
        if int(line.split()[1]) >= 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(begun(), lessons(config), options, tmp_path / "stopped", stop)
    assert (tmp_path / "stopped" / UNFINISHED).is_dir()
    train(begun(), lessons(config), options, tmp_path / "stopped", told.append)
    whole, again = (load(tmp_path / name).state_dict() for name in ("whole", "stopped"))
    assert all(torch.allclose(whole[name], again[name], atol=1e-6) for name in whole)


def test_a_folder_that_holds_no_student_is_told_in_one_sentence(labelled, trained, tmp_path, capsys):
    weights, config = (trained / "model.safetensors").read_bytes(), (trained / "config.json").read_text()
    foreign = json.dumps({"model_type": "bert"})
    for name, told, kept in (
        ("damaged", config, weights[:1000]),
        ("foreign", foreign, weights),
        ("other", config.replace('"width": 32', '"width": 48').replace('"courses": 4', '"courses": 5'), weights),
        ("weightless", config, None),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(told)
        if kept is not None:
            (folder / "model.safetensors").write_bytes(kept)
        with pytest.raises(StudentError, match=rf"{name} is no student \(.+\): name a folder that gar-ssl train has"):
            reasoner("student", {"student": str(folder)})
    assert main(["train", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 1
    assert "holds no results" in capsys.readouterr().err
    assert main(["train", str(labelled), "--out", str(trained)]) == 1
    assert "holds a student already" in capsys.readouterr().err
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "training.json").write_text("{}")
    assert main(["train", str(labelled), "--out", str(tmp_path / "half")]) == 1
    assert "is not empty: go on with --resume" in capsys.readouterr().err
    assert main(["train", str(labelled), "--out", str(tmp_path / "half"), "--resume"]) == 1
    assert "the beginning of another training" in capsys.readouterr().err


def test_lines_are_the_records_of_an_evaluation(labelled):
    lines = [one for path in labelled.glob("results-*.jsonl") for one in read_lines(path, SampleRecord)]
    assert sorted(one.sample for one in lines) == sorted(
        f"{kind}_medium_{seed}" for kind in ("one", "silent") for seed in range(60000, 60003)
    )
    assert Scene(SceneOptions(seed=60000)).frames == lines[0].found.frames
