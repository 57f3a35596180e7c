"""The model itself: towers, language model and head as torch runs them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.reasoners.omni.cache import SlotCache
from gar_ssl_ros.reasoners.omni.media import PictureInput, SoundInput
from gar_ssl_ros.reasoners.omni.recording import MAX_TOKENS, Recorded, fixed_size
from gar_ssl_ros.reasoners.omni.transfer import to_device


class Thinker:
    """A Thinker of transformers, called so that nothing is left behind in it from one call to the next.

    Left to itself it keeps `rope_deltas`, the offset of the last call's positions, and goes by it in another call, of
    another window. So every call gets its positions, three rows of them, and its own mask.
    """

    def __init__(self, module: PreTrainedModel, fixed: bool = False) -> None:
        """fixed: whether the steps of replies are brought to a few sizes, which a GPU records."""
        self.module = module
        self.fixed = fixed
        self._spare: SlotCache | None = None
        self.device: torch.device = module.get_input_embeddings().weight.device
        self.layers = int(module.config.get_text_config().num_hidden_layers)
        self.vocabulary = int(module.lm_head.out_features)
        self.deadline: Deadline | None = None  # looked at before each layer: on a CPU a whole step may take seconds
        inner = module.model
        for layer in (*inner.audio_tower.layers, *inner.visual.blocks, *inner.language_model.layers):
            layer.register_forward_pre_hook(self._check)

    def hear(self, sound: SoundInput) -> Tensor:
        """The audio tower's embeddings of a sound (tokens, size)."""
        heard = self.module.get_audio_features(
            sound.mel.to(self.device), feature_attention_mask=sound.held.to(self.device), return_dict=True
        )
        return heard.last_hidden_state

    def forward(
        self,
        tokens: Sequence[int],
        positions: NDArray[np.int64],
        slots: NDArray[np.int64],
        seen: NDArray[np.bool_],
        cache: SlotCache,
        heard: Tensor | None = None,
        picture: PictureInput | None = None,
    ) -> Tensor:
        """Take tokens into the cache; returns the hidden state of each (tokens, size).

        positions: (3, tokens). slots: where they go in the cache. seen: which of all slots each sees, its own among
        them (tokens, all slots).
        heard, picture: where the tokens hold places for a sound's embeddings, or for an image's.
        """
        count, media = len(tokens), heard is not None or picture is not None
        fixed = self.fixed and not media and count <= MAX_TOKENS
        if fixed:
            tokens, positions, slots, seen = _padded(tokens, positions, slots, seen)
        ids = to_device(np.array([tokens], np.int64), self.device)
        embedded = self.module.get_input_embeddings()(ids)
        if heard is not None:
            places = ids == self.module.config.audio_token_id
            embedded = embedded.masked_scatter(places.unsqueeze(-1), heard.to(embedded.device, embedded.dtype))
        hidden = torch.zeros((1, 1, *seen.shape), dtype=embedded.dtype, device=self.device)
        hidden.masked_fill_(to_device(~seen, self.device), torch.finfo(embedded.dtype).min)
        there, into = to_device(positions, self.device).unsqueeze(1), to_device(slots, self.device)
        cache.aim(into, seen.shape[1])
        if fixed and self.device.type == "cuda":
            return self._recorded(cache, embedded, there, hidden).run(embedded, there, hidden, into)[0, :count]
        image = {}
        if picture is not None:
            image = {
                "pixel_values": picture.patches.to(self.device),
                "image_grid_thw": picture.grid.to(self.device),
            }
        output = self.module.model(
            input_ids=ids,
            inputs_embeds=embedded,
            position_ids=there,
            attention_mask=hidden,
            past_key_values=cache,
            use_cache=True,
            **image,
        )
        return output.last_hidden_state[0, :count]

    def take_cache(self) -> SlotCache:
        """One for a window: where sizes are fixed, the one that a window left, with the steps recorded in it."""
        cache, self._spare = self._spare or SlotCache(self.layers), None
        return cache

    def leave_cache(self, cache: SlotCache) -> None:
        """What a window that went well no longer needs."""
        self._spare = cache if self.fixed else None

    def _recorded(self, cache: SlotCache, embedded: Tensor, positions: Tensor, hidden: Tensor) -> Recorded:
        size = embedded.shape[1], hidden.shape[-1]
        if size not in cache.recorded:
            deadline, self.deadline = self.deadline, None  # a recording ends whole
            try:
                language = self.module.model.language_model
                cache.recorded[size] = Recorded(language, cache, embedded, positions, hidden)
            finally:
                self.deadline = deadline
        return cache.recorded[size]

    def _check(self, *_: object) -> None:
        if self.deadline is not None:
            self.deadline.check()

    def logits(self, hidden: Tensor, tokens: Tensor | None = None) -> Tensor:
        """The logits that follow hidden states (states, size), of all tokens or some: float32 (states, tokens).

        Of few tokens they cost next to nothing, where the head as a whole is a good part of a step.
        """
        head = self.module.lm_head
        return (head(hidden) if tokens is None else hidden @ head.weight[tokens].T).float()


def _padded(
    tokens: Sequence[int], positions: NDArray[np.int64], slots: NDArray[np.int64], seen: NDArray[np.bool_]
) -> tuple[list[int], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The same step at a fixed size: what is added goes into a slot that is nobody's, and sees it alone."""
    count, width = fixed_size(*seen.shape)
    more = count - len(tokens)
    wide = np.zeros((count, width), bool)
    wide[: seen.shape[0], : seen.shape[1]] = seen
    wide[seen.shape[0] :, -1] = True
    return (
        [*tokens, *[0] * more],
        np.pad(positions, ((0, 0), (0, more))),
        np.pad(slots, (0, more), constant_values=width - 1),
        wide,
    )
