"""How the next token of a reply is chosen."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Sampling


def draw(logits: Tensor, allowed: Tensor, sampling: Sampling, generator: Generator) -> int:
    """A token among the allowed ones: the likeliest at temperature 0, else drawn from the nucleus of top_p.

    logits: float32 (tokens,). allowed: bool (tokens,). generator: on the same device, advanced by one draw.

    A drawn token wins a race in which each token's time is exponential with its probability as its rate (Gumbel-max in
    other words). Its luck is the token's own, so that rounding, which differs with what else is in the batch, changes
    the winner only where two are that close. Raises ModelError where the logits are no numbers.
    """
    logits = logits.masked_fill(~allowed, -torch.inf)
    best = logits.max()
    if not torch.isfinite(best):
        raise ModelError("the model computes no numbers: its weights are damaged, or need another dtype than this one")
    if sampling.temperature == 0:
        return int(logits.argmax())
    luck = torch.rand(len(logits), generator=generator, device=logits.device).log()
    shares = ((logits - best) / sampling.temperature).softmax(0)
    # All tokens below this share together hold less than what lies outside the nucleus.
    tokens = (shares >= (1 - sampling.top_p) / len(shares)).logical_and_(allowed).nonzero().squeeze(1)
    shares, luck = shares[tokens], luck[tokens]
    times = luck / shares  # negative: the winner's is the largest
    while True:
        winner = times.argmax()
        likelier = shares > shares[winner]
        if float(shares[likelier].sum()) < sampling.top_p:
            return int(tokens[winner])
        times = times.masked_fill(~likelier, -torch.inf)  # outside the nucleus, as is all that is no likelier
