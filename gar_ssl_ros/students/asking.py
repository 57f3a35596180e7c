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

# Chosen on rendered scenes of the seeds 90100 to 90111.
REACH = 0.05  # of the network's height: how far around it a pixel of its map looks for the picture's edges
EDGE = 1e-3  # variance of a colour, 0..1, from which on it is an edge

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TakenIn:
    """A window as the network takes it."""

    frames: Tensor
    mel: Tensor
    image: NDArray[np.uint8]  # the center frame as it is


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
        return TakenIn(frames.permute(0, 3, 1, 2)[None], mel[None], window.center.image)

    def sounding(self, taken: TakenIn, mirrored: bool = False) -> Floats:
        """The probability that each place of the center frame sounds, of the network's size. mirrored: in a mirror."""
        frames = taken.frames.flip(-1) if mirrored else taken.frames
        with torch.inference_mode():
            level = self._student(frames, taken.mel)[0].float().sigmoid()
        return np.asarray((level.flip(-1) if mirrored else level).cpu().numpy(), np.float32)

    def outlined(self, taken: TakenIn, sounding: Floats) -> Floats:
        """Such a map of the picture's size, along its edges, about 0..1."""
        return enlarged(sounding, taken.image)

    def label(self, taken: TakenIn) -> AudioLabel:
        """Of the sound. Raises ValueError where it learned no labels."""
        if self._student.labeller is None:
            raise ValueError("the student learned no labels")
        with torch.inference_mode():
            shares = self._student.labeller(taken.mel)[0].float().softmax(0)
        best = int(shares.argmax())
        return AudioLabel(self.labels[best], float(shares[best]))


def enlarged(sounding: Floats, image: NDArray[np.uint8]) -> Floats:
    """A map enlarged to a picture's size along that picture's edges, about 0..1.

    The fast guided filter (He and Sun 2015, arXiv:1505.00996): around each place the map is a linear function of the
    picture's colours, found at the map's size and applied at the picture's.
    """
    height, width = sounding.shape
    side = 2 * max(1, round(REACH * height)) + 1

    def mean(of: Floats) -> Floats:
        return np.asarray(cv2.blur(of, (side, side)), np.float32)

    colours = image.astype(np.float32) / 255
    guide = np.asarray(cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    usual, level = mean(guide), mean(sounding)
    products = np.stack([mean(guide * guide[..., [one]]) for one in range(3)], axis=-1)
    spread = products - usual[..., None] * usual[..., None, :] + EDGE * np.eye(3, dtype=np.float32)
    goes_with = mean(guide * sounding[..., None]) - usual * level[..., None]
    slope = np.linalg.solve(spread, goes_with[..., None])[..., 0]
    offset = level - (slope * usual).sum(axis=-1)
    slope, offset = (cv2.resize(mean(one), image.shape[1::-1]) for one in (slope.astype(np.float32), offset))
    return np.asarray((slope * colours).sum(axis=-1) + offset, np.float32)
