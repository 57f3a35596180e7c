"""Omni models of any size with random weights, in the real architecture and the real checkpoints' layout.

`write_qwen25` and `write_qwen3` write a folder as their makers publish it: config.json of the whole model, weights in
several safetensors files under the published names with parts that nobody here needs, tokenizer, preprocessor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    PreTrainedModel,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen3OmniMoeThinkerConfig,
    Qwen3OmniMoeThinkerForConditionalGeneration,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

# Qwen's added tokens in the order of their ids, the audio and image tokens under the names that each family gives them.
OMNI_25 = """
    <|endoftext|> <|im_start|> <|im_end|> <|AUDIO|> <|audio_bos|> <|audio_eos|> <|box_end|> <|quad_start|> <|quad_end|>
    <|vision_bos|> <|vision_eos|> <|vision_pad|> <|IMAGE|> <|VIDEO|> <tool_call> </tool_call> <|fim_prefix|>
    <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|>
"""
OMNI_3 = """
    <|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|>
    <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|> <tool_call>
    </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> <tool_response>
    </tool_response> <think> </think> <|audio_start|> <|audio_end|> <|audio_pad|>
"""
TEXT = [Path(__file__).read_text()] + [
    '{"audio_class": "dog_bark", "audio_confidence": 0.92, "description": "a brown dog at the left"}',
    '{"sources":[{"bbox_2d":[12,34,560,780],"point_2d":[100,200],"score":0.75}],"keep":true,"changed":false}',
    '{"av_consistency":0.5,"role_tags":["mouth","strings"],"anchor_votes":[{"anchor":"beak"}],"ops":null}',
]


@dataclass(frozen=True)
class Size:
    """How large a model is; `vocabulary` counts the tokens that are no special ones."""

    vocabulary: int = 700
    hidden: int = 64
    layers: int = 2
    heads: int = 4
    key_heads: int = 2
    feed_forward: int = 128
    tower_hidden: int = 32
    tower_layers: int = 2
    tower_heads: int = 2


def write_qwen25(
    folder: Path,
    size: Size = Size(),
    seed: int = 0,
    texts: Iterable[str] = TEXT,
    shapes: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Path:
    """A whole Qwen2.5-Omni checkpoint of that size; returns its folder.

    shapes: what goes beyond `size`, by the config of the part. device: where the weights are drawn.
    """
    ids = _write_tokenizer(folder, OMNI_25.split(), size.vocabulary, texts)
    vision = {"window_size": 112, "fullatt_block_indexes": [size.tower_layers - 1], "hidden_act": "silu"}
    config = Qwen2_5OmniThinkerConfig(
        text_config=_text(size, ids) | {"rope_parameters": _rope(size, (2, 3, 3))} | dict(shapes.get("text", {})),
        vision_config=_vision(size, 14) | vision | dict(shapes.get("vision", {})),
        audio_config=_audio(size) | {"n_window": 100} | dict(shapes.get("audio", {})),
        audio_token_index=ids["<|AUDIO|>"],
        image_token_index=ids["<|IMAGE|>"],
        video_token_index=ids["<|VIDEO|>"],
        audio_start_token_id=ids["<|audio_bos|>"],
        audio_end_token_id=ids["<|audio_eos|>"],
        vision_start_token_id=ids["<|vision_bos|>"],
        vision_end_token_id=ids["<|vision_eos|>"],
    )
    model = _random(Qwen2_5OmniThinkerForConditionalGeneration, config, seed, device, dtype)
    published = {_published_name(name): weight for name, weight in model.state_dict().items()}
    _write(folder, "qwen2_5_omni", "token2wav", config, published, patch=14)
    return folder


def write_qwen3(folder: Path, size: Size = Size(), seed: int = 0, texts: Iterable[str] = TEXT) -> Path:
    """A whole Qwen3-Omni checkpoint of that size, with four experts; returns its folder."""
    ids = _write_tokenizer(folder, OMNI_3.split(), size.vocabulary, texts)
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": size.feed_forward // 2}
    head = {"head_dim": size.hidden // size.heads}
    config = Qwen3OmniMoeThinkerConfig(
        text_config=_text(size, ids) | experts | head | {"rope_parameters": _rope(size, (4, 2, 2))},
        vision_config=_vision(size, 16)
        | {"deepstack_visual_indexes": [0], "num_position_embeddings": 64, "hidden_act": "gelu_pytorch_tanh"},
        audio_config=_audio(size) | {"n_window": 50, "n_window_infer": 800, "downsample_hidden_size": 8},
        audio_token_id=ids["<|audio_pad|>"],
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        audio_start_token_id=ids["<|audio_start|>"],
        audio_end_token_id=ids["<|audio_end|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    model = _random(Qwen3OmniMoeThinkerForConditionalGeneration, config, seed)
    published: dict[str, torch.Tensor] = {}
    for inner, weight in model.state_dict().items():
        name = _published_name(inner)
        if name.endswith("experts.gate_up_proj"):  # published one expert at a time
            for i, (gate, up) in enumerate(expert.chunk(2) for expert in weight):
                published[name.replace("gate_up_proj", f"{i}.gate_proj.weight")] = gate
                published[name.replace("gate_up_proj", f"{i}.up_proj.weight")] = up
        elif name.endswith("experts.down_proj"):
            for i, expert in enumerate(weight):
                published[name.replace("down_proj", f"{i}.down_proj.weight")] = expert
        else:
            published[name] = weight
    _write(folder, "qwen3_omni_moe", "code2wav", config, published, patch=16)
    return folder


def _published_name(name: str) -> str:
    for here, there in (
        ("model.language_model.", "model."),
        ("model.audio_tower.", "audio_tower."),
        ("model.visual.", "visual."),
    ):
        if name.startswith(here):
            return "thinker." + there + name.removeprefix(here)
    return "thinker." + name


def _text(size: Size, ids: dict[str, int]) -> dict[str, Any]:
    return {
        # As published, the vocabulary is rounded up: the last ids belong to no token.
        "vocab_size": (len(ids) + 127) // 128 * 128,
        "hidden_size": size.hidden,
        "intermediate_size": size.feed_forward,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.key_heads,
        "tie_word_embeddings": False,
    }


def _rope(size: Size, shares: Sequence[int]) -> dict[str, Any]:
    half = size.hidden // size.heads // 2
    return {
        "rope_type": "default",
        "rope_theta": 1_000_000.0,
        "mrope_section": [share * half // sum(shares) for share in shares],
    }


def _vision(size: Size, patch: int) -> dict[str, Any]:
    return {
        "depth": size.tower_layers,
        "hidden_size": size.tower_hidden,
        "intermediate_size": 2 * size.tower_hidden,
        "num_heads": size.tower_heads,
        "out_hidden_size": size.hidden,
        "patch_size": patch,
    }


def _audio(size: Size) -> dict[str, Any]:
    return {
        "encoder_layers": size.tower_layers,
        "encoder_attention_heads": size.tower_heads,
        "encoder_ffn_dim": 2 * size.tower_hidden,
        "d_model": size.tower_hidden,
        "output_dim": size.hidden,
    }


def _random(
    kind: type[PreTrainedModel], config: Any, seed: int, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> PreTrainedModel:
    """Weights that keep the size of what passes through them, so that every input reaches the logits."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = kind(config)
    finally:
        torch.set_default_dtype(usual)
    generator = torch.Generator(device).manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, weight[0].numel() ** -0.5, generator=generator)
        model.get_input_embeddings().weight.normal_(0, 1, generator=generator)
    return model


