"""The catalogue of models and the folder of their files."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

import gar_ssl_ros
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.catalog import MODELS, table
from gar_ssl_ros.perception.store import ModelFileError

ROOT = Path(gar_ssl_ros.__file__).parents[1]
SHARED = ROOT.parent / "shared" / "models"


@pytest.fixture
def model(publisher, monkeypatch):
    """A model of 300,000 bytes, known by the name yunet."""
    made = publisher.model()
    monkeypatch.setattr(store, "MODELS", {"yunet": made})
    return made


@pytest.fixture
def download(publisher, tmp_path) -> Path:
    path = tmp_path / "download"
    path.write_bytes(publisher.content)
    return path


def test_the_docs_are_made_of_the_catalogue():
    assert table() in (ROOT / "docs" / "models.md").read_text(), "run `make schema`"


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_is_pinned_by_hash_at_a_place_that_does_not_change(model):
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in model.sha256)
    assert re.search("^https://.*(/[0-9a-f]{40}/|/releases/download/|/[0-9a-f]{60}/)", model.url)


def test_every_model_has_a_file_of_its_own():
    assert len({model.file for model in MODELS.values()}) == len(MODELS)
    assert len({sha256 for model in MODELS.values() for sha256 in model.sha256}) > len(MODELS)


def test_a_folder_of_the_files_as_they_are_will_do(monkeypatch):
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/models, which is not here")
    monkeypatch.setenv(store.FOLDER, str(SHARED))
    there = [model for model in MODELS.values() if (SHARED / model.file).exists()]
    assert {model.name for model in there} >= {"yamnet", "yunet", "nanodet", "light-asd"}
    assert [store.load_path(model.name) for model in there] == [SHARED / model.file for model in there]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GAR_SSL_MODELS": "/models", "XDG_CACHE_HOME": "/cache"}, "/models"),
        ({"GAR_SSL_MODELS": "", "XDG_CACHE_HOME": "/cache"}, "/cache/gar_ssl_ros/models"),
        ({"XDG_CACHE_HOME": "not/absolute"}, "/home/me/.cache/gar_ssl_ros/models"),
        ({}, "/home/me/.cache/gar_ssl_ros/models"),
    ],
)
def test_the_folder_is_the_user_s_choice_or_in_the_cache(environment, expected, monkeypatch):
    for name in ("GAR_SSL_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **environment}.items():
        monkeypatch.setenv(name, value)
    assert store.folder() == Path(expected)


def test_what_is_not_there_is_a_sentence_with_the_remedy(model, models):
    assert store.find("yunet") is None
    with pytest.raises(ModelFileError, match=f"^the model yunet is not in {models}: gar-ssl models get yunet$"):
        store.load_path("yunet")


def test_a_file_is_added_whole_by_its_hash_whatever_its_name(model, models, download):
    assert store.add(model, download) == models / "model.onnx" == store.find("yunet") == store.load_path("yunet")
    assert [path.name for path in models.iterdir()] == ["model.onnx"]
    assert store.add(model, download) == models / "model.onnx"  # there already


def test_another_export_of_the_same_model_is_added_too(model, models, download):
    both = replace(model, sha256=("0" * 64, *model.sha256))
    assert store.held(both) is None
    assert store.add(both, download) == store.held(both)


def test_half_a_download_is_not_added(model, models, download, publisher):
    download.write_bytes(publisher.content[:1000])
    with pytest.raises(ModelFileError, match=f"^{download} is not yunet: it has 1,000 bytes .*, not 300,000 and "):
        store.add(model, download)
    assert not models.exists()


def test_a_file_that_changed_is_not_loaded(model, models, download):
    with store.add(model, download).open("r+b") as file:
        file.write(b"!")
    for call in (store.find, store.load_path):
        with pytest.raises(ModelFileError, match=r"is not the model yunet .*: gar-ssl models get yunet --overwrite$"):
            call("yunet")


def test_a_file_in_its_place_is_replaced_only_where_the_user_says_so(model, models, download):
    models.mkdir(parents=True)
    (models / "model.onnx").write_text("mine")
    with pytest.raises(ModelFileError, match="is not the model yunet"):
        store.add(model, download)
    assert (models / "model.onnx").read_text() == "mine"
    store.add(model, download, overwrite=True)
    assert store.find("yunet")


def test_a_pipe_is_no_model(model, models):
    models.mkdir(parents=True)
    os.mkfifo(models / "model.onnx")
    with pytest.raises(OSError, match="it is a named pipe, not a file"):
        store.load_path("yunet")


@pytest.fixture
def packaged(publisher, tmp_path, monkeypatch):
    """A model that is published as a package, its file there."""
    file = tmp_path / "site-packages" / "some_weights" / "models" / "weights.pth"
    file.parent.mkdir(parents=True)
    (file.parents[1] / "__init__.py").write_text("raise RuntimeError('nobody has to run this')")
    file.write_bytes(publisher.content)
    monkeypatch.syspath_prepend(file.parents[2])
    return publisher.model(installed="some_weights/models/weights.pth"), file


def test_a_model_that_is_a_package_is_found_where_pip_put_it_and_never_imported(packaged, models, download):
    model, file = packaged
    assert store.held(model) == store.add(model, download) == file
    assert not models.exists()


def test_a_file_of_the_user_s_comes_before_the_package(packaged, models, publisher):
    model, _ = packaged
    models.mkdir(parents=True)
    (models / "model.onnx").write_bytes(publisher.content)
    assert store.held(model) == models / "model.onnx"


def test_a_package_with_another_file_is_a_sentence_and_may_be_got_around(packaged, models, download):
    model, file = packaged
    file.write_text("mine")
    with pytest.raises(ModelFileError, match=f"^{file} is not the model yunet .* get yunet --overwrite$"):
        store.held(model)
    assert store.add(model, download, overwrite=True) == store.held(model) == models / "model.onnx"
    assert file.read_text() == "mine"


def test_a_package_that_is_not_installed_or_holds_no_such_file_is_none(packaged, models):
    model, file = packaged
    file.unlink()
    assert store.held(model) is None
    assert store.held(replace(model, installed="no_such_package/weights.pth")) is None
