"""Which models the reasoner of small models goes by, and what it says with them of real pictures and sounds."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import read_picture, read_sound

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.catalog import MODELS
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.reasoners.options import SensesOptions
from gar_ssl_ros.reasoners.senses import SensesReasoner, lacking, load


@pytest.fixture
def folder(shared_models, tmp_path, monkeypatch) -> Path:
    """A folder of its own with all models in it."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    for file in shared_models.iterdir():
        if file.name in {model.file for model in MODELS.values()}:
            shutil.copy(file, tmp_path)
            (tmp_path / file.name).chmod(0o644)
    monkeypatch.setenv(store.FOLDER, str(tmp_path))
    return tmp_path


def told(caplog) -> list[str]:
    """What was logged, but for the picture classifier, which these models may come without."""
    messages = (one.getMessage() for one in caplog.records)
    return [one for one in messages if "efficientnet-lite2" not in one]


@pytest.mark.parametrize("lost", ["yunet", "nanodet"])
@pytest.mark.parametrize("how", ["missing", "broken"])
def test_the_others_go_on_where_one_is_missing_or_another_file(folder, lost, how, caplog):
    file = folder / MODELS[lost].file
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        had = load()
    assert lost not in had.names
    assert "yamnet" in had.names
    assert had.objects is not None
    if how == "broken" or lost == "yunet":  # which nothing stands in for
        assert str(folder) in caplog.text
    else:
        assert not told(caplog)


def test_the_second_object_detector_answers_where_the_first_one_is_missing(folder):
    (folder / MODELS["nanodet"].file).unlink()
    assert "yolox-nano" in load().names
    assert not lacking()


def test_makers_of_one_s_own_that_nothing_can_see_are_told(folder, caplog):
    own = folder / "own.yaml"
    own.write_text("- {name: robot, by: itself, seen: [drone, suitcase], sounds: [whir]}\n")
    with caplog.at_level(logging.WARNING):
        load(SensesOptions(makers=str(own)))
    assert told(caplog) == ["makers that no detector here can see: drone"]


@pytest.mark.parametrize("left", [(), ("yunet", "yolox-nano", "nanodet"), ("yamnet",)])
def test_without_ears_or_without_eyes_it_is_one_sentence(folder, left):
    for name, model in MODELS.items():
        if name not in left:
            (folder / model.file).unlink(missing_ok=True)
    assert lacking()
    with pytest.raises(ReasonerError, match="gar-ssl models get") as refused:
        reasoner("senses")
    assert "\n" not in str(refused.value)


def test_without_any_model_it_is_one_sentence():
    with pytest.raises(UserError, match=r"^senses, .*, lacks the models yamnet, .*gar-ssl models get all"):
        reasoner("senses")


# With real weights, on a photograph and a recording of the same kind of thing, or of two kinds.

TRUTH = {"dog": Box(65, 134, 640, 838), "car": Box(42, 116, 599, 336), "bird": Box(155, 130, 519, 659)}  # by eye


@pytest.fixture
def real(shared_models, shared_media) -> Callable[[str, str], Localization]:
    """A function from what is seen and what is heard to what is said, by the real models."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    made = SensesReasoner(load())

    def answer(seen: str, heard: str) -> Localization:
        image = read_picture(shared_media / f"{seen}.jpg")
        sound = np.resize(read_sound(shared_media / f"{heard}.wav", 44_100), 3 * 44_100)
        frames = tuple(Frame(i * SECOND // 5, image) for i in range(15))
        *_, last = localize(Window(0, 3 * SECOND, frames, Audio(0, sound[None].clip(-1, 1), 44_100)), made)
        return last

    return answer


@pytest.mark.parametrize("what", TRUTH)
def test_a_real_thing_is_boxed_when_it_is_heard(real, what):
    said = real(what, what)
    assert said.outcome is Outcome.LOCALIZED, said.detail
    (source,) = said.sources
    assert source.box.iou(TRUTH[what]) >= 0.5
    agreed = said.cases[0].consensus
    assert agreed is not None
    assert what in agreed.role_tags
    assert (said.reasoner, str(said.model).startswith("yamnet, yunet, nanodet, light-asd")) == ("senses", True)


@pytest.mark.parametrize(("seen", "heard"), [("dog", "car"), ("car", "dog"), ("bird", "car"), ("car", "bird")])
def test_a_real_thing_is_not_boxed_for_the_sound_of_another(real, seen, heard):
    said = real(seen, heard)
    assert said.outcome is Outcome.OFF_SCREEN
    assert heard in said.detail
