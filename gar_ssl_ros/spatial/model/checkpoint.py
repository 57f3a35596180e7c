"""A trained model on disk: config.json, model.safetensors and the words in a folder, and nothing in them that runs.

Of a model that began with pretrained weights and trained only what LoRA adds to them, it holds what was trained; it is
loaded with the same pretrained weights again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load_model, save_model

from gar_ssl_ros.errors import UserError, misfit, sentence
from gar_ssl_ros.files import read_file, write_whole
from gar_ssl_ros.perception.pretrained.folder import draft_of_weights
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import NO_PARTS, ModelConfig, Parts
from gar_ssl_ros.spatial.model.pretrained import read_bases
from gar_ssl_ros.spatial.model.words import tokenizer_of

CONFIG, WEIGHTS = "config.json", "model.safetensors"


class CheckpointError(UserError):
    """A folder that holds no trained model: one sentence that names it and says what to do."""

    def __init__(self, folder: Path, problem: str) -> None:
        told = " ".join(problem.split())[:160]
        super().__init__(f"{folder} holds no trained model ({told}): name one that gar-ssl questions train has filled")


def save(model: HearYouAre, tokenizer: Any, folder: Path) -> None:
    """Each file whole or not there, config.json last. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    with draft_of_weights(folder / WEIGHTS) as draft:
        save_model(model, str(draft))
    write_whole(folder / CONFIG, model.config.model_dump_json(indent=2) + "\n")


def read_config(folder: Path) -> ModelConfig:
    """Raises CheckpointError where it is none."""
    try:
        return ModelConfig.model_validate_json(read_file(folder / CONFIG))
    except OSError as problem:
        raise CheckpointError(folder, f"{CONFIG}: {problem.strerror}") from None
    except ValidationError as problem:
        raise CheckpointError(folder, f"{CONFIG}: {misfit(problem)}") from None


def load(folder: Path, parts: Parts = NO_PARTS) -> tuple[HearYouAre, Any]:
    """A model and its words, ready to be asked, on the first GPU where there is one.

    parts: where the pretrained weights are that it began with, if not where they were then. Raises CheckpointError, and
    PartError where they are gone or others.
    """
    config = read_config(folder)
    bases = read_bases(config, parts)
    try:
        model, tokenizer = HearYouAre(config, bases), tokenizer_of(folder)
        load_model(model, folder / WEIGHTS)
    except Exception as problem:  # of nearly any type, where the files are damaged
        raise CheckpointError(folder, f"{WEIGHTS}: {sentence(problem)}") from None
    return model.requires_grad_(False).eval().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer
