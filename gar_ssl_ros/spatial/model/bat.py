"""Published weights of Spatial-AST (BAT), from a checkpoint of the user's own: not shipped, and not for commerce."""

from __future__ import annotations

import re
import zipfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from gar_ssl_ros.errors import UserError, misfit, sentence, shortened
from gar_ssl_ros.spatial.model.hearing_options import SpatialAstConfig
from gar_ssl_ros.spatial.model.spatial_ast import SpatialAst

HEAD_WIDTH = 64  # of an attention head, which no weight's shape tells: 12 in a width of 768
# Our names, as patterns, and the published ones.
NAMES = (
    (r"^log_mel_norm\.", "bn."),
    (r"^fuse\.", "conv_downsample."),
    (r"^embed\.", "patch_embed.proj."),
    (r"^own_tokens$", "cls_tokens"),
    (r"^positions$", "pos_embed"),
    (r"\.self_attn\.in_proj_", ".attn.qkv."),
    (r"\.self_attn\.out_proj\.", ".attn.proj."),
    (r"\.linear1\.", ".mlp.fc1."),
    (r"\.linear2\.", ".mlp.fc2."),
    (r"^distance_norm\.", "dis_norm."),
    (r"^direction_norm\.", "doa_norm."),
    (r"^class_norm\.", "fc_norm."),
    (r"^class_head\.", "head."),
)


class BatWeightsError(UserError):
    """A file that holds no weights of Spatial-AST: one sentence that names it and says what to do."""

    def __init__(self, path: Path, problem: str) -> None:
        remedy = "name the checkpoint (.pth) of Spatial-AST that BAT's authors publish"
        super().__init__(f"{path} cannot be used as Spatial-AST's weights ({shortened(problem, 200)}): {remedy}")


def load_bat(path: Path) -> SpatialAst:
    """In eval mode, on the CPU; its sizes are those of the weights. Raises BatWeightsError."""
    published = _published(path)
    try:
        network = SpatialAst(_config(published))
        weights = {name: _weights(published, name) for name in network.state_dict()}
    except KeyError as missing:
        raise BatWeightsError(path, f"it lacks {missing.args[0]}") from None
    except ValidationError as problem:
        raise BatWeightsError(path, misfit(problem, "its sizes")) from None
    except (ArithmeticError, IndexError, TypeError, ValueError):
        raise BatWeightsError(path, "its weights are not of the published shapes") from None
    for name, own in network.state_dict().items():
        if weights[name].shape != own.shape:
            shapes = f"{tuple(weights[name].shape)}, not {tuple(own.shape)}"
            raise BatWeightsError(path, f"{published_name(name)} is of the shape {shapes}")
    network.load_state_dict(weights)
    network.eval()
    return network


def published_name(name: str) -> str:
    """What the published code calls one of our weights."""
    for ours, theirs in NAMES:
        name = re.sub(ours, theirs, name)
    return name


def _weights(published: Mapping[str, Tensor], name: str) -> Tensor:
    """Ours of that name. Raises KeyError."""
    weights = published[published_name(name)]
    return weights[:, 1:] if name == "positions" else weights  # the first position is of a token that it has no more


def _published(path: Path) -> Mapping[str, Tensor]:
    """By the published names. The file may hold the optimizer and the training's arguments, too."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise BatWeightsError(path, "it is no PyTorch checkpoint, or cut short")
        with safe_globals([Namespace]):
            wanted = get_unsafe_globals_in_checkpoint(path)
            if wanted:
                raise BatWeightsError(path, f"it wants to run code, which is not allowed: {', '.join(sorted(wanted))}")
            checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except OSError as problem:
        raise BatWeightsError(path, problem.strerror or str(problem)) from None
    except BatWeightsError:
        raise
    except Exception as problem:  # of nearly any type, where the file is damaged
        raise BatWeightsError(path, f"it is damaged: {sentence(problem)}") from None
    model = checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not isinstance(model, dict) or not all(isinstance(one, Tensor) for one in model.values()):
        raise BatWeightsError(path, "it holds no weights under the name model")
    return model


def _config(published: Mapping[str, Tensor]) -> SpatialAstConfig:
    """That the shapes tell; the rest as published. Raises KeyError, pydantic.ValidationError, ValueError."""
    width, _, patch, _ = published["patch_embed.proj.weight"].shape
    spectrum, mels = published["logmel_extractor.melW"].shape
    patches = published["pos_embed"].shape[1] - 1
    return SpatialAstConfig(
        n_fft=2 * (spectrum - 1),
        mels=mels,
        frames=patches * patch // max(1, mels // patch),
        patch=patch,
        width=width,
        depth=len({name.split(".")[1] for name in published if name.startswith("blocks.")}),
        heads=max(1, width // HEAD_WIDTH),
        mlp_ratio=published["blocks.0.mlp.fc1.weight"].shape[0] / width,
        classes=len(published["head.weight"]),
        distances=len(published["distance_head.weight"]),
        azimuths=len(published["azimuth_head.weight"]),
        elevations=len(published["elevation_head.weight"]),
    )
