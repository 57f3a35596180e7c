"""SAM with adapters, as SAMA-AVS has it (Liu et al., WACV 2024): its image encoder stays as it is, and what is heard is
added before each of its layers by small adapters, and is the prompt of its mask decoder.
"""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere
from transformers import SamConfig, SamModel

from gar_ssl_ros.students.options import StudentConfig
from gar_ssl_ros.students.pyramid import FrameSound, normal


class SamAdapter(nn.Module):
    """`network`: body, what the config.json of a SAM says; inner, channels of the adapters, 32."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.body = SamModel(SamConfig(**config.network.get("body", {})))
        shared = self.body.shared_image_embedding  # the same in both: safetensors keeps no tensor twice
        self.body.prompt_encoder.shared_embedding = deepcopy(shared)
        self.body.vision_encoder.requires_grad_(False)
        self.body.prompt_encoder.requires_grad_(False)
        vision = self.body.config.vision_config
        inner = int(config.network.get("inner", 32))
        self.sound = FrameSound(config.mel, inner)
        self.adapters = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(inner, inner), nn.GELU(), nn.Linear(inner, vision.hidden_size))
                for _ in self._layers
            ]
        )
        self.prompt = nn.Linear(inner, vision.output_channels)
        for adapter in self.adapters:
            nn.init.zeros_(adapter[-1].weight)  # at first, SAM as it is
            nn.init.zeros_(adapter[-1].bias)

    @property
    def _layers(self) -> nn.ModuleList:
        layers: nn.ModuleList = self.body.vision_encoder.layers
        return layers

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """As of AvsModel; of the frames, the center one is looked at."""
        count = frames.shape[1]
        heard = self.sound(mel, count)[:, count // 2]
        encoder, side = self.body.vision_encoder, self.body.config.vision_config.image_size
        picture = F.interpolate(normal(frames[:, count // 2]), (side, side), mode="bilinear", align_corners=False)
        inner = encoder.patch_embed(picture)
        if encoder.pos_embed is not None:
            inner = inner + encoder.pos_embed
        for adapter, layer in zip(self.adapters, self._layers, strict=True):
            inner = layer(inner + adapter(heard)[:, None, None])
        image = encoder.neck(inner)
        places = self.body.get_image_wide_positional_embeddings().repeat(len(image), 1, 1, 1)
        nothing = self.body.prompt_encoder.no_mask_embed.weight[..., None, None].expand_as(image)
        masks, _ = self.body.mask_decoder(
            image, places, self.prompt(heard)[:, None, None], nothing, multimask_output=False
        )
        result: Tensor = masks[:, 0, 0]
        return result
