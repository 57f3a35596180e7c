"""Numbers as a small language model of our own reads and says them: each a word, near those of its neighbours.

A large one has learned that 41 is nearly 40, and far from 140. To learn it anew takes far more questions than to learn
what they ask.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

WAVES = 8  # of the curve through numbers' words
OWN = 0.1  # how much of a number's word is its own, and not its place among the others
DEGREES = tuple(range(-180, 181))
METRES = tuple(tenths / 10 for tenths in range(100))  # told as 2.3, and then the last digit


def words() -> Iterator[str]:
    """All numbers that are words."""
    yield from (str(one) for one in DEGREES)
    yield from (f"{one:.1f}" for one in METRES)


def curve(angles: Tensor, count: int) -> Tensor:
    """Points of length 1 on a closed curve (N, 2 * count), neighbours near each other: waves of ever shorter period.

    angles: radians (N,).
    """
    periods = torch.arange(1, count + 1)
    both = torch.cat([(angles[:, None] * periods).cos(), (angles[:, None] * periods).sin()], 1)
    return F.normalize(both / periods.sqrt().repeat(2), dim=1)


def axes(count: int, width: int, seed: int) -> Tensor:
    """Directions (count, width), each of length 1, at right angles to each other if there is room."""
    found = nn.init.orthogonal_(torch.empty(count, width), generator=torch.Generator().manual_seed(seed))
    return F.normalize(found, dim=1)


def place(embedding: nn.Embedding, tokenizer: Any) -> None:
    """Move the words of numbers to their places: degrees around a circle, m along half of another one."""
    around, along = axes(4 * WAVES, embedding.embedding_dim, seed=1).split(2 * WAVES)
    degrees = curve(torch.deg2rad(torch.tensor(DEGREES)), WAVES) @ around
    metres = curve(torch.tensor(METRES) * math.pi / METRES[-1], WAVES) @ along
    ids = torch.tensor(tokenizer.convert_tokens_to_ids(list(words())))
    weights = embedding.weight
    with torch.no_grad():
        length = weights[ids].norm(dim=1).mean()
        weights[ids] = OWN * weights[ids] + length * torch.cat([degrees, metres])


def degrees(embeddings: Tensor, tokenizer: Any, wanted: Sequence[int]) -> Tensor | None:
    """The words (N, width) of so many degrees; None where the tokenizer has no words for numbers."""
    known = tokenizer.get_vocab()
    ids = [known[str(one)] for one in wanted if str(one) in known]
    return embeddings[torch.tensor(ids)] if len(ids) == len(wanted) else None
