"""A model that begins with pretrained parts of the user's: nothing of them runs, and nothing is fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import (
    Blip2QFormerConfig,
    GenerationConfig,
    Qwen2ForCausalLM,
    Siglip2VisionConfig,
    Siglip2VisionModel,
)

from gar_ssl_ros.errors import UsageError, UserError, sentence
from gar_ssl_ros.files import open_file
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.pretrained.folder import model_type, read, whole
from gar_ssl_ros.spatial.model import numbers
from gar_ssl_ros.spatial.model.bat import load_bat
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import ModelConfig, Origin, PartName, Parts
from gar_ssl_ros.spatial.model.words import tokenizer_of, vocabulary

FORMER_LAYERS = 2  # of BLIP-2's Q-Former, the first ones ("Hear You Are", section 5.1)
# Of a file of weights these bytes are looked at: its beginning, where safetensors tells what it holds, and so many
# blocks spread over it. Of 15 GB that takes a moment, and no training leaves all of them as they are.
BEGINNING, BLOCK, BLOCKS = 2**20, 2**12, 256
WHAT: Mapping[PartName, tuple[str, tuple[str, ...]]] = (
    MappingProxyType(  # in words, and by the model_type of config.json
        {
            "seeing": ("a SigLIP 2 (NaFlex)", ("siglip2", "siglip2_vision_model")),
            "language": ("a Qwen2 with its tokenizer", ("qwen2",)),
            "seeing_projector": ("a BLIP-2 or its Q-Former", ("blip-2", "blip_2_qformer")),
        }
    )
)


class PartError(UserError):
    """Pretrained weights that a model cannot begin with, or go on with: one sentence."""


def begin(config: ModelConfig, parts: Parts, seed: int) -> tuple[HearYouAre, Any]:
    """A model to be trained, on the CPU, and its words: those of its language model, or of a vocabulary of its own.

    config: its sizes; those of pretrained parts are taken from their folders. seed: of all weights that begin anew.
    Raises PartError, BatWeightsError, UsageError.
    """
    _check_needed(config, parts)
    given: dict[PartName, nn.Module] = {
        name: READERS[name](path) for name, path in parts.given.items() if name in READERS
    }
    sizes: dict[str, Any] = {name: one.config for name, one in given.items() if name == "hearing"}
    sizes |= {name: one.config.to_diff_dict() for name, one in given.items() if name != "hearing"}
    if parts.language is None:
        tokenizer = vocabulary(config.classes)
        sizes["language"] = {**config.language, "vocab_size": len(tokenizer)}
    else:
        tokenizer = _tokenizer(parts.language)
    if parts.seeing_projector is not None:
        former = _former_config(parts.seeing_projector)
        sizes["seeing_projector"] = {"queries": config.seeing_projector.queries, "network": former}
    origins = {name: _origin(path) for name, path in parts.given.items()}
    config = ModelConfig.model_validate({**dict(config), **sizes, "origins": origins})
    torch.manual_seed(seed)
    model = HearYouAre(config, given)
    if parts.language is None:
        numbers.place(model.language.get_input_embeddings(), tokenizer)
    if parts.seeing_projector is not None:
        assert model.seeing_projector is not None
        _fill_former(model.seeing_projector.former, parts.seeing_projector)
    return model, tokenizer


def read_bases(config: ModelConfig, parts: Parts) -> dict[PartName, nn.Module]:
    """The pretrained parts that a trained model goes on with, from where they were, or from `parts`.

    Raises PartError where they are gone, or are not what it began with.
    """
    found: dict[PartName, nn.Module] = {}
    for name in config.bases:
        origin = config.origins[name]
        path = parts.given.get(name, Path(origin.path))
        try:
            same = fingerprint(path) == origin.sha256
        except OSError as problem:
            told = problem.strerror or sentence(problem)
            raise PartError(
                f"{path}, with which the model's {name} began, cannot be read ({told}): name the place where it is now"
            ) from None
        if not same:
            raise PartError(
                f"{path} is not that with which the model's {name} began, or has changed since: "
                "name a place that has the same config.json and weights"
            )
        found[name] = READERS[name](path)
    return found


def fingerprint(path: Path) -> str:
    """SHA-256 of what tells a folder's config.json and weights, or a file of weights, from others. Raises OSError."""
    digest = sha256()
    for file in [path] if path.is_file() else [path / "config.json", *sorted(path.glob("*.safetensors"))]:
        with open_file(file) as opened:
            size = opened.seek(0, os.SEEK_END)
            digest.update(f"{size} ".encode())
            opened.seek(0)
            digest.update(opened.read(BEGINNING))
            for at in range(BEGINNING, size, max(BLOCK, (size - BEGINNING) // BLOCKS)):
                opened.seek(at)
                digest.update(opened.read(BLOCK))
    return digest.hexdigest()


def _origin(path: Path) -> Origin:
    try:
        return Origin(path=str(path.resolve()), sha256=fingerprint(path))
    except OSError as problem:
        raise PartError(sentence(problem)) from None


def _check_needed(config: ModelConfig, parts: Parts) -> None:
    """Raises UsageError where a part is given that the model has not."""
    lacks = set() if config.sees else {"seeing", "seeing_projector"}
    lacks |= {"hearing"} if config.hears == "nothing" else set()
    if needless := sorted(lacks & parts.given.keys()):
        raise UsageError(f"weights for {needless[0]} are given, but the model has no such part: leave them out")


@contextmanager
def _reading(part: PartName, folder: Path) -> Iterator[None]:
    """Within it, whatever is wrong with a folder is a PartError."""
    what, kinds = WHAT[part]
    try:
        with whole(folder, what):
            found = model_type(folder, what)
            if found not in kinds:
                raise ValueError(f"its model_type is {found}")
            yield
    except ModelError as problem:
        raise PartError(f"{problem.fault}: name a folder that save_pretrained has filled with one") from None


def _seeing(folder: Path) -> nn.Module:
    with _reading("seeing", folder):
        config = Siglip2VisionConfig.from_pretrained(folder, vision_use_head=False, local_files_only=True)
        found: nn.Module = read(Siglip2VisionModel, folder, config=config)
    return found


def _language(folder: Path) -> nn.Module:
    with _reading("language", folder):
        found: nn.Module = read(Qwen2ForCausalLM, folder)
        found.generation_config = GenerationConfig()  # a chat's own may punish repetition, as of "meters" in an answer
    return found


def _tokenizer(folder: Path) -> Any:
    with _reading("language", folder):
        tokenizer = tokenizer_of(folder)
        for needed in ("pad_token", "eos_token"):
            if getattr(tokenizer, needed) is None:
                raise ValueError(f"its tokenizer has no {needed}")
        if not tokenizer("a")["input_ids"]:  # made by the library where the folder has none
            raise ValueError("it has no tokenizer")
    return tokenizer


def _former_config(folder: Path) -> dict[str, Any]:
    with _reading("seeing_projector", folder):
        config = Blip2QFormerConfig.from_pretrained(folder, local_files_only=True)
    told: dict[str, Any] = {
        **config.to_diff_dict(),
        "cross_attention_frequency": config.cross_attention_frequency,
        "num_hidden_layers": min(FORMER_LAYERS, config.num_hidden_layers),
    }
    return {name: value for name, value in told.items() if name not in ("encoder_hidden_size", "vocab_size")}


def _fill_former(former: nn.Module, folder: Path) -> None:
    """Give a Q-Former the folder's weights. Where its encoder is of another width, it begins anew to look at it."""
    own = former.state_dict()
    found: dict[str, Tensor] = {}
    with _reading("seeing_projector", folder):
        for file in sorted(folder.glob("*.safetensors")):
            with safe_open(file, "pt") as weights:
                for name in weights.keys():  # noqa: SIM118 - it is no mapping
                    if (ours := re.sub(r"^(.*\.)?qformer\.", "", name)) in own:
                        found[ours] = weights.get_tensor(name)
        if missing := sorted(own.keys() - found.keys()):
            raise ValueError(f"it lacks {len(missing)} of its weights, {missing[0]} among them")
        looks = re.compile(r"\.crossattention\.attention\.(key|value)\.weight$")
        anew = [name for name in own if looks.search(name) and found[name].shape != own[name].shape]
        former.load_state_dict({**found, **{name: own[name] for name in anew}})


READERS: Mapping[PartName, Callable[[Path], nn.Module]] = MappingProxyType(
    {"seeing": _seeing, "language": _language, "hearing": load_bat}
)
