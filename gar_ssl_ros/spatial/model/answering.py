"""A trained model as an answerer: scenes and questions in, answers in words out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gar_ssl_ros.spatial.model.checkpoint import load
from gar_ssl_ros.spatial.model.lessons import Batches, Scene
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import NO_PARTS, Parts

MOST_TOKENS = 48  # of an answer


class ModelAnswerer:
    """Answers many questions at once."""

    def __init__(self, model: HearYouAre, tokenizer: Any) -> None:
        self.config = model.config
        self._model, self._tokenizer = model, tokenizer
        self._batches = Batches(model.config, tokenizer, model.media_tokens)

    @classmethod
    def of(cls, folder: Path, parts: Parts = NO_PARTS) -> ModelAnswerer:
        """See checkpoint.load."""
        return cls(*load(folder, parts))

    def answer(self, asked: Sequence[tuple[Scene, str]]) -> list[str]:
        """In words, as the model was taught to answer."""
        batch = self._batches.to_answer(asked)
        device = next(self._model.parameters()).device
        told = self._model.answer(
            **{name: one.to(device) for name, one in batch.items()},
            most=MOST_TOKENS,
            pad_token_id=self._tokenizer.pad_token_id,
            eos_token_id=self._tokenizer.eos_token_id,
        )
        found: list[str] = self._tokenizer.batch_decode(told, skip_special_tokens=True)
        return [one.strip() for one in found]
