"""A small student of our own: what moves as the sound goes, outlined by how it looks. Trained and run on a CPU.

How each place of the picture changes through time is compared with courses of the sound, some of them its loudness and
the rest learned: their correlations at three scales, which cost nothing to learn, say what goes with it, and a U-Net
over the center frame says how far the thing there reaches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from gar_ssl_ros.students.options import StudentConfig

GREY = (0.299, 0.587, 0.114)
FLOOR = 0.05  # of a course's deviation: what varies less has no rhythm
MOST = 8.0  # units of the clip's mean change, beyond which all change is alike
VIEWS = 4  # of each place: how far it is from its usual look and from the look before, with signs and without
BANDS = 4  # of the sound, whose loudness is compared beside that of the whole
LOUDNESS = 2 * (1 + BANDS)  # with its changes
WIDTHS = (12, 24, 40, 64, 96)  # of the U-Net, from the finest level on


class Synchrony(nn.Module):
    """`network`: width, of all layers as a share of the usual, 1; courses, of the sound, that are learned, 12."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        share, learned = float(config.network.get("width", 1.0)), int(config.network.get("courses", 12))
        w = [max(4, round(one * share)) for one in WIDTHS]
        maps = VIEWS * (LOUDNESS + learned) + VIEWS
        self.hearing = Hearing(config.mel, learned, w[4])
        self.fuse = nn.ModuleList([Block(maps, w[i], 1, 1) for i in (1, 2, 2)])
        self.down = nn.ModuleList(
            [Block(3, w[0], 1), Block(w[0] + w[1] + VIEWS, w[1]), Block(w[1] + w[2], w[2]), Block(2 * w[2], w[3])]
        )
        self.bottom = Block(w[3], w[4])
        self.up = nn.ModuleList([Block(w[i + 1] + w[i], w[i], 1) for i in (3, 2, 1, 0)])
        self.head = nn.Conv2d(w[0], 1, 1)
        nn.init.constant_(self.head.bias, -3.0)  # most of a picture does not sound

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """As of AvsModel."""
        count = frames.shape[1]
        with torch.no_grad():
            views = _views(frames)  # (B, T, VIEWS, H/2, W/2)
        heard, sense = self.hearing(mel, count)
        now = views[:, count // 2]
        seen = []
        for fuse in self.fuse:
            seen.append(fuse(together(views, heard)))
            views = F.avg_pool2d(views.flatten(0, 1), 2).unflatten(0, views.shape[:2])
        levels: list[Tensor] = []
        below = (frames[:, count // 2] / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        for block, beside in zip(self.down, ([], [seen[0], now], [seen[1]], [seen[2]]), strict=True):
            levels.append(block(torch.cat([below, *(_sized(one, below) for one in beside)], 1)))
            below = F.max_pool2d(levels[-1], 2)
        whole = self.bottom(below) + sense[..., None, None]
        for block in self.up:
            beside = levels.pop()
            whole = block(torch.cat([_sized(whole, beside), beside], 1))
        logits: Tensor = self.head(whole)
        return logits[:, 0]


class Hearing(nn.Module):
    """The courses of a sound, (B, T, LOUDNESS + learned), each of mean 0 and deviation 1; and what it is, (B, out)."""

    def __init__(self, bands: int, learned: int, out: int, inner: int = 48) -> None:
        super().__init__()
        self.first = nn.Conv1d(bands, inner, 5, padding=2)
        self.second = nn.Conv1d(inner, inner, 5, padding=2)
        self.third = nn.Conv1d(inner, inner, 5, padding=2)
        self.courses = nn.Conv1d(inner, learned, 3, padding=1)
        self.sense = nn.Linear(2 * inner, out)

    def forward(self, mel: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Of a log-mel, at `count` frames."""
        relative = ((mel - mel.amax((1, 2), keepdim=True)).clamp(min=-0.5) * 2 + 1).transpose(1, 2)  # the loudest 60 dB
        level = F.relu(self.second(F.relu(self.first(relative))))
        sense = self.sense(torch.cat([level.mean(2), level.amax(2)], 1))
        learned = self.courses(F.relu(self.third(F.adaptive_avg_pool1d(level, count))))
        power = 10 ** (6 * relative - 6)  # of the loudest, as 0 dB is 1
        parts = torch.cat(
            [power.mean(1, keepdim=True), F.adaptive_avg_pool1d(power.transpose(1, 2), BANDS).transpose(1, 2)], 1
        )
        loudness = F.adaptive_avg_pool1d(parts, count) ** 0.25
        changes = F.pad((loudness[..., 1:] - loudness[..., :-1]).abs(), (1, 0))
        courses = torch.cat([loudness, changes, learned], 1).transpose(1, 2)
        courses = courses - courses.mean(1, keepdim=True)
        return courses / (courses.square().mean(1, keepdim=True) + FLOOR**2).sqrt(), sense


class Block(nn.Module):
    """So many convolutions with their normalization."""

    def __init__(self, given: int, out: int, count: int = 2, size: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into in (given, out)[:count]:
            layers += [nn.Conv2d(into, out, size, padding=size // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, given: Tensor) -> Tensor:
        """Of (B, given, h, w)."""
        result: Tensor = self.layers(given)
        return result


def _views(frames: Tensor) -> Tensor:
    grey = F.avg_pool2d(sum(share / 255 * frames[:, :, i].float() for i, share in enumerate(GREY)), 2)
    off, step = grey - grey.mean(1, keepdim=True), F.pad(grey[:, 1:] - grey[:, :-1], (0, 0, 0, 0, 1, 0))
    unit = step.abs().mean((1, 2, 3), keepdim=True) + 1e-3
    off, step = (off / unit / 2).clamp(-MOST, MOST) / 2, (step / unit).clamp(-MOST, MOST) / 2
    return torch.stack([off, step, off.abs(), step.abs()], 2)


def together(seen: Tensor, heard: Tensor) -> Tensor:
    """Correlations through time of what is seen (B, T, V, h, w) with what is heard (B, T, C), and how much varies.

    (B, V * C + V, h, w)
    """
    seen = seen - seen.mean(1, keepdim=True)
    deviation = (seen.square().mean(1) + FLOOR**2).sqrt()
    alike = torch.einsum("btvhw,btc->bvchw", seen, heard) / seen.shape[1] / deviation[:, :, None]
    return torch.cat([alike.flatten(1, 2), deviation.log()], 1).contiguous(memory_format=torch.channels_last)


def _sized(given: Tensor, like: Tensor) -> Tensor:
    if given.shape[-2:] == like.shape[-2:]:
        return given
    return F.interpolate(given, like.shape[-2:], mode="bilinear", align_corners=False)
