"""Maps resized the ways that OpenCV and PyTorch resize them, in NumPy.

Without matrix products: a threaded BLAS takes a hundred times as long for maps this small where its threads must share
a core.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kernel = Literal["linear", "cubic"]
CUBIC_KERNEL_A = -0.75  # the cubic kernel's parameter in both libraries


def resized(heat: ArrayLike, size: int, kernel: Kernel, corners: bool) -> NDArray[np.float64]:
    """A map (H, W) as (size, size).

    corners: True if the corner pixels' centers stay in the corners (PyTorch's align_corners=True), else the image's
    edges do (OpenCV, and PyTorch's default). Beyond the edge the outermost value goes on. Raises ValueError where the
    map is not two-dimensional, empty, or not finite.
    """
    given = np.asarray(heat, float)
    if given.ndim != 2 or not given.size or not np.isfinite(given).all():
        raise ValueError(f"a heat map is a table of finite numbers, not one of shape {given.shape}")
    rows = _taps(given.shape[0], size, kernel, corners)
    columns = _taps(given.shape[1], size, kernel, corners)
    wide = sum((share * given[:, at] for at, share in columns), np.zeros(()))
    return np.asarray(sum((share[:, None] * wide[at] for at, share in rows), np.zeros(())))


@lru_cache(maxsize=16)
def _taps(
    length: int, size: int, kernel: Kernel, corners: bool
) -> tuple[tuple[NDArray[np.intp], NDArray[np.float64]], ...]:
    """The two or four of `length` values that each of `size` ones is made of: their places and shares, (size,) each."""
    at = np.arange(size)
    place = at * (length - 1) / max(1, size - 1) if corners else (at + 0.5) * length / size - 0.5
    first = np.floor(place)
    taps = []
    for tap in (0, 1) if kernel == "linear" else (-1, 0, 1, 2):
        distance = np.abs(place - (first + tap))
        share = 1 - distance if kernel == "linear" else _cubic(distance)
        taps.append((np.clip(first + tap, 0, length - 1).astype(int), share))
    return tuple(taps)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (IEEE ASSP 29, 1981) at distances of 0 to 2."""
    near = ((CUBIC_KERNEL_A + 2) * x - (CUBIC_KERNEL_A + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * CUBIC_KERNEL_A * x - 4 * CUBIC_KERNEL_A
    return np.where(x <= 1, near, far)
