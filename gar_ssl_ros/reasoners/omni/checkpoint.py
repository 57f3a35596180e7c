"""A model's folder looked over before anything of it is loaded: whether it is whole, and what it weighs."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, PositiveInt, TypeAdapter, ValidationError

from gar_ssl_ros.errors import misfit
from gar_ssl_ros.files import open_file, read_text
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
SUPPORTED = ("qwen2_5_omni", "qwen2_5_omni_thinker", "qwen3_omni_moe", "qwen3_omni_moe_thinker")
UNUSED = ("talker.", "token2wav.", "code2wav.")  # they speak, which nobody asks for
INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
WANTED = ("*.safetensors", "*.json", "*.txt")  # of a repository on the hub
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


@dataclass(frozen=True)
class Weight:
    """A tensor as its file describes it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """As stored."""
        return self.count * BYTES.get(self.dtype, 1)


@dataclass(frozen=True)
class Checkpoint:
    """A whole one. name: as it was asked for. config: its config.json. weights: of the Thinker."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    weights: tuple[Weight, ...]

    @property
    def thinker_config(self) -> dict[str, Any]:
        """The Thinker's part of config.json, with the quantisation, which is told of the whole model."""
        thinker = dict(self.config.get("thinker_config") or self.config)
        if "quantization_config" in self.config:
            thinker.setdefault("quantization_config", self.config["quantization_config"])
        return thinker


def folder_checkpoint(model: str) -> Checkpoint | None:
    """The checkpoint of a folder; None where there is no such folder, and the cache may have it. Raises ModelError."""
    folder = Path(model).expanduser()
    if folder.exists():
        return _checked(model, folder)
    if not HUB_ID.fullmatch(model):
        raise ModelError(
            f"there is no folder {model}: give the folder of a model, or the id of one that was fetched, such as "
            "Qwen/Qwen2.5-Omni-3B"
        )
    return None


def open_checkpoint(model: str) -> Checkpoint:
    """The checkpoint of a folder, or of a hub id whose files are in the cache. Never fetches. Raises ModelError."""
    found = folder_checkpoint(model)
    return _checked(model, _cached(model)) if found is None else found


