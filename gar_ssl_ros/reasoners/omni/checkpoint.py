"""A model's folder looked over before anything of it is loaded: whether it is whole, and what it weighs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    if not (folder / "tokenizer.json").is_file() and not (folder / "vocab.json").is_file():
        raise ModelError(f"{model} has no tokenizer.json: {_resume(model)}")
    if not any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        raise ModelError(f"{model} has no preprocessor_config.json: {_resume(model)}")
    files = _weight_files(model, folder)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{model} is half a download: {missing[0]}{more} missing; {_resume(model)}")
    weights = tuple(weight for file in files for weight in _weights(model, file) if not weight.name.startswith(UNUSED))
    return Checkpoint(model, folder, config, weights)


def _weight_files(model: str, folder: Path) -> list[Path]:
    if (folder / INDEX).is_file():
        return [folder / name for name in sorted(set(_json(model, folder / INDEX).get("weight_map", {}).values()))]
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if list(folder.glob("*.bin")) or list(folder.glob("*.pt")):
        raise ModelError(
            f"{model} has pickled weights alone, which can run code when they are loaded: convert them to safetensors"
        )
    raise ModelError(f"{model} holds no weights (*.safetensors): {_resume(model)}")


def _weights(model: str, file: Path) -> Iterator[Weight]:
    """What a safetensors file says that it holds (github.com/huggingface/safetensors, format)."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(length) if length <= LONGEST_HEADER else b""
    try:
        described = json.loads(header)
        end = max((entry["data_offsets"][1] for name, entry in described.items() if name != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(
            f"{model}: {file.name} is no safetensors file, or only its beginning: {_resume(model)}"
        ) from None
    if 8 + length + end > file.stat().st_size:
        raise ModelError(f"{model}: {file.name} ends before its weights do: {_resume(model)}")
    for name, entry in described.items():
        if name != "__metadata__":
            yield Weight(name, entry["dtype"], tuple(entry["shape"]))


def _json(model: str, path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ModelError(f"{model} has no {path.name} that can be read: give the folder of a whole model") from None
    except ValueError:
        raise ModelError(f"{model}: {path.name} is no JSON: {_resume(model)}") from None
    if not isinstance(read, dict):
        raise ModelError(f"{model}: {path.name} is no JSON object: {_resume(model)}")
    return read


def _resume(model: str) -> str:
    what = model if HUB_ID.fullmatch(model) else f"ID --local-dir {model}"
    return f"fetch it again with `hf download {what}`, which goes on where it stopped"
