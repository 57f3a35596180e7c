"""The keys and values of a window's tokens, written in place."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

BLOCK = 256  # slots: what a layer's room is a multiple of


class SlotLayer(DynamicLayer):
    """A layer whose room doubles when it is full: a step writes its own slots and leaves the others where they are."""

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append the slots of one step; returns the keys and values of all of them, (1, heads, slots, size)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._room_keys = self._room_values = key_states[:, :, :0]
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if after > self._room_keys.shape[-2]:
            slots = -(-2 * after // BLOCK) * BLOCK
            self._room_keys = _widened(self._room_keys, before, key_states, slots)
            self._room_values = _widened(self._room_values, before, value_states, slots)
        self._room_keys[:, :, before:after] = key_states
        self._room_values[:, :, before:after] = value_states
        self.keys = self._room_keys[:, :, :after]
        self.values = self._room_values[:, :, :after]
        return self.keys, self.values


def _widened(room: Tensor, held: int, like: Tensor, slots: int) -> Tensor:
    wider = like.new_empty((*like.shape[:2], slots, like.shape[-1]))
    wider[:, :, :held] = room[:, :, :held]
    return wider


def slot_cache(layers: int) -> Cache:
    """An empty cache for a language model of that many layers."""
    return Cache(layers=[SlotLayer() for _ in range(layers)])


def cut(cache: Cache, slots: int) -> None:
    """Keep the first slots alone, whatever a step that failed has left."""
    for layer in cache.layers:
        layer.crop(-max(0, layer.get_seq_length() - slots))
