"""A student: any audio-visual segmentation network behind one protocol, and beside it the names that sounds have."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from gar_ssl_ros.students.options import StudentConfig


class AvsModel(Protocol):
    """Tells which pixels sound. Made from a StudentConfig, and a torch.nn.Module."""

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """Logits of the center frame's pixels (B, h, w), at any size.

        frames: RGB uint8 (B, T, 3, H, W), the center frame at T // 2. mel: log-mel in 0..1 (B, spectra, bands), of the
        time that the frames stand for.
        """
        ...


NETWORKS: Mapping[str, str] = {  # module:class of each architecture
    "synchrony": "gar_ssl_ros.students.synchrony:Synchrony",
    "tpavi": "gar_ssl_ros.students.tpavi:Tpavi",
    "avsegformer": "gar_ssl_ros.students.avsegformer:AvSegFormer",
    "sam": "gar_ssl_ros.students.sam:SamAdapter",
}


class Student(nn.Module):
    """avs: the network. labeller: None where it learned no labels."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        module, _, name = NETWORKS[config.student].partition(":")
        self.config = config
        self.avs: nn.Module = getattr(import_module(module), name)(config)
        self.labeller = Labeller(config.mel, len(config.labels)) if config.labels else None

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """As of AvsModel, logits (B, height, width) of the size that the config says."""
        logits = cast("Tensor", self.avs(frames, mel))[:, None]
        size = (self.config.height, self.config.width)
        if logits.shape[-2:] != size:
            logits = F.interpolate(logits, size, mode="bilinear", align_corners=False)
        return logits[:, 0]


def fresh(config: StudentConfig, seed: int) -> Student:
    """A student that has learned nothing. The same seed gives the same weights."""
    torch.manual_seed(seed)
    return Student(config)


class Labeller(nn.Module):
    """What a sound is called: logits (B, labels) of a log-mel."""

    def __init__(self, bands: int, labels: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(bands, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2),
            nn.ReLU(),
        )
        self.head = nn.Linear(2 * width, labels)

    def forward(self, mel: Tensor) -> Tensor:
        """See above."""
        inner = self.layers(2 * mel.transpose(1, 2) - 1)
        both = [inner.mean(2), (inner - inner.mean(2, keepdim=True)).abs().mean(2)]
        result: Tensor = self.head(F.relu(torch.cat(both, 1)))
        return result
