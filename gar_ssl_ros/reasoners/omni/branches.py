"""The tree that a window's tokens form: sound, image, questions, trials, each seeing only what leads to it.

All of it lies in one cache, one slot a token. A branch is a choice of slots made by the attention mask, so nothing of
a shared beginning is copied or computed twice, and branches of different lengths go through the model together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROOT = -1


class Branches:
    """Whose each slot is, and who sees whom."""

    def __init__(self) -> None:
        self._lineage = np.zeros((0, 0), bool)  # of a node in its row: itself and all that lead to it
        self._owners = np.zeros(0, np.int64)  # of each slot, in the cache's order

    @property
    def slots(self) -> int:
        """How many tokens there are."""
        return len(self._owners)

    def grow(self, parent: int = ROOT) -> int:
        """A new node that continues `parent`."""
        node = len(self._lineage)
        lineage = np.zeros((node + 1, node + 1), bool)
        lineage[:node, :node] = self._lineage
        if parent != ROOT:
            lineage[node, :node] = self._lineage[parent]
        lineage[node, node] = True
        self._lineage = lineage
        return node

    def append(self, nodes: Sequence[int]) -> NDArray[np.bool_]:
        """One more token for each node of the list, in this order; returns what each sees: (new, all slots)."""
        before = self.slots
        self._owners = np.concatenate([self._owners, np.asarray(nodes, np.int64)])
        seen = self._lineage[np.ix_(self._owners[before:], self._owners)]
        seen[:, before:] &= np.tri(len(nodes), dtype=bool)
        return seen

    def cut(self, slots: int, nodes: int) -> None:
        """Keep the first slots and nodes alone."""
        self._owners = self._owners[:slots]
        self._lineage = self._lineage[:nodes, :nodes]

    @property
    def nodes(self) -> int:
        """How many there are."""
        return len(self._lineage)


def text_positions(start: int, length: int) -> NDArray[np.int64]:
    """Where text or sound of that many tokens stands, from `start`: three equal rows (3, length)."""
    return np.tile(np.arange(start, start + length), (3, 1))


def image_positions(start: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Where an image's tokens stand: time, row and column of each, counted from `start` (3, rows * columns)."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return start + np.stack([np.zeros_like(row), row, column])
