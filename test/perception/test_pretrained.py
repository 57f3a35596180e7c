"""Detectors and taggers of the transformers library, from a folder: real architectures, tiny, with random weights."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception import own
from gar_ssl_ros.perception.detection import Finder
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.tags import names
from gar_ssl_ros.reasoners import reasoner

KNOWN = Makers().kinds
PICTURE = np.kron(np.random.default_rng(0).integers(0, 255, (6, 9, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8))
SOUND = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
DETECTORS, FINDERS, TAGGERS = ("yolos", "rt_detr"), ("owlv2", "grounding_dino"), ("ast", "clap")
CAPTIONERS = ("qwen2_audio", "audio_flamingo")


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Callable[..., Path]:
    """A function from a model's name to a folder of it, written once."""
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    pytest.importorskip("transformers", reason="needs transformers, which is not installed")
    made: dict[str, Path] = {}

    def write(what: str, *more: object) -> Path:
        if what not in made:
            made[what] = import_module("tiny_models").write(what, tmp_path_factory.mktemp(what), *more)
        return made[what]

    return write


@pytest.mark.parametrize("what", DETECTORS)
def test_a_detector_s_kinds_have_the_makers_names_and_what_has_none_is_left_out_and_told_once(folder, what, caplog):
    with caplog.at_level(logging.WARNING):
        made = own.own_detector(folder(what), KNOWN)
        found = [*made.detect(PICTURE), *made.detect(PICTURE)]
    assert not isinstance(made, Finder)
    assert set(made.kinds) == {"face", "acoustic guitar", "dog"}
    assert {one.label for one in found} <= set(made.kinds)
    assert caplog.text.count("spaceship") == 1


def test_boxes_are_in_pixels_of_the_picture_and_within_it(folder):
    made = own.own_detector(folder("yolos"), KNOWN)
    assert not isinstance(made, Finder)
    once, twice = made.detect(PICTURE), made.detect(PICTURE.repeat(2, axis=0).repeat(2, axis=1))
    assert once
    assert [one.score for one in once] == sorted((one.score for one in once), reverse=True)
    for one, two in zip(once, twice, strict=True):
        assert np.array(two.box.sides) / 2 == pytest.approx(one.box.sides, abs=1)
        assert 0 <= one.box.x1 < one.box.x2 <= PICTURE.shape[1]
        assert 0 <= one.box.y1 < one.box.y2 <= PICTURE.shape[0]


@pytest.mark.parametrize("what", FINDERS)
def test_a_finder_finds_under_the_names_that_it_was_asked_for_and_no_others(folder, what):
    made = own.own_detector(folder(what), KNOWN)
    assert isinstance(made, Finder)
    found = made.find(PICTURE, ["harp", "axe"])
    assert found
    assert {one.label for one in found} <= {"harp", "axe"}
    assert all(one.box.x2 <= PICTURE.shape[1] and one.box.y2 <= PICTURE.shape[0] for one in found)
    assert made.find(PICTURE, []) == []


@pytest.mark.parametrize("what", TAGGERS)
def test_a_tagger_scores_each_of_its_sounds_in_each_look(folder, what):
    made = own.own_tagger(folder(what, ("Dog", "Violin_or_fiddle", "church_bells", "Spaceship")))
    tags = made.tags(SOUND)
    assert tags.names == made.names
    assert tags.scores.shape == (3, len(made.names))
    assert 0 <= tags.scores.min() < tags.scores.max() <= 1
    assert made.tags(SOUND[:100]).scores.shape == (1, len(made.names))
    if what == "ast":
        assert made.names == ("dog", "violin, fiddle", "church bell", "spaceship")
    else:
        assert made.names == names()
        assert tags.scores.sum(axis=1) == pytest.approx(1)


def test_a_grounding_dino_is_asked_for_one_name_at_a_time(folder):
    made = own.own_detector(folder("grounding_dino"), KNOWN)
    assert isinstance(made, Finder)

    def of(name: str, names: list[str]) -> set[object]:
        return {(one.score, one.box) for one in made.find(PICTURE, names) if one.label == name}

    assert of("harp", ["harp", "axe"]) == of("harp", ["harp"])
    assert of("axe", ["harp", "axe", "axe"]) == of("axe", ["axe"])


@pytest.mark.parametrize("what", CAPTIONERS)
def test_a_captioner_replies_to_each_prompt_the_same_whatever_else_is_asked(folder, what):
    made = own.own_captioner(folder(what))
    replies = made.caption(SOUND, ["What?", "Which sounds are these?"], 8, Deadline())
    assert len(replies) == 2
    assert made.caption(SOUND, ["What?"], 8, Deadline()) == replies[:1]
    sounds = (SOUND, np.sin(np.arange(16_000) / 5).astype(np.float32), np.zeros(16_000, np.float32))
    assert len({made.caption(one, ["What?"], 8, Deadline())[0] for one in sounds}) > 1


