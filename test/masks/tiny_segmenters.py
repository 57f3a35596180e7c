"""SAM, SAM 2 and SAM 3 of the transformers library of tiny size with random weights, saved as real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer, Sam2Config, Sam2Model, Sam2VideoConfig, Sam2VideoModel, SamConfig, SamModel
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil
from transformers.models.sam3.configuration_sam3 import Sam3Config
from transformers.models.sam3.modeling_sam3 import Sam3Model

SIDE_PX = 64  # of what SAM and SAM 2 see
SAM3_SIDE_PX = 112
WIDE = {"hidden_size": 32, "num_attention_heads": 2}


def sam(folder: Path) -> None:
    sizes = {"image_size": SIDE_PX, "patch_size": 8}
    vision = {"hidden_size": 16, "output_channels": 32, "num_hidden_layers": 2, "num_attention_heads": 2, **sizes,
              "window_size": 2, "global_attn_indexes": [1], "num_pos_feats": 16, "mlp_dim": 32}  # fmt: skip
    decoder = {**WIDE, "mlp_dim": 32, "iou_head_hidden_dim": 16}
    prompts = {"hidden_size": 32, **sizes}
    SamModel(
        SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    ).save_pretrained(folder)
    sizes = {"size": {"longest_edge": SIDE_PX}, "pad_size": {"height": SIDE_PX, "width": SIDE_PX}}
    SamImageProcessorPil(**sizes).save_pretrained(folder)


def _sam2(width: int) -> dict[str, object]:
    backbone = {"model_type": "sam2_hiera_det_model", "hidden_size": 8, "image_size": [SIDE_PX, SIDE_PX],
                "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 1, 1], "window_size_per_stage": [2, 2, 2, 2],
                "global_attention_blocks": [3]}  # fmt: skip
    side = SIDE_PX // 4
    vision = {"backbone_config": backbone, "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": width,
              "backbone_feature_sizes": [[side, side], [side // 2, side // 2], [side // 4, side // 4]]}  # fmt: skip
    prompts = {"hidden_size": width, "image_size": SIDE_PX, "patch_size": 16}
    decoder = {"hidden_size": width, "num_attention_heads": 2, "mlp_dim": 32, "iou_head_hidden_dim": 16}
    return {"vision_config": vision, "prompt_encoder_config": prompts, "mask_decoder_config": decoder}


def sam2(folder: Path) -> None:
    Sam2Model(Sam2Config(**_sam2(32))).save_pretrained(folder)
    _describe(folder, SIDE_PX)


def sam2_video(folder: Path) -> None:
    config = Sam2VideoConfig(
        **_sam2(128), image_size=SIDE_PX, memory_attention_hidden_size=128, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32, memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=128, memory_encoder_output_channels=64, mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=32, memory_fuser_num_layers=1,
    )  # fmt: skip
    model = Sam2VideoModel(config)
    torch.nn.init.constant_(model.mask_decoder.pred_obj_score_head.proj_out.bias, 9.0)  # what is framed is in sight
    model.save_pretrained(folder)
    _describe(folder, SIDE_PX)


def sam3(folder: Path) -> None:
    backbone = {"model_type": "sam3_vit_model", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
                "num_attention_heads": 2, "image_size": SAM3_SIDE_PX, "window_size": 4, "global_attn_indexes": [1],
                "pretrain_image_size": 56}  # fmt: skip
    side = SAM3_SIDE_PX // 14
    vision = {"backbone_config": backbone, "fpn_hidden_size": 32,
              "backbone_feature_sizes": [[4 * side, 4 * side], [2 * side, 2 * side], [side, side]]}  # fmt: skip
    text = {"vocab_size": 300, "hidden_size": 16, "intermediate_size": 16, "projection_dim": 16,
            "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 32,
            "bos_token_id": 298, "eos_token_id": 299}  # fmt: skip
    layers = {**WIDE, "num_layers": 1, "intermediate_size": 32, "dropout": 0.0}
    config = Sam3Config(
        vision_config=vision, text_config=text, geometry_encoder_config=layers, detr_encoder_config=layers,
        detr_decoder_config={**layers, "num_queries": 8}, mask_decoder_config=WIDE,
    )  # fmt: skip
    Sam3Model(config).save_pretrained(folder)
    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary = {**letters, "<|startoftext|>": 298, "<|endoftext|>": 299}
    CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=32).save_pretrained(folder)
    _describe(folder, SAM3_SIDE_PX)


def _describe(folder: Path, side: int) -> None:
    """As the publishers' folders have it; the class that would write it needs torchvision."""
    told = {"size": {"height": side, "width": side}, "resample": 2, "do_resize": True, "do_normalize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))


def write(what: str, folder: Path) -> Path:
    """A model of that name in that folder."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    makers: dict[str, Callable[[Path], None]] = {made.__name__: made for made in (sam, sam2, sam2_video, sam3)}
    makers[what](folder)
    return folder
