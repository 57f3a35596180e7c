"""A model of spatial questions: trained, stopped, gone on with, asked and scored, at the smallest sizes."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk

pytest.importorskip("torch", reason="needs the extra questions")
pytest.importorskip("transformers", reason="needs the extra questions")
pytest.importorskip("accelerate", reason="needs the extra questions")
pytest.importorskip("jinja2", reason="needs the extra evaluate")
pytest.importorskip("pyroomacoustics", reason="needs the extra spatial-scenes")

import torch
from safetensors.torch import load_file

from gar_ssl_ros.cli import main
from gar_ssl_ros.commands.questions_train import LOSSES
from gar_ssl_ros.evaluation.datasets.media import read_sound
from gar_ssl_ros.evaluation.metrics.questions import PAIRED, differences
from gar_ssl_ros.evaluation.questions.answering import AnswerRecord
from gar_ssl_ros.evaluation.questions.lessons import QuestionLessons, classes_of, ears_of, symmetric
from gar_ssl_ros.evaluation.questions.losses import LossRecord, by_stage
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.record import read_split, write_config
from gar_ssl_ros.output.record import read_lines
from gar_ssl_ros.spatial.model import training
from gar_ssl_ros.spatial.model.beginning import begun, variant, warmed_up
from gar_ssl_ros.spatial.model.checkpoint import load, read_config
from gar_ssl_ros.spatial.model.options import NO_PARTS, TrainingOptions
from gar_ssl_ros.spatial.model.pretrained import begin
from gar_ssl_ros.spatial.model.training import UNFINISHED, kept_stage, stages_of, train
from gar_ssl_ros.spatial.model.warming import HearingWarmUp, sources_of
from gar_ssl_ros.spatial.questions.forms import PAPER_TYPES
from gar_ssl_ros.spatial.questions.words import read_answer, read_question

STAGES = ("hearing", "seeing", "listening", "looking", "classes", "places", "sounds", "joint")
FORMER = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
TOY = {
    "hearing": {"seconds": 0.3, "frames": 32, "width": 32, "depth": 1, "heads": 2},
    "seeing": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    | {"num_patches": 16},
    "patches": [2, 8],
    "hearing_projector": {"queries": 2, "network": FORMER},
    "seeing_projector": {"queries": 4, "network": FORMER},
    "language": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    | {"num_key_value_heads": 1},
}
STEPS = {"hearing": 6, "seeing": 5, "listening": 2, "looking": 2, "classes": 2, "places": 2, "sounds": 2, "joint": 4}
TEACHING = [
    *("--config", json.dumps(TOY), "--batch", "8", "--save-steps", "2"),
    *(each for name, steps in STEPS.items() for each in (f"--{name}-steps", str(steps))),
]


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> Path:
    """45 questions to learn from and 18 for a test, heard by two ears in one room each."""
    folder = tmp_path_factory.mktemp("questions")
    rooms = ("--size", "64x16", "--seconds", "0.3", "--rooms", "1", "--places", "10", "--rt60", "0.2", "--seed", "5")
    for split, count in (("train", "45"), ("test", "18")):
        assert main(["questions", "make", "--out", str(folder), "--split", split, "--count", count, *rooms]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(questions, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("models") / "whole"
    assert teach(questions, out) == 0
    return out


def teach(questions: Path, out: Path, *more: object) -> int:
    return main(["questions", "train", str(questions), "--out", str(out), *TEACHING, *map(str, more)])


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def losses(folder: Path) -> list[LossRecord]:
    return list(read_lines(folder / LOSSES, LossRecord))


def lessons_of(questions: Path) -> Callable[..., QuestionLessons]:
    records = read_split(questions, "train")
    return lambda asks: QuestionLessons(questions, records, ears_of(questions, records), asks)


def with_one_channel(questions: Path, folder: Path) -> Path:
    import soundfile  # noqa: PLC0415

    shutil.copytree(questions, folder)
    for path in folder.rglob("*.flac"):
        sound, rate = read_sound(path)
        soundfile.write(path, sound[0], rate)
    return folder


def test_a_model_learns_all_stages_and_tells_how_it_went(trained):
    told = losses(trained)
    assert [one.stage for one in by_stage(told)] == list(STAGES)
    assert {one.stage: one.curve[-1][0] for one in by_stage(told)} == STEPS
    page, text = ((trained / f"training.{kind}").read_text() for kind in ("html", "md"))
    assert page.count("data:image/svg+xml") == 1
    for stage, steps in STEPS.items():
        assert re.search(rf"\| {stage} \| {steps} \|", text)
    assert not (trained / UNFINISHED).exists()
    config = read_config(trained)
    assert (config.hears, config.sees, config.size) == ("binaural", True, "tiny")


def test_a_training_killed_in_its_middle_ends_as_one_that_never_was(questions, trained, tmp_path):
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "gar_ssl_ros.cli", "questions", "train", str(questions), "--out", str(out)]
    with subprocess.Popen([*command, *TEACHING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(told.startswith("seeing: step 3 of 5") for told in process.stdout)
        process.kill()
    assert not (out / "config.json").exists()
    assert teach(questions, out, "--resume") == 0
    assert weights(out) == weights(trained)
    told, whole = (
        [(one.stage, [step for step, _ in one.curve]) for one in by_stage(losses(folder))] for folder in (out, trained)
    )
    assert told == whole


def test_a_checkpoint_whose_writing_was_cut_short_is_passed_over(questions, trained, tmp_path, monkeypatch):
    import transformers  # noqa: PLC0415

    real = transformers.Trainer._save_optimizer_and_scheduler

    def cut(self, folder):
        if folder.endswith("hearing/checkpoint-4"):
            raise KeyboardInterrupt
        real(self, folder)

    monkeypatch.setattr(transformers.Trainer, "_save_optimizer_and_scheduler", cut)
    assert teach(questions, tmp_path / "cut") == 1
    monkeypatch.undo()
    assert (tmp_path / "cut" / UNFINISHED / "hearing" / "checkpoint-4" / "model.safetensors").is_file()
    assert teach(questions, tmp_path / "cut", "--resume") == 0
    assert weights(tmp_path / "cut") == weights(trained)


@pytest.mark.parametrize("tied", [False, True])
def test_a_training_stopped_before_a_stage_is_kept_takes_no_step_more(questions, trained, tmp_path, monkeypatch, tied):
    """What was learned is there in the last checkpoint alone; a language model's first and last weights may be one."""
    none = {f"{name}_steps": 0 for name in STAGES}
    options = TrainingOptions(**{**none, "classes_steps": 3, "batch": 8, "save_steps": 2})
    config, tokenizer = read_config(trained), load(trained)[1]
    config = config.model_copy(update={"language": {**config.language, "tie_word_embeddings": tied}})
    teaching = (tokenizer, lessons_of(questions), options)
    train(begin(config, NO_PARTS, 0)[0], *teaching, tmp_path / "whole", lambda *_: None)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    told: list[int] = []
    monkeypatch.setattr(training, "save_model", stop)
    with pytest.raises(KeyboardInterrupt):
        train(begin(config, NO_PARTS, 0)[0], *teaching, tmp_path / "stopped", lambda *one: told.append(one[1]))
    monkeypatch.undo()
    assert told == [1, 2, 3]
    train(begin(config, NO_PARTS, 0)[0], *teaching, tmp_path / "stopped", lambda *one: told.append(one[1]))
    assert told == [1, 2, 3]
    whole, again = (kept_stage(tmp_path / name, "classes").read_bytes() for name in ("whole", "stopped"))
    assert whole == again


