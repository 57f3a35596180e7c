"""The tree that a window's tokens form: sound, image, questions, trials, each seeing only what leads to it.

All of it lies in one cache, one slot a token. A branch is a choice of slots made by the attention mask, so nothing of
a shared beginning is copied or computed twice, and branches of different lengths go through the model together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROOT = -1
FREE = -1  # owner of a slot that holds nothing


class Branches:
    """Whose each slot is, and who sees whom."""

    def __init__(self) -> None:
        # Of a node in its row: itself and all that lead to it.
        self._lineage: NDArray[np.bool_] = np.zeros((0, 0), bool)
        self._owners: NDArray[np.int64] = np.zeros(0, np.int64)  # of each slot

    @property
    def nodes(self) -> int:
        """How many there are."""
        return len(self._lineage)

    def grow(self, parent: int = ROOT) -> int:
        """A new node that continues `parent`."""
        node = self.nodes
        lineage = np.zeros((node + 1, node + 1), bool)
        lineage[:node, :node] = self._lineage
        if parent != ROOT:
            lineage[node, :node] = self._lineage[parent]
        lineage[node, node] = True
        self._lineage = lineage
        return node

    def place(self, nodes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """A slot for one more token of each node of the list, and what each sees in this order: (new, slots)."""
        free = np.flatnonzero(self._owners == FREE)[: len(nodes)]
        more = len(nodes) - len(free)
        slots = np.concatenate([free, np.arange(len(self._owners), len(self._owners) + more)])
        self._owners = np.concatenate([self._owners, np.full(more, FREE)])
        self._owners[slots] = nodes
        held = self._owners != FREE
        seen = np.zeros((len(nodes), len(self._owners)), bool)
        seen[:, held] = self._lineage[np.ix_(nodes, self._owners[held])]
        seen[:, slots] &= np.tri(len(nodes), dtype=bool)
        return slots, seen

    def adopt(self, child: int, parent: int) -> None:
        """Make a child's tokens its parent's own."""
        self._owners[self._owners == child] = parent

    def vacate(self, slots: NDArray[np.int64]) -> None:
        """Free the slots."""
        self._owners[slots] = FREE

    def prune(self, nodes: int) -> None:
        """Keep the first nodes alone; the slots of the others are free."""
        self._lineage = self._lineage[:nodes, :nodes]
        self._owners[self._owners >= nodes] = FREE
        held = np.flatnonzero(self._owners != FREE)
        self._owners = self._owners[: held[-1] + 1 if len(held) else 0]


def text_positions(start: int, length: int) -> NDArray[np.int64]:
    """Where text or sound of that many tokens stands, from `start`: three equal rows (3, length)."""
    return np.tile(np.arange(start, start + length), (3, 1))


def image_positions(start: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Where an image's tokens stand: time, row and column of each, counted from `start` (3, rows * columns)."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return start + np.stack([np.zeros_like(row), row, column])
