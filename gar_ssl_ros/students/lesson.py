"""What a student learns from: a clip, and what is said to sound in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

UNNAMED = -1  # the label of a clip whose sound has none


@dataclass(frozen=True, eq=False)
class Lesson:
    """Of the sizes that the student's config says.

    frames: uint8 (T, H, W, 3). mel: (spectra, bands). target: uint8 (H, W), 255 where all of the pixel sounds. unsure:
    bool (H, W), pixels from which nothing is learned. weight: 0..1. label: its place among the config's, or UNNAMED.
    """

    frames: NDArray[np.uint8]
    mel: NDArray[np.float32]
    target: NDArray[np.uint8]
    unsure: NDArray[np.bool_]
    weight: float = 1.0
    label: int = UNNAMED


class Lessons(Protocol):
    """All of them, each read when its turn comes."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, index: int) -> Lesson:
        """One of them."""