def test_the_loss_falls_by_half_where_there_is_something_to_learn(questions, trained, tmp_path):
    """Sixteen scenes by heart, which a network that learns nothing from its lessons could not know."""
    none = {f"{name}_steps": 0 for name in STAGES}
    options = TrainingOptions(**{**none, "seeing_steps": 150, "batch": 16, "rate": 3e-3})
    told: list[float] = []
    few = [lessons_of(questions)(PAPER_TYPES)[index] for index in range(16)]
    model, tokenizer = begin(read_config(trained), NO_PARTS, 0)
    train(model, tokenizer, lambda _: few, options, tmp_path, lambda *one: told.append(one[2]))
    assert np.mean(told[-3:]) < 0.5 * told[0]


def test_what_brings_tokens_to_a_language_model_of_chance_stays_while_that_one_learns_to_read_them(trained):
    before, after = (load_file(kept_stage(trained, name)) for name in ("looking", "joint"))
    same = {name.partition(".")[0] for name in before if (before[name] == after[name]).all()}
    learned = {name.partition(".")[0] for name in before if (before[name] != after[name]).any()}
    assert {"seeing", "seeing_projector", "hearing", "hearing_projector"} <= same - learned
    assert learned == {"language"}


@pytest.mark.parametrize(
    ("array", "ears", "expected"),
    [
        ("binaural", (0, 1), True),
        ("pair", (1, 0), True),
        ("binaural", (0, 0), False),
        ("respeaker_usb_4", (1, 2), False),  # one is behind, the other to the right
        ("tetrahedral", (0, 1), False),  # one is higher
        ("foa", (0, 1), False),
    ],
)
def test_ears_hear_a_room_in_a_mirror_where_they_lie_left_and_right_alike(tmp_path, array, ears, expected):
    write_config(tmp_path, QuestionOptions(array=array))
    assert symmetric(tmp_path, ears) is expected


