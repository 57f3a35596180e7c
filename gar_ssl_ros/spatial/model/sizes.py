"""The sizes that a model comes in: tiny for a CPU, small for one GPU, and the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gar_ssl_ros.spatial.model.hearing_options import SpatialAstConfig
from gar_ssl_ros.spatial.model.options import Hears, ModelConfig, Size

LORA_RANK = 16  # the paper's
# SigLIP 2's NaFlex encoders of patches of 16: base, and the "shape optimised" one of 400 million weights.
BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
# Qwen2-0.5B-Instruct and Qwen2-7B-Instruct.
ROPE = {"rope_type": "default", "rope_theta": 1_000_000.0}
QWEN = {"rms_norm_eps": 1e-6, "rope_parameters": ROPE}
HALF_B = {
    **QWEN,
    "vocab_size": 151936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}
SEVEN_B = {
    **QWEN,
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
}
# Two layers of BLIP-2's Q-Former.
FORMER = {"hidden_size": 768, "num_hidden_layers": 2, "num_attention_heads": 12, "intermediate_size": 3072}
TINY_FORMER = {
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 384,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "initializer_range": 0.1,  # 1 / sqrt(width): from weights as small as a large one's a narrow one learns little
}
TINY: Mapping[str, Any] = MappingProxyType(
    {
        "hearing": {
            "rate": 16_000,
            "seconds": 1.0,
            "n_fft": 512,
            "hop": 160,
            "mels": 64,
            "high": 7_000.0,
            "frames": 96,
            "fuse": False,
            "phase_gain": 31.25,
            "width": 96,
            "depth": 3,
            "heads": 4,
            "drop_path": 0.0,
        },
        "seeing": {
            "hidden_size": 96,
            "intermediate_size": 384,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "patch_size": 16,
            "num_patches": 26 * 26,
        },
        "patches": (7, 26),
        "hearing_projector": {"queries": 6, "network": TINY_FORMER},
        "seeing_projector": {"queries": 20, "network": TINY_FORMER, "sight": 38.0},
        "language": {
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
            "max_position_embeddings": 1024,
            "rope_parameters": ROPE,  # a thing is found by what it is like, wherever its token stands
            "initializer_range": 0.08,
        },
    }
)
LARGE: Mapping[str, Any] = MappingProxyType(
    {
        "hearing": {},  # BAT's
        "patches": (14, 51),  # of 812 x 224 pixels
        "hearing_projector": {"queries": 64, "network": FORMER},
        "seeing_projector": {"queries": 128, "network": FORMER},
        "rank": LORA_RANK,
    }
)
SIZES: Mapping[Size, Mapping[str, Any]] = MappingProxyType(
    {
        "tiny": TINY,
        "small": {**LARGE, "seeing": {**BASE, "patch_size": 16, "num_patches": 256}, "language": HALF_B},
        "paper": {**LARGE, "seeing": {**SO400M, "patch_size": 16, "num_patches": 256}, "language": SEVEN_B},
    }
)


def config_of(
    size: Size, classes: Sequence[str], hears: Hears, sees: bool, vocabulary: int | None = None
) -> ModelConfig:
    """vocabulary: tokens of the language model; of its size where None."""
    parts = dict(SIZES[size])
    parts["hearing"] = SpatialAstConfig(**{**parts["hearing"], "classes": len(classes)})
    if vocabulary is not None:
        parts["language"] = {**parts["language"], "vocab_size": vocabulary}
    return ModelConfig(size=size, hears=hears, sees=sees, classes=tuple(classes), **parts)
