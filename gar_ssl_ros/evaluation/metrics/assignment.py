"""Which of one set goes with which of another: the one-to-one assignment of the greatest sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def assigned(gains: ArrayLike) -> list[tuple[int, int]]:
    """Pairs (row, column), each row and column at most once, whose gains add up to the most; only gains above 0 pair.

    gains: (rows, columns), finite. Kuhn's Hungarian method with potentials (Naval Research Logistics 2, 1955), in
    O(n^3): one shortest augmenting path a row.
    """
    given = np.asarray(gains, float)
    if given.ndim != 2 or not given.size:
        return []
    rows, columns = given.shape
    size = max(rows, columns)
    cost = np.zeros((size, size))
    cost[:rows, :columns] = -np.maximum(given, 0.0)
    row_of = _row_of_each_column(cost)
    pairs = [(int(row), column) for column, row in enumerate(row_of) if row < rows and column < columns]
    return sorted((row, column) for row, column in pairs if given[row, column] > 0)


def _row_of_each_column(cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """The assignment of least cost of a square matrix. Index 0 of the arrays is where each augmenting path starts."""
    size = len(cost)
    of_row, of_column = np.zeros(size + 1), np.zeros(size + 1)  # potentials
    taken_by, came_from = np.zeros(size + 1, int), np.zeros(size + 1, int)
    for row in range(1, size + 1):
        taken_by[0], column = row, 0
        least, seen = np.full(size + 1, np.inf), np.zeros(size + 1, bool)
        while taken_by[column]:
            seen[column] = True
            here = taken_by[column]
            reduced = np.append(np.inf, cost[here - 1] - of_row[here] - of_column[1:])
            better = ~seen & (reduced < least)
            least[better], came_from[better] = reduced[better], column
            following = int(np.argmin(np.where(seen, np.inf, least)))
            step = least[following]
            of_row[taken_by[seen]] += step
            of_column[seen] -= step
            least[~seen] -= step
            column = following
        while column:
            taken_by[column] = taken_by[came_from[column]]
            column = came_from[column]
    return taken_by[1:] - 1