@pytest.mark.parametrize("mirrored", [False, True])
def test_only_what_such_ears_heard_is_heard_in_a_mirror_too(questions, trained, mirrored):
    model, _ = load(trained)
    lessons = lessons_of(questions)(())
    told = sources_of([replace(lessons[at], symmetric=mirrored) for at in range(8)], model.config)
    learning = HearingWarmUp(model).train()
    found = set()
    for seed in range(4):
        torch.manual_seed(seed)
        found.add(round(float(learning(**told)["loss"]), 4))
    assert (len(found) > 1) is mirrored


def test_a_projector_without_a_warm_up_learns_while_it_is_asked(questions, trained, tmp_path):
    none = {f"{name}_steps": 0 for name in STAGES}
    model, tokenizer = begin(read_config(trained), NO_PARTS, 0)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    options = TrainingOptions(**{**none, "joint_steps": 2, "asked": 8})
    train(model, tokenizer, lessons_of(questions), options, tmp_path, lambda *_: None)
    after = model.state_dict()
    learned = {name.partition(".")[0] for name in before if (before[name] != after[name]).any()}
    assert learned == {"language", "seeing_projector", "hearing_projector"}


@pytest.mark.parametrize(("hears", "sees"), [("binaural", True), ("nothing", True), ("mono", False)])
def test_among_the_questions_of_a_split_a_few_are_asked_that_one_sense_answers(questions, trained, hears, sees):
    config = variant(read_config(trained), hears, sees)
    (*_, (joint, _)) = stages_of(config, TrainingOptions())
    lessons = lessons_of(questions)(joint.asks)
    assert len(lessons) == 45 + 15
    drawn = {read_question(lessons[index].question).type for index in range(45, 60)}
    senses = {"A": hears != "nothing", "V": sees}
    assert drawn
    assert all(senses[one.value[0]] for one in drawn)


def test_variants_share_the_warm_ups_of_what_both_have(questions, trained, tmp_path):
    config = read_config(trained)
    cases = {
        ("binaural", True): STAGES[:-1],
        ("mono", True): ("seeing", "looking", "classes", "places"),
        ("nothing", True): ("seeing", "looking", "classes", "places"),
        ("binaural", False): ("hearing", "listening", "sounds"),
        ("mono", False): (),
    }
    for (hears, sees), stages in cases.items():
        other = variant(config, hears, sees)
        assert warmed_up(other, trained) == stages
        own = begun(other, 0, trained)[0].state_dict()
        theirs = load_file(kept_stage(trained, stages[-1]) if stages else trained / "model.safetensors")
        assert own.keys() <= theirs.keys()
        assert all((own[name] == theirs[name]).all() for name in own)


