"""From an encoder's tokens to a language model's: a Q-Former (BLIP-2, arXiv:2301.12597), learned queries that look."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from gar_ssl_ros.spatial.model.options import ProjectorConfig


class Projector(nn.Module):
    """Each of its layers looks at the encoder's tokens."""

    def __init__(self, config: ProjectorConfig, encoded: int, language: int) -> None:
        """encoded, language: widths of the tokens that it takes and gives."""
        super().__init__()
        network = Blip2QFormerConfig(
            **{"vocab_size": 1, "cross_attention_frequency": 1, **config.network, "encoder_hidden_size": encoded}
        )
        self.queries = nn.Parameter(torch.empty(1, config.queries, network.hidden_size).normal_(std=0.02))
        self.former = Blip2QFormerModel(network)
        self.out = nn.Linear(network.hidden_size, language)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, queries, language) of an encoder's (B, any, encoded)."""
        queries = self.queries.expand(len(tokens), -1, -1)
        found: Tensor = self.out(self.former(query_embeds=queries, encoder_hidden_states=tokens).last_hidden_state)
        return found
