"""A trained student, asked about a window: how surely each pixel sounds, and what the sound is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_ssl_ros.gar.stages import AudioLabel
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.students.checkpoint import load
from gar_ssl_ros.students.clips import frames_of, mel_of


@dataclass(frozen=True, eq=False)
class TakenIn:
    """A window as the network takes it."""

    frames: Tensor
    mel: Tensor
    size: tuple[int, int]  # of the center frame: width, height, pixels


class Asked:
    """The student in a folder. labels: that it can give, none where it learned none. Raises StudentError."""

    def __init__(self, folder: Path) -> None:
        self._student = load(folder)
        self._device = next(self._student.parameters()).device
        self.labels = self._student.config.labels

    def take(self, window: Window) -> TakenIn:
        """Frames scaled, and the spectrogram."""
        config = self._student.config
        frames = torch.from_numpy(frames_of(window, config)).to(self._device)
        mel = torch.from_numpy(mel_of(window, config)).to(self._device)
        return TakenIn(frames.permute(0, 3, 1, 2)[None], mel[None], (window.center.width, window.center.height))

    def sounding(self, taken: TakenIn, mirrored: bool = False) -> NDArray[np.float32]:
        """The probability that each pixel of the center frame sounds (height, width). mirrored: seen in a mirror."""
        frames = taken.frames.flip(-1) if mirrored else taken.frames
        with torch.inference_mode():
            logits = self._student(frames, taken.mel)[0].float()
        level = (logits.flip(-1) if mirrored else logits).cpu().numpy()
        return np.asarray(1 / (1 + np.exp(-cv2.resize(level, taken.size, interpolation=cv2.INTER_LINEAR))), np.float32)

    def label(self, taken: TakenIn) -> AudioLabel:
        """Of the sound. Raises ValueError where it learned no labels."""
        if self._student.labeller is None:
            raise ValueError("the student learned no labels")
        with torch.inference_mode():
            shares = self._student.labeller(taken.mel)[0].float().softmax(0)
        best = int(shares.argmax())
        return AudioLabel(self.labels[best], float(shares[best]))
