"""What a model takes in memory, estimated from what its files say before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gar_ssl_ros.reasoners.omni.checkpoint import Checkpoint, Weight
from gar_ssl_ros.reasoners.options import LoadOptions, Quantization
from gar_ssl_ros.reasoners.prompted.description import CheckpointDescription
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

GIB = 1 << 30
BYTES_A_NUMBER = {"nf4": 0.53, "int8": 1.01, "int4": 0.5}  # bytes a number takes, of bitsandbytes' with its scales
INT4_GROUP = 64  # numbers that share a scale and a zero in int4; a layer whose inputs are no multiple of it stays whole
INT4_INPUTS, INT4_OUTPUTS = 1024, 8  # what a layer's are rounded up to on a GPU, for the kernel's tiles
LIBRARIES_BYTES = 0.6 * GIB  # what CUDA and its libraries take of a GPU
OTHER_TOKENS = 4096  # 25 for each of the 60 s that a window may have, and what is left for questions and replies
MAX_REPLIES = 16  # replies at once, likewise
LOGIT_BYTES = 9 * 4  # bytes a logit takes while tokens are drawn: 8.8 copies of it in float32, measured on a CPU
RECORDED_BYTES = 0.5 * GIB  # an allowance for recorded steps, which nobody has measured yet
MEMORY_MARGIN = 1.1


@dataclass(frozen=True)
class Need:
    """Bytes: of the weights once loaded, and of all that a window adds."""

    weights: int
    working: int

    @property
    def total(self) -> int:
        """Bytes."""
        return self.weights + self.working


def need(
    checkpoint: Checkpoint, description: CheckpointDescription, options: LoadOptions, width: int, gpu: bool
) -> Need:
    """What it takes loaded that way; `width`: bytes of a number that is not quantised."""
    weights = sum(_loaded(weight, description, options.quantization, width, gpu) for weight in checkpoint.weights)
    beside = LIBRARIES_BYTES * gpu + RECORDED_BYTES * options.compile
    return Need(round(weights), round(MEMORY_MARGIN * _working(checkpoint, description, width) + beside))


def check(
    checkpoint: Checkpoint, description: CheckpointDescription, options: LoadOptions, width: int, gpu: bool, free: int
) -> Need:
    """What it takes. Raises ModelError where that is more than `free` bytes, naming what would fit."""
    wanted = need(checkpoint, description, options, width, gpu)
    if wanted.total <= free:
        return wanted
    raise ModelError(
        f"{checkpoint.name} needs about {wanted.total / GIB:.1f} GiB ({wanted.weights / GIB:.1f} GiB of weights), and "
        f"{free / GIB:.1f} GiB are free on the {'GPU' if gpu else 'machine'}: "
        + (" or ".join(_fitting(checkpoint, description, options, width, gpu, free)) or "use a smaller model")
    )


def _fitting(
    checkpoint: Checkpoint, description: CheckpointDescription, options: LoadOptions, width: int, gpu: bool, free: int
) -> Iterator[str]:
    if not gpu or "quantization_config" in checkpoint.thinker_config:
        return
    for quantization in ("int8", "int4", "nf4"):
        other = need(checkpoint, description, replace(options, quantization=quantization), width, gpu)
        if other.total <= free:
            yield f"quantise it to {quantization} ({other.total / GIB:.1f} GiB)"


def _loaded(
    weight: Weight, description: CheckpointDescription, quantization: Quantization, width: int, gpu: bool
) -> float:
    if not weight.dtype.startswith(("F", "BF")):
        return weight.bytes  # quantised already
    name = weight.name.removeprefix("thinker.").removeprefix("model.")
    kept = tuple(module.removeprefix("model.") for module in description.unquantized)
    # Experts are one tensor once loaded, not the linear layers that quantisers know.
    linear = len(weight.shape) == 2 and "embed_tokens" not in name and ".experts." not in name
    if quantization == "none" or not linear or name.startswith(kept):
        return weight.count * width
    if quantization != "int4":
        return weight.count * BYTES_A_NUMBER[quantization]
    outputs, inputs = weight.shape
    if inputs % INT4_GROUP:
        return weight.count * width
    if gpu:
        outputs, inputs = -(-outputs // INT4_OUTPUTS) * INT4_OUTPUTS, -(-inputs // INT4_INPUTS) * INT4_INPUTS
    return outputs * inputs * (BYTES_A_NUMBER["int4"] + 2 * width / INT4_GROUP)


def _working(checkpoint: Checkpoint, description: CheckpointDescription, width: int) -> float:
    """The cache, whose room may be twice what it holds, the widest layer of a prefill, the logits, the vision tower."""
    thinker = checkpoint.thinker_config
    text, vision = thinker["text_config"], thinker["vision_config"]
    image = description.most_pixels // description.multiple**2
    tokens = image + OTHER_TOKENS
    head = text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]
    cache = 2 * 2 * text["num_hidden_layers"] * text["num_key_value_heads"] * head * tokens * width
    layer = tokens * (2 * text["intermediate_size"] + 8 * text["hidden_size"]) * width
    mask = tokens * tokens * (width + 1)
    logits = MAX_REPLIES * text["vocab_size"] * LOGIT_BYTES
    tower = 4 * image * (2 * vision["intermediate_size"] + 8 * vision["hidden_size"]) * width
    return float(cache + max(layer + mask, tower) + logits)
