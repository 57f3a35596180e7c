"""Convolutions by five taps with fewer multiplications (Cook, 1966; Lavin and Gray, arXiv:1509.09308).

F(4, 5): four outputs of a five-tap filter cost eight products instead of 20, and 64 instead of 400 over a picture.
Inputs, filters and outputs are turned by three small matrices, between which everything is a matrix product: NumPy does
it at the speed of its BLAS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TAPS = 5
STEP = 4  # outputs of one tile; five or more save products, and lose as much to a larger tile's memory
TILE = STEP + TAPS - 1
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)  # and infinity: TILE points at which polynomials are multiplied
ONE = POINTS.index(1.0)  # a constant added to this product is added to each output


def _powers(count: int) -> NDArray[np.float64]:
    """Row by row, each point's powers below `count`; infinity's row holds the highest alone."""
    return np.vstack([np.vander(POINTS, count, increasing=True), np.eye(count)[-1]])


FILTERS = _powers(TAPS)  # (TILE, TAPS): float64, as filters are turned once
INPUTS = np.linalg.inv(_powers(TILE)).T.astype(np.float32)  # (TILE, TILE)
OUTPUTS = _powers(STEP).T.astype(np.float32)  # (STEP, TILE)


def tiles(length: int) -> int:
    """How many cover so many outputs."""
    return -(-length // STEP)


def padded(length: int) -> int:
    """Inputs of that many tiles: two zeros ahead, and zeros behind."""
    return STEP * tiles(length) + TAPS - 1