def _write_tokenizer(folder: Path, added: Sequence[str], vocabulary: int, texts: Iterable[str]) -> dict[str, int]:
    """A byte-level BPE tokenizer as Qwen's, learned from the texts; returns every token's id."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    # As published: those without bars count as text.
    tokenizer.add_tokens([AddedToken(token, special="|" in token, normalized=False) for token in added])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 32768,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokenizer.get_vocab()


def _write(folder: Path, kind: str, vocoder: str, thinker: Any, weights: dict[str, torch.Tensor], patch: int) -> None:
    config = {
        "model_type": kind,
        "dtype": str(next(iter(weights.values())).dtype).removeprefix("torch."),
        "enable_audio_output": True,
        "thinker_config": thinker.to_dict(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    preprocessor = {  # one file for both processors, as published
        "chunk_length": 300,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 128,
        "hop_length": 160,
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "Qwen2VLImageProcessor",
        "image_std": [0.5, 0.5, 0.5],
        "max_pixels": 12845056,
        "merge_size": 2,
        "min_pixels": 3136,
        "n_fft": 400,
        "n_samples": 4800000,
        "nb_max_frames": 30000,
        "padding_side": "right",
        "padding_value": 0.0,
        "patch_size": patch,
        "return_attention_mask": True,
        "sampling_rate": 16000,
        "temporal_patch_size": 2,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    weights |= {"talker.codec_head.weight": torch.zeros(8, 4), f"{vocoder}.code_embed.weight": torch.zeros(8, 4)}
    names = sorted(weights)
    files = [names[: len(names) // 2], names[len(names) // 2 :]]
    index: dict[str, str] = {}
    for number, held in enumerate(files, start=1):
        file = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        save_file({name: weights[name].contiguous().clone() for name in held}, folder / file, {"format": "pt"})
        index |= dict.fromkeys(held, file)
    size = sum(weight.numel() * weight.element_size() for weight in weights.values())
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": index})
    )
