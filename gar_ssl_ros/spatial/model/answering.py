"""A trained model as an answerer: scenes and questions in, answers in words out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from gar_ssl_ros.spatial.model.checkpoint import load
from gar_ssl_ros.spatial.model.lessons import Batches, Scene
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import NO_PARTS, Parts

MOST_TOKENS = 48  # of an answer


@dataclass(frozen=True)
class Told:
    """text: an answer in words. sureness: of each of its fields the mean probability of its tokens, 0..1, which is not
    calibrated: it is no share of answers that are right.
    """

    text: str
    sureness: tuple[float, ...]


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
        return [one.text for one in self.tell(asked)]

    def tell(self, asked: Sequence[tuple[Scene, str]], check: Callable[[], None] = lambda: None) -> list[Told]:
        """The same, and how sure the model is. check: called before each token; what it raises ends the answers."""
        check()
        batch = self._batches.to_answer(asked)
        device = next(self._model.parameters()).device
        watch = _Watch(check)
        told = self._model.answer(
            **{name: one.to(device) for name, one in batch.items()},
            most=MOST_TOKENS,
            pad_token_id=self._tokenizer.pad_token_id,
            eos_token_id=self._tokenizer.eos_token_id,
            logits_processor=LogitsProcessorList([watch]),
        )
        texts: list[str] = self._tokenizer.batch_decode(told, skip_special_tokens=True)
        return [
            Told(text.strip(), self._sureness(tokens, [step[row] for step in watch.likeliest]))
            for row, (text, tokens) in enumerate(zip(texts, told, strict=True))
        ]

    def _sureness(self, tokens: Sequence[int], probabilities: Sequence[float]) -> tuple[float, ...]:
        fields: list[list[float]] = [[]]
        for token, probability in zip(tokens, probabilities, strict=False):
            if token in (self._tokenizer.eos_token_id, self._tokenizer.pad_token_id):
                break
            if ";" not in self._tokenizer.decode([token]):
                fields[-1].append(probability)
                continue
            fields[-1] = fields[-1] or [probability]  # a word and its mark in one
            fields.append([])
        return tuple(sum(one) / len(one) if one else 0.0 for one in fields)


class _Watch(LogitsProcessor):
    """Keeps the probability of each row's likeliest token, step by step, and changes nothing."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.likeliest: list[list[float]] = []
        self._check = check

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002 - as the library calls it
        """Scores (B, V) as they are."""
        self._check()
        self.likeliest.append(scores.float().softmax(-1).amax(-1).tolist())
        return scores
