"""From an encoder's tokens to a language model's: a Q-Former (BLIP-2, arXiv:2301.12597), learned queries that look."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from gar_ssl_ros.spatial.model.options import ProjectorConfig

UNSEEN = -1e9  # before a softmax


class Projector(nn.Module):
    """Each of its layers looks at the encoder's tokens, at all or at those of a part of the panorama each."""

    sight: Tensor | None

    def __init__(
        self, config: ProjectorConfig, encoded: int, language: int, patches: tuple[int, int] | None = None
    ) -> None:
        """encoded, language: widths of the tokens that it takes and gives. patches: rows and columns of a panorama."""
        super().__init__()
        network = Blip2QFormerConfig(
            **{"vocab_size": 1, "cross_attention_frequency": 1, **config.network, "encoder_hidden_size": encoded}
        )
        self.queries = nn.Parameter(torch.empty(1, config.queries, network.hidden_size).normal_(std=0.02))
        self.former = Blip2QFormerModel(network)
        self.out = nn.Linear(network.hidden_size, language)
        local = patches is not None and config.sight is not None
        sight = _sight(config.queries, patches, config.sight) if local else None  # type: ignore[arg-type]
        self.register_buffer("sight", sight, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, queries, language) of an encoder's (B, any, encoded)."""
        queries = self.queries.expand(len(tokens), -1, -1)
        sight = None if self.sight is None else self.sight.to(queries.dtype).expand(len(tokens), -1, -1, -1)
        former = self.former(query_embeds=queries, encoder_hidden_states=tokens, encoder_attention_mask=sight)
        found: Tensor = self.out(former.last_hidden_state)
        return found


def parts_of(azimuths: Tensor, queries: int) -> Tensor:
    """Which query's part of a panorama directions, degrees, are in: they go from behind by the left around."""
    return ((180 - azimuths) % 360 * (queries / 360)).long().clamp(max=queries - 1)


def _sight(queries: int, patches: tuple[int, int], degrees: float) -> Tensor:
    """What is added before a softmax (1, 1, queries, rows * columns): 0 where a query looks, else far less."""
    rows, columns = patches
    seen = (torch.arange(columns) + 0.5) / columns
    middles = (torch.arange(queries) + 0.5) / queries
    apart = ((seen[None] - middles[:, None] + 0.5) % 1 - 0.5).abs() * 360
    looks = (apart <= degrees / 2).tile(1, rows)[None, None]
    return torch.where(looks, 0.0, UNSEEN)
