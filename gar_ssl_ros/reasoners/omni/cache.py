"""The keys and values of a window's tokens, each written into the slot that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

if TYPE_CHECKING:
    from gar_ssl_ros.reasoners.omni.recording import Recorded

BLOCK_SLOTS = 256  # slots: what a layer's room is a multiple of


class SlotLayer(DynamicLayer):
    """One layer's slots. Its room doubles when it is full; till then no step copies what others have left."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = torch.empty(0, dtype=torch.int64)  # of the next tokens
        self.top = 0  # slots in use, free ones among them included

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write one step's tokens into their slots; returns keys and values of all slots, (1, heads, slots, size)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys = key_states.new_zeros((*key_states.shape[:2], 0, key_states.shape[-1]))
            self.values = value_states.new_zeros((*value_states.shape[:2], 0, value_states.shape[-1]))
        self.reserve(self.top)
        slots = self.slots.to(self.device)
        self.keys.index_copy_(2, slots, key_states)
        self.values.index_copy_(2, slots, value_states)
        return self.keys[:, :, : self.top], self.values[:, :, : self.top]

    def reserve(self, slots: int) -> bool:
        """Have room for so many; True if it had to move for that."""
        if slots <= self.keys.shape[-2]:
            return False
        more = -(-2 * slots // BLOCK_SLOTS) * BLOCK_SLOTS - self.keys.shape[-2]
        self.keys = torch.nn.functional.pad(self.keys, (0, 0, 0, more))
        self.values = torch.nn.functional.pad(self.values, (0, 0, 0, more))
        return True


class SlotCache(Cache):
    """The slots of all layers."""

    def __init__(self, layers: int) -> None:
        self._slot_layers = [SlotLayer() for _ in range(layers)]
        self.recorded: dict[tuple[int, int], Recorded] = {}  # steps, by tokens and slots
        super().__init__(layers=self._slot_layers)

    def aim(self, slots: Tensor, top: int) -> None:
        """Say where the next tokens go, on the model's device, and how many slots are then in use."""
        for layer in self._slot_layers:
            layer.slots, layer.top = slots, top
            if layer.is_initialized and layer.reserve(top):
                self.recorded.clear()  # which read and write where the slots were
