"""What published students share: a backbone of the library transformers, PVTv2 or ResNet, and each frame's sound."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere
from transformers import PvtV2Backbone, PvtV2Config, ResNetBackbone, ResNetConfig

from gar_ssl_ros.students.options import StudentConfig

BACKBONES = {"pvt_v2": (PvtV2Config, PvtV2Backbone), "resnet": (ResNetConfig, ResNetBackbone)}
STAGES = ("stage1", "stage2", "stage3", "stage4")
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of RGB in 0..1


class Pyramid(nn.Module):
    """Features of frames at a 4th, 8th, 16th and 32nd of their size, all with as many channels.

    Of `network`: body, what the config.json of a PVTv2 or ResNet says; channels, 128. Raises ValueError for others.
    """

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        told = {"model_type": "pvt_v2", **config.network.get("body", {})}
        kind = told.pop("model_type")
        if kind not in BACKBONES:
            raise ValueError(f"its body is {kind!r:.40}, and is to be {' or '.join(BACKBONES)}")
        configuration, backbone = BACKBONES[kind]
        self.body = backbone(configuration(**{**told, "out_features": list(STAGES)}))
        self.channels = int(config.network.get("channels", 128))
        self.narrow = nn.ModuleList([nn.Conv2d(many, self.channels, 1) for many in self.body.channels])

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Of frames uint8 (N, 3, H, W), the finest first."""
        maps = self.body(normal(frames)).feature_maps
        return [narrow(one) for narrow, one in zip(self.narrow, maps, strict=True)]


def normal(frames: Tensor) -> Tensor:
    """Of frames uint8 (N, 3, H, W) what such networks take."""
    scaled = frames / 255
    mean, spread = (scaled.new_tensor(one)[:, None, None] for one in (MEAN, SPREAD))
    return (scaled - mean) / spread


class FrameSound(nn.Module):
    """What is heard at each of `count` frames: (B, count, channels) of a log-mel (B, spectra, bands)."""

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(bands, channels, 5, padding=2), nn.ReLU(), nn.Conv1d(channels, channels, 5, padding=2), nn.ReLU()
        )

    def forward(self, mel: Tensor, count: int) -> Tensor:
        """See above."""
        return F.adaptive_avg_pool1d(self.layers(2 * mel.transpose(1, 2) - 1), count).transpose(1, 2)


class TopDown(nn.Module):
    """One map of a pyramid, of the finest's size: the coarser ones added to the finer (FPN, Lin et al. 2017)."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.smooth = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(levels)])

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Of maps, the finest first."""
        whole = maps[-1]
        for smooth, finer in zip(self.smooth, maps[-2::-1], strict=False):
            larger = F.interpolate(whole, finer.shape[-2:], mode="bilinear", align_corners=False)
            whole = F.relu(smooth(finer + larger))
        return whole


def logits_head(channels: int) -> nn.Sequential:
    """From features to a map of logits, which begin low: most of a picture does not sound."""
    last = nn.Conv2d(channels // 2, 1, 1)
    nn.init.constant_(last.bias, -3.0)
    return nn.Sequential(nn.Conv2d(channels, channels // 2, 3, padding=1), nn.ReLU(), last)
