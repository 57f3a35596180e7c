"""AVSegFormer (Gao et al., AAAI 2024), after its text: queries of the sound look for their things in a transformer
decoder, and pixels are weighed channel by channel by what they have to do with the sound.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gar_ssl_ros.students.options import StudentConfig
from gar_ssl_ros.students.pyramid import FrameSound, Pyramid, TopDown, logits_head

HEADS = 4


class AvSegFormer(nn.Module):
    """`network`: as of Pyramid; queries, 16; layers, of the decoder, 2. Of the frames, the center one is looked at."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.pyramid = Pyramid(config)
        channels, queries = self.pyramid.channels, int(config.network.get("queries", 16))
        self.sound = FrameSound(config.mel, channels)
        self.queries = nn.Parameter(torch.randn(queries, channels) * 0.02)
        layer = nn.TransformerDecoderLayer(channels, HEADS, 2 * channels, dropout=0.0, batch_first=True)
        self.looking = nn.TransformerDecoder(layer, int(config.network.get("layers", 2)))
        self.decoder = TopDown(channels, len(self.pyramid.narrow) - 1)
        self.mixer = nn.MultiheadAttention(channels, HEADS, batch_first=True)
        self.weigh = nn.Sequential(nn.Linear(channels, channels), nn.Sigmoid())
        self.head = logits_head(channels + queries)

    @property
    def body(self) -> nn.Module:
        """What may begin with pretrained weights."""
        body: nn.Module = self.pyramid.body
        return body

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """As of AvsModel."""
        count = frames.shape[1]
        heard = self.sound(mel, count)
        maps = self.pyramid(frames[:, count // 2])
        pixels = self.decoder(maps)
        coarse = torch.cat([one.flatten(2).transpose(1, 2) for one in maps[1:]], 1)
        asked = self.queries[None] + heard[:, count // 2, None]
        found = self.looking(asked, coarse)
        whole = pixels.mean((2, 3))[:, None]
        weights = self.weigh(self.mixer(whole, heard, heard, need_weights=False)[0])  # (B, 1, C)
        mixed = pixels * weights[:, 0, :, None, None] + pixels
        each = torch.einsum("bqc,bchw->bqhw", found, mixed) / mixed.shape[1] ** 0.5
        logits: Tensor = self.head(torch.cat([mixed, each], 1))
        return logits[:, 0]
