"""Detectors and taggers of the transformers library of tiny size with random weights, saved as real ones are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from tokenizers import pre_tokenizers
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    BertTokenizer,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2Processor,
    RobertaTokenizer,
    RTDetrConfig,
    RTDetrForObjectDetection,
    YolosConfig,
    YolosForObjectDetection,
)
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil
from transformers.models.rt_detr.image_processing_pil_rt_detr import RTDetrImageProcessorPil
from transformers.models.yolos.image_processing_pil_yolos import YolosImageProcessorPil

KINDS = ("Human face", "Acoustic guitar", "dog", "spaceship")


def _small(**more: object) -> dict[str, object]:
    """What most of their configs have."""
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return {**size, **more}


def _labels(kinds: Sequence[str]) -> dict[str, object]:
    return {"id2label": dict(enumerate(kinds)), "label2id": {kind: i for i, kind in enumerate(kinds)}}


def yolos(folder: Path, kinds: Sequence[str] = KINDS) -> None:
    config = YolosConfig(image_size=[64, 64], patch_size=16, num_detection_tokens=8, **_small(), **_labels(kinds))
    YolosForObjectDetection(config).save_pretrained(folder)
    YolosImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def rt_detr(folder: Path, kinds: Sequence[str] = KINDS) -> None:
    backbone = {"model_type": "rt_detr_resnet", "embedding_size": 8, "hidden_sizes": [8, 8, 8, 8], "depths": [1] * 4}
    backbone |= {"layer_type": "basic", "out_features": ["stage2", "stage3", "stage4"]}
    config = RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 8, 8], encoder_ffn_dim=16,
        encoder_attention_heads=2, d_model=16, num_queries=8, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16,
        decoder_layers=1, decoder_attention_heads=2, num_denoising=0, **_labels(kinds),
    )  # fmt: skip
    RTDetrForObjectDetection(config).save_pretrained(folder)
    RTDetrImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def owlv2(folder: Path, kinds: Sequence[str] = ()) -> None:
    text = _small(vocab_size=300, max_position_embeddings=16, bos_token_id=298, eos_token_id=299, pad_token_id=0)
    vision = _small(image_size=64, patch_size=16)
    config = Owlv2Config(text_config=text, vision_config=vision, projection_dim=16)
    Owlv2ForObjectDetection(config).save_pretrained(folder)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*letters, "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={one: i for i, one in enumerate(names)}, merges=[], model_max_length=16)
    image = Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    Owlv2Processor(image_processor=image, tokenizer=tokenizer).save_pretrained(folder)


def grounding_dino(folder: Path, kinds: Sequence[str] = ()) -> None:
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "a", "harp", "axe", "person"]
    tokenizer = BertTokenizer(vocab={name: i for i, name in enumerate(names)}, model_max_length=64)
    text = {"model_type": "bert", "vocab_size": len(names), **_small()}
    backbone = {"model_type": "swin", "image_size": 64, "embed_dim": 8, "depths": [1] * 4, "num_heads": [1, 1, 2, 2],
                "window_size": 4, "out_features": ["stage2", "stage3", "stage4"]}  # fmt: skip
    config = GroundingDinoConfig(
        text_config=text, backbone_config=backbone, d_model=32, num_queries=8, encoder_layers=1, decoder_layers=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2, max_text_len=64,
        num_feature_levels=4,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    image = GroundingDinoImageProcessorPil(size={"shortest_edge": 128, "longest_edge": 192})
    GroundingDinoProcessor(image, tokenizer).save_pretrained(folder)


def ast(folder: Path, kinds: Sequence[str]) -> None:
    config = ASTConfig(max_length=128, num_mel_bins=32, **_small(), **_labels(kinds))
    ASTForAudioClassification(config).save_pretrained(folder)
    ASTFeatureExtractor(max_length=128, num_mel_bins=32).save_pretrained(folder)


def clap(folder: Path, kinds: Sequence[str] = ()) -> None:
    text = _small(vocab_size=300, max_position_embeddings=80, pad_token_id=1)
    audio = {"spec_size": 64, "num_mel_bins": 16, "patch_embeds_hidden_size": 16, "hidden_size": 32, "depths": [1, 1],
             "num_attention_heads": [2, 2], "window_size": 2, "patch_size": 4, "patch_stride": [4, 4],
             "enable_fusion": False, "projection_dim": 16, "num_classes": 4}  # fmt: skip
    ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=16)).save_pretrained(folder)
    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = RobertaTokenizer(vocab={one: i for i, one in enumerate(letters)}, merges=[], model_max_length=70)
    features = ClapFeatureExtractor(feature_size=16, max_length_s=2, truncation="rand_trunc", padding="repeatpad")
    ClapProcessor(features, tokenizer).save_pretrained(folder)


def write(what: str, folder: Path, kinds: Sequence[str] = KINDS) -> Path:
    """A model of that name in that folder."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    makers: dict[str, Callable[[Path, Sequence[str]], None]] = {
        made.__name__: made for made in (yolos, rt_detr, owlv2, grounding_dino, ast, clap)
    }
    makers[what](folder, kinds)
    return folder
