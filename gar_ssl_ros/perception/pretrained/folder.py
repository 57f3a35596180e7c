"""A folder as `save_pretrained` writes it: looked over, then loaded without running or fetching anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from transformers.utils import logging

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.files import draft_of, read_file
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception.failure import ModelError

OUT_OF_MEMORY = (torch.OutOfMemoryError, MemoryError)
LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


class Described(BaseModel):
    """What is read of config.json. auto_map: code of its own."""

    model_config = ConfigDict(extra="ignore")

    model_type: str
    auto_map: dict[str, Any] | None = None


def model_type(folder: Path, what: str) -> str:
    """What a folder says that it holds. Raises ModelError where it is none that may be loaded."""
    try:
        described = Described.model_validate_json(read_file(folder / "config.json"))
    except OSError:
        raise ModelError(folder, what, "it has no config.json that can be read") from None
    except ValueError:
        raise ModelError(folder, what, "its config.json describes no model") from None
    if described.auto_map is not None:
        raise ModelError(folder, what, "it brings code of its own, auto_map in config.json, which is never run")
    if not list(folder.glob("*.safetensors")):
        pickled = [*folder.glob("*.bin"), *folder.glob("*.pt")]
        lacks = "its weights are pickled, which can run code: convert them to safetensors" if pickled else "no weights"
        raise ModelError(folder, what, lacks)
    return described.model_type


@contextmanager
def whole(folder: Path, what: str) -> Iterator[None]:
    """Within it, whatever a damaged folder makes the library raise is a ModelError, and no bar is drawn."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except ReasonerError:
        raise
    except OUT_OF_MEMORY as problem:
        raise _too_large(folder) from problem
    except Exception as problem:  # of nearly any type
        raise ModelError(folder, what, sentence(problem)) from None
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Within it a model of that folder runs, and where memory does not suffice, that is a ReasonerError."""
    try:
        with torch.inference_mode():
            yield
    except OUT_OF_MEMORY as problem:
        raise _too_large(folder) from problem


def _too_large(folder: Path) -> ReasonerError:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return ReasonerError(f"{folder} ran out of memory: use a smaller model, or free some memory")


def load(kind: Any, folder: Path) -> Any:
    """A model of that class, on the first GPU where there is one. Raises ValueError where it lacks some weights."""
    return read(kind, folder).to("cuda" if torch.cuda.is_available() else "cpu")


def read(kind: Any, folder: Path, **more: Any) -> Any:
    """The same, not on a GPU. more: for its from_pretrained."""
    model, found = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True, **LOCAL, **more)
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"it lacks {len(missing)} of its weights, {missing[0]} among them")
    return model.requires_grad_(False).eval()


@contextmanager
def draft_of_weights(path: Path) -> Iterator[Path]:
    """As files.draft_of; whoever may read the user's other new files may read this one, which safetensors would keep
    from all others.
    """
    with draft_of(path) as draft:
        draft.touch()
        mode = draft.stat().st_mode
        yield draft
        draft.chmod(mode)
