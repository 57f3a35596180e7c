"""The models on this machine: a folder, and what pip installed. Their SHA-256 is compared at every load."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from gar_ssl_ros.files import draft_of, open_file
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception.catalog import MODELS, Model, obtaining

FOLDER = "GAR_SSL_MODELS"  # environment variable


class ModelFileError(ReasonerError):
    """A model's file that is not there, is another one, or cannot be had: one sentence."""


def folder() -> Path:
    """Where models lie: $GAR_SSL_MODELS, or gar_ssl_ros/models in the user's cache. It need not exist.

    Raises ModelFileError where the user has neither that nor a home.
    """
    if chosen := os.environ.get(FOLDER):
        return Path(chosen).absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # which the XDG specification has ignored
        try:
            cache = Path.home() / ".cache"
        except RuntimeError:
            raise ModelFileError(f"there is no home to keep models in: name a folder in {FOLDER}") from None
    return cache / "gar_ssl_ros" / "models"


def find(name: str) -> Path | None:
    """The file of a model of the catalogue, or None where there is none.

    Raises ModelFileError where another file is in its place, and OSError where that cannot be read.
    """
    return held(MODELS[name])


def first_here(names: Sequence[str]) -> str:
    """The first of some models that is here, else the first of all. Raises as `find`."""
    return next((name for name in names if find(name)), names[0])


def load_path(name: str) -> Path:
    """The file of a model of the catalogue, to be loaded now.

    Raises as `find`, and ModelFileError where it is not there.
    """
    if (found := find(name)) is None:
        raise ModelFileError(f"the model {name} is not in {folder()}: {obtaining(MODELS[name])}")
    return found


def add(model: Model, file: Path, overwrite: bool = False) -> Path:
    """Copy a model's file into the folder, where it is nowhere yet. Returns where it is.

    overwrite: True if a file that is not the model may be replaced. Raises ModelFileError where `file` is not the
    model, or its place is taken; OSError where one cannot be read or written.
    """
    if (found := sha256(file)) not in model.sha256:
        raise ModelFileError(
            f"{file} is not {model.name}: it has {file.stat().st_size:,} bytes and SHA-256 {found}, not {model.size:,} "
            f"and {model.sha256[0]}: download {model.url} anew"
        )
    if here := held_already(model, overwrite):
        return here
    place = folder() / model.file
    place.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(place, overwrite) as draft:
        shutil.copyfile(file, draft)
    return place


def held_already(model: Model, overwrite: bool) -> Path | None:
    """As `held`, but None in place of another file that may be replaced."""
    try:
        return held(model)
    except ModelFileError:
        if overwrite:
            return None
        raise


def held(model: Model) -> Path | None:
    """As `find`, of a model as such."""
    for place in _places(model):
        try:
            found = sha256(place)
        except FileNotFoundError:
            continue
        if found not in model.sha256:
            raise ModelFileError(
                f"{place} is not the model {model.name} (its SHA-256 is {found}): {obtaining(model)} --overwrite"
            )
        return place
    return None


def by_pip(file: Path) -> bool:
    """True if pip put a model's file there, which is not in the folder."""
    return file.parent != folder()


def _places(model: Model) -> Iterator[Path]:
    """Where its file may be, the folder first."""
    yield folder() / model.file
    package, _, inside = model.installed.partition("/")
    if package and (spec := find_spec(package)):
        yield from (Path(root) / inside for root in spec.submodule_search_locations or ())


def sha256(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with open_file(file) as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
