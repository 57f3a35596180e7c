"""Pictures of any size, and files that are no models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZES = [(1, 1), (2, 2), (33, 800), (800, 33), (1, 4000), (641, 479)]  # width, height


def noise(width: int, height: int) -> NDArray[np.uint8]:
    """RGB (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


def damaged(path: Path, folder: Path, how: str) -> Path:
    """A file in that folder that should be that model, and is not: text, empty, or the first half of it."""
    made = folder / path.name
    content = {"text": b"no model\n" * 100, "empty": b"", "half": path.read_bytes()[: path.stat().st_size // 2]}
    made.write_bytes(content[how])
    return made