def test_a_variant_learns_what_is_left_and_goes_on_where_it_was_stopped(questions, trained, tmp_path, capsys):
    more = ("--begin", trained, "--hears", "mono")
    plain = [one for one in TEACHING if one not in ("--config", json.dumps(TOY))]
    told = ["questions", "train", str(questions), "--out", str(tmp_path / "mono"), *plain, *map(str, more)]
    assert main(told) == 0
    assert f"begun with {trained}, which has been through seeing, looking, classes, places" in capsys.readouterr().out
    assert [one.stage for one in by_stage(losses(tmp_path / "mono"))] == ["hearing", "listening", "sounds", "joint"]
    assert warmed_up(read_config(tmp_path / "mono"), tmp_path / "mono") == STAGES[:-1]  # for whoever begins with it
    first = weights(tmp_path / "mono")
    for name in ("config.json", "model.safetensors", "stages/joint.safetensors"):
        (tmp_path / "mono" / name).unlink()
    assert main([*told, "--resume"]) == 0
    assert weights(tmp_path / "mono") == first


def test_answers_of_a_model_are_scored_and_compared_question_by_question(questions, trained, tmp_path, capsys):
    answers = tmp_path / "answers.jsonl"
    asking = ["questions", "answer", str(questions), "--model", str(trained), "--out", str(answers)]
    assert main(asking) == 0
    assert "18 answers" in capsys.readouterr().out
    whole = answers.read_text()
    told = list(read_lines(answers, AnswerRecord))
    for record, one in zip(read_split(questions, "test"), told, strict=True):
        fields = read_answer(record.question_type, one.answer)
        assert one.fields == (None if fields is None else dict(fields))
    answers.write_text("".join(line + "\n" for line in whole.splitlines()[:7]))
    assert main([*asking, "--resume"]) == 0
    assert [one.id for one in read_lines(answers, AnswerRecord)] == [one.id for one in told]
    for heard in ("truth", "none"):
        more = ("--heard", heard, "--out", str(tmp_path / f"{heard}.jsonl"))
        assert main(["questions", "answer", str(questions), *more]) == 0
    named = [f"true={tmp_path}/truth.jsonl", f"deaf={tmp_path}/none.jsonl", f"model={answers}"]
    assert main(["questions", "evaluate", str(questions), "--answers", *named, "--out", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"paired differences +true less deaf +true less model\n", printed)
    assert "## Paired differences" in (tmp_path / "report" / "report.md").read_text()


def test_a_paired_difference_is_that_of_the_figures_with_an_interval_of_its_own(questions):
    records = [one for one in read_split(questions, "train") if one.question_type.value in ("Q5", "Q6")]
    right = [one.fields for one in records]
    half = [one.fields if at % 4 else None for at, one in enumerate(records)]
    found = differences(records, right, half)
    assert set(found) == {"Q5 sounding accuracy", "Q6 sounding accuracy"} <= set(PAIRED)
    for name, figure in found.items():
        lost = [
            float(told is None) for one, told in zip(records, half, strict=True) if name.startswith(one.question_type)
        ]
        assert figure.count == len(lost)
        assert figure.value == pytest.approx(np.mean(lost))
        assert figure.half == pytest.approx(1.96 * np.std(lost, ddof=1) / len(lost) ** 0.5)
    assert differences(records, half, right)["Q5 sounding accuracy"].value == -found["Q5 sounding accuracy"].value
    assert all(one.value == one.half == 0 for one in differences(records, half, half).values())


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        (
            ("--batch", 64),
            1,
            "has 45 questions in the split train, fewer than a batch of 64: make more",
        ),
        (tuple(each for one in STAGES for each in (f"--{one}-steps", 0)), 2, "there is nothing to learn"),
        (("--config", '{"langauge": {}}'), 2, "langauge: Extra inputs are not permitted"),
        (("--config", "{"), 2, "--config '{': "),
        (("--config", '{"language": {"hidden_act": "none"}}'), 2, "a model cannot be made so"),
    ],
)
def test_options_that_mean_nothing_are_one_sentence(questions, tmp_path, capsys, more, status, told):
    assert teach(questions, tmp_path / "out", *more) == status
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_folders_that_hold_no_questions_or_others_are_one_sentence(questions, trained, tmp_path, capsys):
    def said(*arguments: object) -> str:
        assert main([str(one) for one in ("questions", "train", *arguments)]) in (1, 2)
        (line,) = capsys.readouterr().err.splitlines()
        return line

    out = ("--out", tmp_path / "out")
    assert "holds no questions" in said(tmp_path, *out)
    shutil.copytree(questions, tmp_path / "tests")
    (tmp_path / "tests" / "train.jsonl").unlink()
    assert "holds no questions of the split 'train' (it has test): make them first" in said(tmp_path / "tests", *out)
    assert "holds a model already: give another --out" in said(questions, *TEACHING, "--out", trained)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "training.json").write_text("{}")
    assert "is not empty: go on with --resume, or give another --out" in said(questions, *TEACHING, *out)
    assert "holds the beginning of another training" in said(questions, *TEACHING, *out, "--resume")
    begin = ("--begin", trained, "--batch", 8)
    assert "decides the sizes: leave out --size and --config" in said(questions, *out, *begin, "--size", "small")
    assert "holds no trained model (config.json: No such file" in said(questions, *out, "--begin", tmp_path)
    other = Path(shutil.copytree(trained, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "classes": config["classes"][1:]}))
    assert f"never learned {config['classes'][0]}, which" in said(questions, *out, *begin[2:], "--begin", other)


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_learned(questions, trained, tmp_path, capsys):
    with full_disk(200_000):
        assert teach(questions, tmp_path / "full") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"full/unfinished/hearing: .*: make room, or give another --out; what was computed is kept$", line)
    assert teach(questions, tmp_path / "full", "--resume") == 0
    assert weights(tmp_path / "full") == weights(trained)


