"""Detectors and taggers of the transformers library of tiny size with random weights, saved as real ones are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, pre_tokenizers
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    AudioFlamingo3Config,
    AudioFlamingo3EncoderConfig,
    AudioFlamingo3ForConditionalGeneration,
    AudioFlamingo3Processor,
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
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Tokenizer,
    RobertaTokenizer,
    RTDetrConfig,
    RTDetrForObjectDetection,
    WhisperFeatureExtractor,
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


def _speaking(folder: Path, kind: str, sound: Sequence[str]) -> None:
    """What hears and writes: a Whisper encoder of 30 s, as theirs, and a small Qwen2 that spells letter by letter."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *sound]
    tokenizer = Qwen2Tokenizer(vocab={one: i for i, one in enumerate(letters)}, merges=[])
    tokenizer.add_tokens([AddedToken(one, special=True, normalized=False) for one in special])
    tokenizer.pad_token, tokenizer.eos_token = "<|endoftext|>", "<|im_end|>"
    text = {"model_type": "qwen2", "vocab_size": len(tokenizer), "num_key_value_heads": 2, **_small(hidden_size=32)}
    audio = {"encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32, "d_model": 16}
    audio = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "hidden_size": 16, **audio}
    features = WhisperFeatureExtractor(feature_size=128, return_attention_mask=True)
    ids = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    if kind == "qwen2_audio":
        audio = {key: audio[key] for key in ("encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "d_model")}
        token = tokenizer.convert_tokens_to_ids("<|AUDIO|>")
        config = Qwen2AudioConfig(audio_config=audio, text_config={**text, **ids}, audio_token_index=token)
        model, processor = Qwen2AudioForConditionalGeneration(config), Qwen2AudioProcessor(features, tokenizer)
    else:
        audio = {key: value for key, value in audio.items() if key in AudioFlamingo3EncoderConfig().to_dict()}
        token = tokenizer.convert_tokens_to_ids("<sound>")
        config = AudioFlamingo3Config(audio_config=audio, text_config={**text, **ids}, audio_token_id=token)
        model = AudioFlamingo3ForConditionalGeneration(config)
        processor = AudioFlamingo3Processor(features, tokenizer)
    with torch.no_grad():
        for weight in model.parameters():  # so that a sound reaches the words
            if weight.dim() > 1:
                weight.normal_(0, weight[0].numel() ** -0.5)
        model.get_input_embeddings().weight.normal_(0, 1)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def qwen2_audio(folder: Path, kinds: Sequence[str] = ()) -> None:
    _speaking(folder, "qwen2_audio", ["<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"])


def audio_flamingo(folder: Path, kinds: Sequence[str] = ()) -> None:
    _speaking(folder, "audioflamingo3", ["<sound>"])


def write(what: str, folder: Path, kinds: Sequence[str] = KINDS) -> Path:
    """A model of that name in that folder."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made = (yolos, rt_detr, owlv2, grounding_dino, ast, clap, qwen2_audio, audio_flamingo)
    makers: dict[str, Callable[[Path, Sequence[str]], None]] = {one.__name__: one for one in made}
    makers[what](folder, kinds)
    return folder
