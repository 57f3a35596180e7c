"""Steps of fixed sizes, each recorded once as a CUDA graph: the GPU then runs it without waiting for its launches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gar_ssl_ros.reasoners.omni.cache import SlotCache
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

# Of a recorded step, powers of 2; what is more is a prompt, whose launches cost little.
MIN_TOKENS, MAX_TOKENS = 8, 128
SLOTS = 1024  # what the number of slots that a recorded step looks at is a multiple of


def fixed_size(tokens: int, slots: int) -> tuple[int, int]:
    """The size that a step of so many tokens and slots is brought to; its last slot is nobody's."""
    return max(MIN_TOKENS, 1 << (tokens - 1).bit_length()), (slots // SLOTS + 1) * SLOTS


class Recorded:
    """One step of the language model, in one cache."""

    def __init__(self, language: Any, cache: SlotCache, embedded: Tensor, positions: Tensor, hidden: Tensor) -> None:
        """As of `run`; the step is recorded with these. Raises ModelError where the model cannot be recorded."""
        self._embedded, self._positions, self._hidden = embedded.clone(), positions.clone(), hidden.clone()
        self._slots = torch.full_like(positions[0, 0], hidden.shape[-1] - 1)  # so far nobody's
        self._graph = torch.cuda.CUDAGraph()
        cache.aim(self._slots, hidden.shape[-1])
        given = {
            "inputs_embeds": self._embedded,
            "position_ids": self._positions,
            "attention_mask": self._hidden,
            "past_key_values": cache,
            "use_cache": True,
        }
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(aside):
                language(**given)  # what is made at the first time only must not be recorded
            torch.cuda.current_stream().wait_stream(aside)
            with torch.cuda.graph(self._graph):
                self._output: Tensor = language(**given).last_hidden_state
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as problem:
            told = str(problem).partition("\n")[0]
            raise ModelError(f"a step of the model cannot be recorded ({told[:200]}): leave `compile` out") from problem

    def run(self, embedded: Tensor, positions: Tensor, hidden: Tensor, slots: Tensor) -> Tensor:
        """The hidden states (1, tokens, size) of embedded tokens of that shape.

        positions: (3, 1, tokens). hidden: what is added to the attention (1, 1, tokens, slots). slots: (tokens,).
        """
        self._embedded.copy_(embedded)
        self._positions.copy_(positions)
        self._hidden.copy_(hidden)
        self._slots.copy_(slots)
        self._graph.replay()
        return self._output.clone()
