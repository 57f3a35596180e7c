"""Muon for matrices, AdamW for all else, as one optimizer: a small network that begins anew learns in fewer steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon

IN_A_STACK = re.compile(r"\.\d+\.")  # a layer among others alike, and not a network's first or last one


class MuonAndAdamW(torch.optim.Optimizer):
    """The matrices of layers by Muon (K. Jordan and others, 2024), all other weights by AdamW.

    Muon's steps turn all directions of a matrix by as much, and are as long as AdamW's (J. Liu and others, 2025,
    arXiv:2502.16982).
    """

    def __init__(
        self, network: nn.Module, parts: Collection[str], rates: tuple[float, float], decay: float, beta2: float
    ) -> None:
        """parts: what the names of weights begin with that may go by Muon. rates: AdamW's and Muon's. decay: of what is
        no vector.
        """
        learned = {name: one for name, one in network.named_parameters() if one.requires_grad}
        matrices = {
            name: one
            for name, one in learned.items()
            if one.ndim == 2 and name.startswith(tuple(parts)) and IN_A_STACK.search(name)
        }
        others = [one for name, one in learned.items() if name not in matrices]
        vectors, tensors = ([one for one in others if (one.ndim < 2) == flat] for flat in (True, False))
        groups = [{"params": tensors}, {"params": vectors, "weight_decay": 0.0}]
        by_adam = AdamW(groups, rates[0], (0.9, beta2), weight_decay=decay)
        self._by: tuple[torch.optim.Optimizer, ...] = (by_adam,)
        if matrices:
            by_muon = Muon(matrices.values(), rates[1], weight_decay=decay, adjust_lr_fn="match_rms_adamw")
            self._by += (by_muon,)
        super().__init__([group for one in self._by for group in one.param_groups], {})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """As of any optimizer. What is learned and at which rate is this one's, which alone is saved and loaded."""
        loss = None if closure is None else closure()
        groups = iter(self.param_groups)
        for one in self._by:
            one.state, one.param_groups = self.state, [next(groups) for _ in one.param_groups]
            one.step()
        return loss
