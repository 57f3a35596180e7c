"""A prompt's parts as tokens, in the layout that the model was trained with."""

from __future__ import annotations

import json

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from gar_ssl_ros.reasoners.prompted.description import Layout


class Prompt:
    """One model's layout in its own vocabulary. What looks like a special token in a text is plain text."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, layout: Layout) -> None:
        self._tokenizer = Tokenizer.from_str(with_special_tokens(tokenizer))
        self._plain = Tokenizer.from_str(with_special_tokens(tokenizer))
        self._plain.encode_special_tokens = True  # as text, that is
        self._layout = layout

    def opening(self, system: str) -> list[int]:
        """What comes before the media; `system` tells the model of its task."""
        return self._filled(self._layout.opening, "{system}", self._text(system))

    def sound(self, count: int) -> list[int]:
        """The sound's part, with that many embeddings."""
        holder = self._layout.audio_placeholder
        return self._filled(self._layout.audio, holder, self._special(holder) * count)

    def image(self, count: int) -> tuple[list[int], list[int], list[int]]:
        """The image's part: what comes before its embeddings, that many of them, and what comes after."""
        holder = self._layout.image_placeholder
        before, after = self._layout.image.split(holder)
        return self._special(before), self._special(holder) * count, self._special(after)

    def question(self, text: str) -> list[int]:
        """What comes after the media, up to where the model replies."""
        return self._filled(self._layout.question, "{question}", self._text(text))

    def _filled(self, part: str, holder: str, filling: list[int]) -> list[int]:
        before, after = part.split(holder)
        return [*self._special(before), *filling, *self._special(after)]

    def _special(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _text(self, text: str) -> list[int]:
        return list(self._plain.encode(text, add_special_tokens=False).ids)


def with_special_tokens(tokenizer: PreTrainedTokenizerFast) -> str:
    """A tokenizer as JSON, all its added tokens special ones: checkpoints count some of them as text."""
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    for token in described["added_tokens"]:
        token["special"] = True
    return json.dumps(described)