def test_a_captioner_stops_between_tokens_and_tells_when_memory_is_out(folder, monkeypatch):
    made = own.own_captioner(folder("qwen2_audio"))
    cancelled = Deadline()
    model = made._model  # type: ignore[attr-defined]
    steps: list[object] = []
    hook = model.register_forward_pre_hook(
        lambda *_: steps.append(0) or (len(steps) == 3 and cancelled.cancel()) or None
    )
    with pytest.raises(Cancelled):
        made.caption(SOUND, ["What?"], 50, cancelled)
    hook.remove()
    assert len(steps) == 3

    def full(*_: object, **__: object) -> None:
        raise import_module("torch").OutOfMemoryError

    monkeypatch.setattr(model, "generate", full)
    with pytest.raises(ReasonerError, match=r"ran out of memory: use a smaller model, or free some memory$"):
        made.caption(SOUND, ["What?"], 50, Deadline())


def test_senses_goes_by_them_and_says_so(folder, shared_models):
    options = {"tagger": str(folder("ast")), "detector": str(folder("owlv2"))}
    assert reasoner("senses", options).model == "yunet, nanodet, light-asd, {}, {}".format(
        folder("ast").name, folder("owlv2").name
    )


def test_senses_needs_no_model_of_ours_beside_them(folder):
    made = reasoner("auto", {"tagger": str(folder("clap")), "detector": str(folder("yolos"))})
    assert made.name == "senses"
    assert made.model.removeprefix("efficientnet-lite2, ") == f"{folder('clap').name}, {folder('yolos').name}"


class Trap:
    """A pickle that says when it is opened."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (Path("opened"),)


def pickled(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))


def cut_short(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def with_code(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))


def lacking_some(copy: Path) -> None:
    file = import_module("safetensors.torch")
    weights = file.load_file(copy / "model.safetensors")
    weights.pop(sorted(weights)[-1])
    file.save_file(weights, copy / "model.safetensors", {"format": "pt"})


def of_another_kind(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))


def without_preparation(copy: Path) -> None:
    for file in (*copy.glob("preprocessor_config.json"), *copy.glob("processor_config.json")):
        file.unlink()


def empty(copy: Path) -> None:
    shutil.rmtree(copy)
    copy.mkdir()


def no_json(copy: Path) -> None:
    (copy / "config.json").write_text("no model")


DAMAGE = {pickled: "pickled", cut_short: "", with_code: "code of its own", lacking_some: "lacks 1 of its weights",
          of_another_kind: "it is a bert", without_preparation: "", empty: "no config.json",
          no_json: "describes no model"}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("what", ["yolos", "owlv2", "ast", "clap", "qwen2_audio"])
def test_a_bad_folder_is_one_sentence_and_runs_nothing(folder, tmp_path, monkeypatch, what, damage, capfd):
    copy = shutil.copytree(folder(what), tmp_path / "copy")
    damage(copy)
    monkeypatch.chdir(tmp_path)
    option = "tagger" if what in TAGGERS else "describers" if what in CAPTIONERS else "detector"
    loads = {"tagger": own.own_tagger, "describers": own.own_captioner}
    capfd.readouterr()  # of the library, which tells how it writes a model: for whichever test is the first
    load = loads.get(option, lambda path: own.own_detector(path, KNOWN))
    with pytest.raises(OptionError, match=f"^{option}: {copy} is not an .*{DAMAGE[damage]}.*: name another") as refused:
        load(copy)
    assert "\n" not in str(refused.value)
    assert not Path("opened").exists()
    assert capfd.readouterr().err == ""


def test_a_detector_that_knows_nothing_that_sounds_is_a_sentence(folder, tmp_path):
    copy = shutil.copytree(folder("yolos"), tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "id2label": {i: f"thing {i}" for i in range(4)}}))
    with pytest.raises(OptionError, match=r"^detector: nothing that .*copy sees makes sounds"):
        own.own_detector(copy, KNOWN)


def test_without_torch_it_is_a_sentence_with_the_command(folder, monkeypatch):
    def missing(_: str) -> None:
        raise ModuleNotFoundError(name="torch")

    monkeypatch.setattr(own, "import_module", missing)
    with pytest.raises(ReasonerError, match=r"^tagger: .* needs torch, which is not installed: .*pip install"):
        own.own_tagger(folder("ast"))
