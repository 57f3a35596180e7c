"""How the next token of a reply is chosen."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Sampling


def draw(scores: Tensor, sampling: Sampling, generator: Generator) -> int:
    """Which of the tokens that may come next does: the likeliest at temperature 0, else one of the nucleus of top_p.

    scores: their logits, float32 (tokens,). generator: on the same device, advanced by as many draws.

    A drawn token wins a race in which each token's time is exponential with its probability as its rate (Gumbel-max in
    other words). Its luck is the token's own, so that rounding, which differs with what else is in the batch, changes
    the winner only where two are that close. Raises ModelError where the scores are no numbers.
    """
    best = scores.max()
    if not torch.isfinite(best):
        raise ModelError("the model computes no numbers: its weights are damaged, or need another dtype than this one")
    if sampling.temperature == 0:
        return int(scores.argmax())
    luck = torch.rand(len(scores), generator=generator, device=scores.device).log()
    shares = ((scores - best) / sampling.temperature).softmax(0)
    times = luck / shares  # negative: the winner's is the largest
    while True:
        winner = times.argmax()
        likelier = shares > shares[winner]
        if float(shares.where(likelier, 0.0).sum()) < sampling.top_p:
            return int(winner)
        times = times.where(likelier, -torch.inf)  # outside the nucleus, as is all that is no likelier
