"""The model before it learns: with weights of chance, or with those of another one that has been trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.spatial.model.checkpoint import CheckpointError, load, read_config
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import NO_PARTS, Hears, ModelConfig
from gar_ssl_ros.spatial.model.pretrained import read_bases
from gar_ssl_ros.spatial.model.training import ALL, kept_stage

LAST = "joint"  # the stage that is no warm-up


def variant(config: ModelConfig, hears: Hears, sees: bool) -> ModelConfig:
    """The same, but for what it hears and sees; what it lacks then began with nothing."""
    lacks = {*(() if sees else ("seeing", "seeing_projector")), *(("hearing",) if hears == "nothing" else ())}
    origins = {name: one for name, one in config.origins.items() if name not in lacks}
    return config.model_copy(update={"hears": hears, "sees": sees, "origins": origins})


def warmed_up(config: ModelConfig, folder: Path) -> tuple[str, ...]:
    """The stages of a trained model that another need not go through: those of parts that are the same in both.

    An encoder of sounds is another one where it has one ear and not two. Raises CheckpointError.
    """
    other = read_config(folder)
    same = {"hearing": config.hears == other.hears, "seeing": config.sees and other.sees}
    kept = [one for one in ALL if one.name != LAST and kept_stage(folder, one.name).is_file()]
    return tuple(one.name for one in kept if all(same[part] for part in one.needs))


def begun(config: ModelConfig, seed: int, folder: Path) -> tuple[HearYouAre, Any]:
    """A model with the weights that a trained one had when its last shared warm-up was done, and that one's words.

    Where there is no such stage the weights are those that it ended with. What one of the two lacks is left out, or
    fresh. Raises CheckpointError, and PartError where pretrained weights that it began with are gone or others.
    """
    other, tokenizer = load(folder)
    bases = read_bases(config, NO_PARTS)
    torch.manual_seed(seed)
    model = HearYouAre(config, bases)
    try:
        for name in warmed_up(config, folder)[-1:]:
            load_model(other, kept_stage(folder, name))
        has = model.state_dict()
        model.load_state_dict({name: one for name, one in other.state_dict().items() if name in has}, strict=False)
    except Exception as problem:  # of nearly any type, where the files are damaged
        raise CheckpointError(folder, f"stages: {sentence(problem)}") from None
    return model, tokenizer