def test_sounds_of_one_channel_are_heard_as_one_ear(questions, trained, tmp_path, capsys):
    mono = with_one_channel(questions, tmp_path / "mono")
    assert teach(mono, tmp_path / "out") == 2
    assert "has sounds of one channel, and two ears need two: give --hears mono" in capsys.readouterr().err
    assert teach(mono, tmp_path / "out", "--hears", "mono", "--hearing-steps", 0, "--seeing-steps", 0) == 0
    capsys.readouterr()
    assert main(["questions", "answer", str(mono), "--model", str(trained), "--out", str(tmp_path / "a.jsonl")]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "note" in line]
    assert len(notes) == 1
    assert "both ears" in notes[0]


def test_a_model_that_cannot_be_asked_is_one_sentence(questions, trained, tmp_path, capsys):
    def said(model: Path, *more: str) -> str:
        out = str(tmp_path / "answers.jsonl")
        assert main(["questions", "answer", str(questions), "--model", str(model), "--out", out, *more]) in (1, 2)
        assert not Path(out).exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line

    assert "leave out --heard, --seen and --detector" in said(trained, "--heard", "array")
    assert "holds no trained model (config.json: No such file" in said(tmp_path)
    broken = Path(shutil.copytree(trained, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(weights(trained)[:1000])
    assert "holds no trained model (model.safetensors: " in said(broken)
    config = json.loads((trained / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "patches": [2]}))
    assert "holds no trained model (config.json: patches" in said(broken)


def test_a_class_that_a_model_never_saw_is_said_once(questions, trained, tmp_path, capsys):
    other = Path(shutil.copytree(trained, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    gone = classes_of(read_split(questions, "test"))[0]
    classes = [f"no {one}" if one == gone else one for one in config["classes"]]
    (other / "config.json").write_text(json.dumps({**config, "classes": classes}))
    assert main(["questions", "answer", str(questions), "--model", str(other), "--out", str(tmp_path / "a.jsonl")]) == 0
    (note,) = (line for line in capsys.readouterr().err.splitlines() if "note" in line)
    assert note.endswith(f"never learned {gone}: of these its answers will hardly be right")


def test_without_torch_it_is_said_how_to_get_it(questions, tmp_path, monkeypatch, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "gar_ssl_ros.commands.questions_train.find_spec", lambda name: None if name == "torch" else real(name)
    )
    assert teach(questions, tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert "a trained model needs torch, not found here" in said
    assert "[questions]" in said
    model = ("--model", str(tmp_path), "--out", str(tmp_path / "answers.jsonl"))
    assert main(["questions", "answer", str(questions), *model]) == 1
    assert "[questions]" in capsys.readouterr().err
