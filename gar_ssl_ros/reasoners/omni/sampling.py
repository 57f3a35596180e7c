"""How the next tokens of all replies are chosen: at once, on the device that computed their logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from gar_ssl_ros.reasoners.omni.transfer import to_device
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Sampling


def draw(
    scores: Tensor,
    allowed: Tensor,
    counts: Sequence[int],
    samplings: Sequence[Sampling],
    generators: Sequence[Generator],
) -> list[int]:
    """Which token comes next in each row: the likeliest at temperature 0, else one of the nucleus of top_p.

    scores: logits, float32 (rows, tokens). allowed: which of them may come, bool (rows, tokens). counts: how many those
    are. generators: one a row, on the same device, advanced by as many draws as its row's count.

    A drawn token wins a race in which each token's time is exponential with its probability as its rate (Gumbel-max in
    other words). Its luck is the token's own, so that rounding, which differs with what else is in the batch, changes
    the winner only where two are that close. Raises ModelError where a row's scores are no numbers.
    """
    drawn = [sampling.temperature > 0 for sampling in samplings]
    told = [[s.temperature, s.top_p] if s.temperature > 0 else [1, np.inf] for s in samplings]
    temperature, top_p = to_device(np.array(told, np.float32), scores.device).split(1, dim=1)
    scores = scores.masked_fill(~allowed, -torch.inf)
    best = scores.amax(1, keepdim=True)
    shares, times = torch.zeros_like(best), scores
    if any(drawn):
        shares = ((scores - best) / temperature).softmax(1)
        luck = _luck(allowed, counts, [g if d else None for g, d in zip(generators, drawn, strict=True)])
        times = luck.log_() / shares  # negative: the winner's is the largest, that of a share of 0 the smallest
        times = times if all(drawn) else times.where(top_p < torch.inf, scores)
    while True:
        winners = times.argmax(1, keepdim=True)
        likelier = shares > shares.gather(1, winners) if any(drawn) else shares > 0
        settled = (shares * likelier).sum(1, keepdim=True) < top_p
        result = torch.cat([winners, settled, best.isfinite()], dim=1).tolist()  # here alone the host waits
        if not all(finite for _, _, finite in result):
            raise ModelError(
                "the model computes no numbers: its weights are damaged, or need another dtype than this one"
            )
        if all(done for _, done, _ in result):
            return [winner for winner, _, _ in result]
        times = times.masked_fill(~(settled | likelier), -torch.inf)  # no nucleus holds what is no likelier


def _luck(allowed: Tensor, counts: Sequence[int], generators: Sequence[Generator | None]) -> Tensor:
    """A number in [0, 1) for each allowed token, drawn in their order; 0.5 elsewhere, and in rows without generator."""
    drawn = torch.full((sum(counts),), 0.5, device=allowed.device)
    for row, generator in zip(drawn.split(list(counts)), generators, strict=True):
        if generator is not None:
            row.uniform_(generator=generator)
    return torch.full(allowed.shape, 0.5, device=allowed.device).masked_scatter_(allowed, drawn)
