"""TPAVI (Zhou et al., Audio-Visual Segmentation, ECCV 2022), after its text: each pixel of each frame attends to all
others of the clip with the sound added to them, at every level of a pyramid. The sound is a log-mel, not VGGish's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gar_ssl_ros.students.options import StudentConfig
from gar_ssl_ros.students.pyramid import FrameSound, Pyramid, TopDown, logits_head


class Tpavi(nn.Module):
    """`network`: as of Pyramid. A few frames a clip, as 5 at 1 a second, are what it is meant for."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.pyramid = Pyramid(config)
        channels = self.pyramid.channels
        levels = len(self.pyramid.narrow)
        self.sound = FrameSound(config.mel, channels)
        self.attention = nn.ModuleList([CrossAttention(channels) for _ in range(levels)])
        self.decoder = TopDown(channels, levels - 1)
        self.head = logits_head(channels)

    @property
    def body(self) -> nn.Module:
        """What may begin with pretrained weights."""
        body: nn.Module = self.pyramid.body
        return body

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """As of AvsModel."""
        batch, count = frames.shape[:2]
        heard = self.sound(mel, count)
        maps = [one.unflatten(0, (batch, count)) for one in self.pyramid(frames.flatten(0, 1))]
        seen = [attend(one, heard)[:, count // 2] for attend, one in zip(self.attention, maps, strict=True)]
        logits: Tensor = self.head(self.decoder(seen))
        return logits[:, 0]


class CrossAttention(nn.Module):
    """Z = V + mu(theta(V) phi(V + A)' g(V) / N), V of all N pixels of all frames; from the right, which is cheap."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta, self.phi, self.g = (nn.Linear(channels, channels // 2) for _ in range(3))
        self.mu = nn.Linear(channels // 2, channels)
        self.norm = nn.LayerNorm(channels)
        nn.init.zeros_(self.mu.weight)

    def forward(self, seen: Tensor, heard: Tensor) -> Tensor:
        """(B, T, C, h, w) of the same and (B, T, C)."""
        given = seen.permute(0, 1, 3, 4, 2)  # (B, T, h, w, C)
        flat = given.flatten(1, 3)
        with_sound = (given + heard[:, :, None, None]).flatten(1, 3)
        among = torch.einsum("bnc,bnd->bcd", self.phi(with_sound), self.g(flat)) / flat.shape[1]
        mixed = flat + self.mu(torch.einsum("bnc,bcd->bnd", self.theta(flat), among))
        return self.norm(mixed).unflatten(1, given.shape[1:4]).permute(0, 1, 4, 2, 3)
