"""What a student is taught, batch by batch: the labels, and what is true of clips whatever the teacher said.

A clip with the sound of another is a sure lesson that nothing in it sounds; one with another's sound beside its own,
that the same does; one in a mirror, or in another light, that the same does there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from gar_ssl_ros.students.lesson import UNNAMED
from gar_ssl_ros.students.model import Student
from gar_ssl_ros.students.options import TrainingOptions

CONTRAST, TINT = 0.15, 0.05  # by so much at most the contrast of a picture is changed, and each of its colours
QUIETER = 0.15  # of the log-mel, 18 dB: by so much at most a sound is made quieter
BELS = 12.0  # from 0 to 1 of the log-mel
PIXELS, OVERLAP, NAMES = 10.0, 1.0, 0.1  # what the parts of the loss count


class Learning(nn.Module):
    """A student at school. progress: 0 at the beginning, 1 at the end, as whoever trains it says."""

    def __init__(self, student: Student, options: TrainingOptions) -> None:
        super().__init__()
        self.student, self.options, self.progress = student, options, 0.0

    def forward(
        self, frames: Tensor, mel: Tensor, target: Tensor, unsure: Tensor, weight: Tensor, label: Tensor
    ) -> dict[str, Tensor]:
        """The loss, a mean over the batch, of lessons as `Lesson` has them."""
        sound = self._quieter(mel)
        pictures = frames.permute(0, 1, 4, 2, 3)
        wanted, counts = target.float() / 255, (~unsure).float()
        if self.training:
            pictures, wanted, counts = _mirrored(pictures, wanted, counts)
            pictures = _in_another_light(pictures)
            sound, wanted, counts, weight = self._with_others(sound, wanted, counts, weight)
        logits = self.student(pictures, sound).float()
        loss = (weight * mask_loss(logits, wanted, counts)).mean()
        named = label != UNNAMED
        if self.student.labeller is not None:
            told = self.student.labeller(self._quieter(mel)).float()
            each = F.cross_entropy(told, label.clamp(min=0), reduction="none")
            loss = loss + NAMES * (each * named).mean()
        return {"loss": loss}

    def _quieter(self, mel: Tensor) -> Tensor:
        by = QUIETER * torch.rand(len(mel), 1, 1, device=mel.device) if self.training else 0.0
        return (mel - by).clamp(min=0)

    def _with_others(
        self, mel: Tensor, wanted: Tensor, counts: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Some with the sound of another clip of the batch, instead of their own or beside it."""
        other = mel.roll(1, 0)
        chance = torch.rand(len(mel), device=mel.device)
        foreign = self.options.foreign if self.progress >= self.options.foreign_from and len(mel) > 1 else 0.0
        instead = chance < foreign
        beside = (chance >= foreign) & (chance < foreign + self.options.beside) & (wanted.amax((1, 2)) > 0.5)
        both = torch.log10(10 ** (BELS * mel) + 10 ** (BELS * other - 0.6)) / BELS
        mel = torch.where(instead[:, None, None], other, torch.where(beside[:, None, None], both, mel))
        wanted = wanted * ~instead[:, None, None]
        counts = torch.where(instead[:, None, None], torch.ones_like(counts), counts)
        return mel.clamp(0, 1), wanted, counts, torch.where(instead, torch.ones_like(weight), weight)


def mask_loss(logits: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Of each mask (B,): cross entropy of its pixels, and where there is something, 1 - Dice. All (B, H, W)."""
    pixels = (counts * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")).mean((1, 2))
    found, true = counts * logits.sigmoid(), counts * wanted
    both, sizes = (found * true).sum((1, 2)), found.sum((1, 2)) + true.sum((1, 2))
    there = true.sum((1, 2)) > 4  # pixels
    return PIXELS * pixels + OVERLAP * there * (1 - (2 * both + 1) / (sizes + 1))


def _mirrored(pictures: Tensor, wanted: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if torch.rand(()) < 0.5:
        return pictures, wanted, counts
    return pictures.flip(-1), wanted.flip(-1), counts.flip(-1)


def _in_another_light(pictures: Tensor) -> Tensor:
    """The center picture: what moves is the same in any light."""
    middle, count, pictures = pictures.shape[1] // 2, len(pictures), pictures.clone()
    contrast = 1 + CONTRAST * (2 * torch.rand(count, 1, 1, 1, device=pictures.device) - 1)
    tint = TINT * (2 * torch.rand(count, 3, 1, 1, device=pictures.device) - 1)
    changed = (pictures[:, middle] / 255 - 0.5) * contrast + 0.5 + tint
    pictures[:, middle] = (255 * changed).round().clamp(0, 255).to(torch.uint8)
    return pictures
