"""From a folder or hub id to a runtime that has answered once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from safetensors import SafetensorError
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3OmniMoeThinkerConfig,
    Qwen3OmniMoeThinkerForConditionalGeneration,
)
from transformers.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

from gar_ssl_ros.reasoners.omni import memory
from gar_ssl_ros.reasoners.omni.checkpoint import Checkpoint, open_checkpoint
from gar_ssl_ros.reasoners.omni.media import Processors
from gar_ssl_ros.reasoners.omni.quantization import quantization
from gar_ssl_ros.reasoners.omni.runtime import OmniRuntime
from gar_ssl_ros.reasoners.omni.thinker import Thinker
from gar_ssl_ros.reasoners.options import LoadOptions
from gar_ssl_ros.reasoners.prompted.description import CheckpointDescription, describe
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

THINKERS: dict[str, tuple[type[PreTrainedConfig], type[PreTrainedModel]]] = {
    "qwen2_5_omni": (Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration),
    "qwen3_omni_moe": (Qwen3OmniMoeThinkerConfig, Qwen3OmniMoeThinkerForConditionalGeneration),
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is to be loaded, how and where. need: what that takes; free: bytes that are there for it."""

    checkpoint: Checkpoint
    description: CheckpointDescription
    options: LoadOptions
    device: torch.device
    dtype: torch.dtype
    need: memory.Need
    free: int


def plan(model: str, options: LoadOptions) -> Plan:
    """How the model of a folder or hub id would be loaded. Raises ModelError where it cannot be, or does not fit."""
    checkpoint = open_checkpoint(model)
    description = describe(checkpoint.config)
    if description is None:
        raise ModelError(f"{model} fits none of the descriptions in gar_ssl_ros/reasoners/prompted/models: add one")
    if options.least_pixels:
        most = max(description.most_pixels, options.least_pixels)
        description = description.model_copy(update={"least_pixels": options.least_pixels, "most_pixels": most})
    device = _device(options)
    if options.compile and (device.type == "cpu" or options.device == "balanced"):
        where = "a CPU" if device.type == "cpu" else "several GPUs"
        raise ModelError(f"compile records the model's steps as CUDA graphs of one GPU, not of {where}: leave it out")
    dtype = _dtype(options, device)
    free = _free(options, device)
    need = memory.check(checkpoint, description, options, dtype.itemsize, device.type == "cuda", free)
    return Plan(checkpoint, description, options, device, dtype, need, free)


def load_runtime(model: str, options: LoadOptions) -> OmniRuntime:
    """The model of a folder or hub id, warmed up. Raises ModelError."""
    planned = plan(model, options)
    checkpoint, description, device = planned.checkpoint, planned.description, planned.device
    logger.info("%s takes about %.1f GiB on %s", model, planned.need.total / memory.GIB, device)
    try:
        with _progress():
            module = _module(planned)
        tokenizer = Qwen2Tokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
        processors = Processors(checkpoint.folder, description)
    except torch.OutOfMemoryError:
        raise ModelError(f"{model} does not fit on {device}: quantise it, or use a smaller model") from None
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as problem:
        told = " ".join(str(problem).split())
        raise ModelError(f"{model} cannot be loaded ({type(problem).__name__}: {told[:300]})") from problem
    thinker = Thinker(module, fixed=options.compile)
    runtime = OmniRuntime(model, description, thinker, tokenizer, processors, _ends(module, tokenizer))
    runtime.warm_up()
    return runtime


@contextmanager
def _progress() -> Iterator[None]:
    """A bar while the weights are read, where someone is watching."""
    shown = is_progress_bar_enabled()
    if not sys.stderr.isatty():
        disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            enable_progress_bar()


def _module(planned: Plan) -> PreTrainedModel:
    checkpoint, options, dtype = planned.checkpoint, planned.options, planned.dtype
    config_type, kind = THINKERS[checkpoint.config["model_type"].removesuffix("_thinker")]
    towers = {"vision_config": options.attention, "audio_config": options.attention}
    language = "sdpa" if options.attention == "flash_attention_2" else options.attention
    module, found = kind.from_pretrained(
        checkpoint.folder,
        config=config_type.from_dict(checkpoint.thinker_config),
        dtype=dtype,
        device_map="balanced" if options.device == "balanced" else {"": planned.device},
        attn_implementation={"": language, "text_config": language, **towers},
        quantization_config=quantization(options.quantization, planned.device, dtype, planned.description.unquantized),
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelError(
            f"{checkpoint.name} lacks {len(missing)} of its weights ({missing[0]} and so on): use a whole checkpoint"
        )
    module.requires_grad_(False)
    return module


def _device(options: LoadOptions) -> torch.device:
    if options.device == "cpu" or (options.device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ModelError(f"device is {options.device}, and torch finds no GPU here: choose cpu, or mend the driver")
    name = "cuda:0" if options.device in ("auto", "balanced", "cuda") else options.device
    if int(name.partition(":")[2]) >= torch.cuda.device_count():
        raise ModelError(f"device is {name}, and there are {torch.cuda.device_count()} GPUs: cuda:0 is the first")
    return torch.device(name)


def _dtype(options: LoadOptions, device: torch.device) -> torch.dtype:
    if options.dtype != "auto":
        return getattr(torch, options.dtype)
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _free(options: LoadOptions, device: torch.device) -> int:
    """Bytes."""
    if device.type == "cpu":
        return int(psutil.virtual_memory().available)
    devices = range(torch.cuda.device_count()) if options.device == "balanced" else [device]
    return sum(torch.cuda.mem_get_info(each)[0] for each in devices)


def _ends(module: PreTrainedModel, tokenizer: Qwen2Tokenizer) -> list[int]:
    """The tokens that end a reply: the tokenizer's, and those that the checkpoint generates until."""
    told: Any = module.generation_config.eos_token_id if module.generation_config is not None else None
    told = told if isinstance(told, list) else [told]
    return sorted({token for token in (*told, tokenizer.eos_token_id) if token is not None})
