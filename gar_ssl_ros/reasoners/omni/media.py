"""What a model's towers take: an image and a sound as its own processors make them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Qwen2VLImageProcessorPil, WhisperFeatureExtractor

from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.reasoners.prompted.description import CheckpointDescription
from gar_ssl_ros.reasoners.prompted.sound import long_enough


@dataclass(frozen=True)
class PictureInput:
    """An image cut into patches: (patches, values) and its grid (1, 3) of 1, rows and columns of patches."""

    patches: Tensor
    grid: Tensor
    size: tuple[int, int]  # width, height as the model sees it, pixels
    rows: int  # of tokens
    columns: int  # of tokens


@dataclass(frozen=True)
class SoundInput:
    """A log-mel spectrogram (1, bins, frames), and which frames hold sound (1, frames)."""

    mel: Tensor
    held: Tensor


class Processors:
    """A checkpoint's own image and audio processors."""

    def __init__(self, folder: Path, description: CheckpointDescription) -> None:
        """Raises OSError and ValueError where the folder holds none."""
        self._description = description
        self._images = Qwen2VLImageProcessorPil.from_pretrained(folder)
        self._sounds = WhisperFeatureExtractor.from_pretrained(folder)
        if self._sounds.sampling_rate != SPEECH_RATE_HZ:
            raise ValueError(f"it hears at {self._sounds.sampling_rate} Hz instead of {SPEECH_RATE_HZ} Hz")

    def picture(self, image: NDArray[np.uint8]) -> PictureInput:
        """RGB (H, W, 3) as the vision tower takes it. Raises ValueError where one side is far longer than the other."""
        bounds = {"shortest_edge": self._description.least_pixels, "longest_edge": self._description.most_pixels}
        made = self._images(image, size=bounds, input_data_format="channels_last", return_tensors="pt")
        _, rows, columns = map(int, made["image_grid_thw"][0])
        patch, merge = self._images.patch_size, self._images.merge_size
        return PictureInput(
            made["pixel_values"],
            made["image_grid_thw"],
            (columns * patch, rows * patch),
            rows // merge,
            columns // merge,
        )

    def sound(self, audio: NDArray[np.float32]) -> SoundInput:
        """Mono (samples,) at SPEECH_RATE_HZ as the audio tower takes it."""
        audio = long_enough(audio)
        # The published front end pads to 300 s. All it takes for the same frames is silence as long as half of the
        # last one's window, so that no sound is mirrored into it.
        hop, window = self._sounds.hop_length, self._sounds.n_fft
        padded = -(-len(audio) // hop) * hop + -(-window // hop) * hop
        made = self._sounds(
            audio, sampling_rate=SPEECH_RATE_HZ, max_length=padded, return_attention_mask=True, return_tensors="pt"
        )
        return SoundInput(made["input_features"], made["attention_mask"].to(torch.bool))
