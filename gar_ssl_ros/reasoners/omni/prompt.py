"""A prompt's parts as tokens, in the layout that the model was trained with."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from gar_ssl_ros.reasoners.prompted.description import Layout


class Prompt:
    """One model's layout in its own vocabulary. What looks like a special token in a text is plain text."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, layout: Layout) -> None:
        self._tokenizer = tokenizer
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
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _text(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
