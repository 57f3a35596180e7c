"""One window in a model: sound and image taken in once, and the branches that continue them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_ssl_ros.reasoners.omni.branches import Branches, image_positions, text_positions
from gar_ssl_ros.reasoners.omni.media import PictureInput, SoundInput
from gar_ssl_ros.reasoners.omni.prompt import Prompt
from gar_ssl_ros.reasoners.omni.thinker import Thinker
from gar_ssl_ros.reasoners.omni.transfer import to_device


@dataclass(frozen=True)
class Place:
    """What something continues: a node, and the position that follows it."""

    node: int
    position: int


@dataclass(frozen=True)
class Span:
    """Tokens in a row: the node that they belong to, and where they stand (3, tokens)."""

    node: int
    tokens: Sequence[int]
    positions: NDArray[np.int64]


@dataclass(frozen=True)
class Media:
    """A part of the prompt that holds a sound's embeddings, or an image that is still to be seen."""

    span: Span
    end: Place
    heard: Tensor | None = None
    picture: PictureInput | None = None


class Context:
    """The prompt begins with the sound, if any, which the image continues: either can be what questions continue."""

    def __init__(
        self, thinker: Thinker, prompt: Prompt, system: str, picture: PictureInput | None, sound: SoundInput | None
    ) -> None:
        self._thinker = thinker
        self._prompt = prompt
        self._system = system
        self._given = picture, sound
        self._cache = thinker.take_cache()
        self._branches = Branches()
        self._nodes = [self._branches.grow(), self._branches.grow(0)]
        self._waiting: list[Media] = []  # goes in with the next tokens
        self._taken = 0  # how many of the media are in the cache

    @property
    def device(self) -> torch.device:
        """Where its logits are."""
        return self._thinker.device

    def after_media(self, seen: Sequence[bool]) -> list[Place]:
        """Where questions begin, each after the sound, or after the image too; what earlier ones added is dropped.

        Media that are not in the cache yet go in with the first tokens that are fed, in one step.
        """
        self.clear()
        media = [self._sound, self._image] if any(seen) else [self._sound]
        self._waiting = media[self._taken :]
        return [media[after_image].end for after_image in seen]

    def clear(self) -> None:
        """Drop what questions have added."""
        self._waiting = []
        self.prune(len(self._nodes))

    def leave(self) -> None:
        """Give up what it holds, for the next window."""
        self._thinker.leave_cache(self._cache)

    @property
    def nodes(self) -> int:
        """How many there are."""
        return self._branches.nodes

    def grow(self, node: int) -> int:
        """A new branch of a node."""
        return self._branches.grow(node)

    def adopt(self, child: int, parent: int) -> None:
        """Make a branch's tokens its parent's own."""
        self._branches.adopt(child, parent)

    def prune(self, nodes: int) -> None:
        """Drop all but the first nodes."""
        self._branches.prune(nodes)

    def feed(self, spans: Sequence[Span]) -> Tensor:
        """Take spans into the cache, all in one step; returns the hidden state after each (spans, size)."""
        together = [*(media.span for media in self._waiting), *spans]
        lengths = [len(span.tokens) for span in together]
        slots, seen = self._branches.place(np.repeat([span.node for span in together], lengths).tolist())
        try:
            hidden = self._thinker.forward(
                [token for span in together for token in span.tokens],
                np.concatenate([span.positions for span in together], axis=1),
                slots,
                seen,
                self._cache,
                next((media.heard for media in self._waiting if media.heard is not None), None),
                next((media.picture for media in self._waiting if media.picture is not None), None),
            )
        except BaseException:
            self._branches.vacate(slots)
            raise
        self._taken += len(self._waiting)
        self._waiting = []
        ends = np.cumsum(lengths)[len(lengths) - len(spans) :] - 1
        return hidden[to_device(ends, hidden.device)]

    def logits(self, hidden: Tensor, tokens: Tensor | None = None) -> Tensor:
        """The logits that follow hidden states (states, size), of all tokens or some: float32 (states, tokens)."""
        return self._thinker.logits(hidden, tokens)

    @cached_property
    def _sound(self) -> Media:
        heard = None if self._given[1] is None else self._thinker.hear(self._given[1])
        tokens = self._prompt.opening(self._system) + ([] if heard is None else self._prompt.sound(len(heard)))
        node = self._nodes[0]
        return Media(Span(node, tokens, text_positions(0, len(tokens))), Place(node, len(tokens)), heard=heard)

    @cached_property
    def _image(self) -> Media:
        picture, node, start = self._given[0], self._nodes[1], self._sound.end.position
        if picture is None:
            raise ValueError("it is asked about an image that it was not given")
        before, inside, after = self._prompt.image(picture.rows * picture.columns)
        places = image_positions(start + len(before), picture.rows, picture.columns)
        behind = text_positions(int(places.max()) + 1, len(after))
        positions = np.concatenate([text_positions(start, len(before)), places, behind], axis=1)
        span = Span(node, [*before, *inside, *after], positions)
        return Media(span, Place(node, int(behind.max()) + 1), picture=picture)