def _cached(model: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # a folder is looked at without it

    try:
        return Path(snapshot_download(model, local_files_only=True, allow_patterns=list(WANTED)))
    except Exception:  # of many types, all of which say that it is not there
        raise ModelError(
            f"{model} is no folder, and not in the hub's cache: fetch it with `hf download {model}`, or give a folder"
        ) from None


def _checked(model: str, folder: Path) -> Checkpoint:
    config = _json(model, folder / "config.json")
    kind = config.get("model_type")
    if "auto_map" in config:
        raise ModelError(
            f"{model} brings code of its own (auto_map in config.json), which is never run: use the model as "
            "its makers publish it"
        )
    if kind not in SUPPORTED:
        raise ModelError(f"{model} is a {kind or 'nameless'} model: only Qwen2.5-Omni and Qwen3-Omni are supported")
    try:
        _Config.model_validate(config)
        _Thinker.model_validate(config.get("thinker_config") or config)
    except ValidationError as problem:
        raise ModelError(
            f"{model}: config.json does not describe the model ({misfit(problem)}): {_resume(model)}"
        ) from None
    if not (folder / "tokenizer.json").is_file() and not (folder / "vocab.json").is_file():
        raise ModelError(f"{model} has no tokenizer.json: {_resume(model)}")
    if not any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        raise ModelError(f"{model} has no preprocessor_config.json: {_resume(model)}")
    files = _weight_files(model, folder)
    missing = [file.name for file in files if not file.exists()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{model} is half a download: {missing[0]}{more} missing; {_resume(model)}")
    weights = tuple(weight for file in files for weight in _weights(model, file) if not weight.name.startswith(UNUSED))
    return Checkpoint(model, folder, config, weights)


def _weight_files(model: str, folder: Path) -> list[Path]:
    if (folder / INDEX).exists():
        try:
            index = _Index.model_validate(_json(model, folder / INDEX))
        except ValidationError as problem:
            raise ModelError(f"{model}: {INDEX} tells no files ({misfit(problem)}): {_resume(model)}") from None
        names = sorted(set(index.weight_map.values()))
        strange = [name for name in names if Path(name).name != name]
        if strange:
            raise ModelError(f"{model}: {INDEX} names {strange[0]!r}, which is no file in it: {_resume(model)}")
        return [folder / name for name in names]
    if (folder / SINGLE).exists():
        return [folder / SINGLE]
    if list(folder.glob("*.bin")) or list(folder.glob("*.pt")):
        raise ModelError(
            f"{model} has pickled weights alone, which can run code when they are loaded: convert them to safetensors"
        )
    raise ModelError(f"{model} holds no weights (*.safetensors): {_resume(model)}")


def _weights(model: str, file: Path) -> Iterator[Weight]:
    """What a safetensors file says that it holds (github.com/huggingface/safetensors, format)."""
    try:
        with open_file(file) as stream:
            size = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            header = stream.read(length) if length <= min(LONGEST_HEADER, size) else b""
    except OSError as problem:
        raise ModelError(f"{model}: {file.name} cannot be read ({problem.strerror}): {_resume(model)}") from None
    try:
        described = HEADER.validate_json(header)
    except ValidationError as problem:
        raise ModelError(
            f"{model}: {file.name} is no safetensors file, or only its beginning ({misfit(problem)}): {_resume(model)}"
        ) from None
    described.pop("__metadata__", None)
    tensors = {name: entry for name, entry in described.items() if isinstance(entry, _Tensor)}
    if len(tensors) < len(described):
        raise ModelError(f"{model}: {file.name} holds something that is no tensor: {_resume(model)}")
    if 8 + length + max((entry.data_offsets[1] for entry in tensors.values()), default=0) > size:
        raise ModelError(f"{model}: {file.name} ends before its weights do: {_resume(model)}")
    for name, entry in tensors.items():
        yield Weight(name, entry.dtype, entry.shape)


class _Config(BaseModel):
    """What is read of config.json beside the Thinker's part."""

    thinker_config: dict[str, Any] | None = None
    quantization_config: dict[str, Any] | None = None


class _Text(BaseModel):
    hidden_size: PositiveInt
    num_hidden_layers: PositiveInt
    num_attention_heads: PositiveInt
    num_key_value_heads: PositiveInt
    intermediate_size: PositiveInt
    vocab_size: PositiveInt
    head_dim: PositiveInt | None = None


class _Vision(BaseModel):
    hidden_size: PositiveInt
    intermediate_size: PositiveInt


class _Thinker(BaseModel):
    """What is read of the Thinker's part."""

    text_config: _Text
    vision_config: _Vision
    quantization_config: dict[str, Any] | None = None


class _Tensor(BaseModel):
    """An entry of a safetensors file's header."""

    dtype: str
    shape: tuple[Annotated[int, Field(ge=0, le=2**40)], ...] = Field(max_length=16)
    data_offsets: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


class _Index(BaseModel):
    """Which file holds which weight."""

    weight_map: dict[str, Annotated[str, Field(min_length=1)]] = Field(min_length=1)


HEADER = TypeAdapter(dict[str, _Tensor | dict[str, str]])


def _json(model: str, path: Path) -> dict[str, Any]:
    try:
        read = json.loads(read_text(path))
    except OSError as problem:
        raise ModelError(
            f"{model} has no {path.name} that can be read ({problem.strerror}): give the folder of a whole model"
        ) from None
    except (ValueError, RecursionError):
        raise ModelError(f"{model}: {path.name} is no JSON: {_resume(model)}") from None
    if not isinstance(read, dict):
        raise ModelError(f"{model}: {path.name} is no JSON object: {_resume(model)}")
    return read


def _resume(model: str) -> str:
    what = model if HUB_ID.fullmatch(model) else f"ID --local-dir {model}"
    return f"fetch it again with `hf download {what}`, which goes on where it stopped"
