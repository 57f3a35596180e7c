"""Replies that are valid by construction: which tokens may come next under a JSON schema (llguidance)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import llguidance.numpy
import numpy as np
from llguidance import LLMatcher, LLTokenizer
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from gar_ssl_ros.reasoners.omni.prompt import with_special_tokens

ANYTHING = r"start: /(?s:.*)/"  # any text, in Lark
MAX_GRAMMARS = 64  # grammars kept ready
# Spaces as the prompts show them and models write them: tokens such as `": "` are the model's own, not spelt apart.
SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class Grammar:
    """Makes the constraints of one model's vocabulary."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, vocabulary: int, ends: Iterable[int]) -> None:
        """vocabulary: how many logits there are, tokens or not. ends: the tokens that end a reply."""
        self._vocabulary = vocabulary
        self._tokenizer = LLTokenizer(with_special_tokens(tokenizer), n_vocab=vocabulary, eos_token=sorted(ends))
        self._compiled = lru_cache(MAX_GRAMMARS)(self._compile)

    def constraint(self, schema: Mapping[str, object] | None) -> Constraint:
        """What holds for one reply: the JSON schema, or nothing but that it is text. Raises ValueError."""
        compiled = self._compiled(None if schema is None else json.dumps(schema))
        return Constraint(compiled.deep_copy(), self._tokenizer, self._vocabulary)

    def _compile(self, schema: str | None) -> LLMatcher:
        if schema is None:
            grammar = LLMatcher.grammar_from_lark(ANYTHING)
        else:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=SPACING)
        matcher = LLMatcher(self._tokenizer, grammar)
        if matcher.is_error():
            raise ValueError(f"no grammar can be made of the schema {schema}: {matcher.get_error()}")
        return matcher


class Constraint:
    """One reply on its way."""

    def __init__(self, matcher: LLMatcher, tokenizer: LLTokenizer, vocabulary: int) -> None:
        self._matcher = matcher
        self._tokenizer = tokenizer
        self._mask = llguidance.numpy.allocate_token_bitmask(1, vocabulary)
        self._vocabulary = vocabulary

    def copy(self) -> Constraint:
        """The same reply, to be continued in another way."""
        return Constraint(self._matcher.deep_copy(), self._tokenizer, self._vocabulary)

    @property
    def complete(self) -> bool:
        """True if nothing can follow."""
        return bool(self._matcher.is_stopped())

    def forced(self) -> list[int]:
        """The tokens that can only come next, taken."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        self._take(tokens)
        return tokens

    def allowed(self) -> NDArray[np.int64]:
        """The tokens that may come next, in their order."""
        llguidance.numpy.fill_next_token_bitmask(self._matcher, self._mask)
        return np.flatnonzero(np.unpackbits(self._mask.view(np.uint8)[0], count=self._vocabulary, bitorder="little"))

    def take(self, token: int) -> list[int]:
        """Let a token come next; returns those that can only follow it, taken too."""
        self._take([token])
        return [] if self.complete else self.forced()

    def after(self, token: int) -> list[int] | None:
        """Those that could only follow a token if it came next; None where the reply would be complete."""
        self._take([token])
        tokens: list[int] = self._matcher.compute_ff_tokens()
        complete = self.complete
        self._matcher.rollback(1)
        return None if complete else tokens

    def text(self, tokens: Sequence[int]) -> str:
        """What they spell, without the token that may end it."""
        return str(self._tokenizer.decode_str([token for token in tokens if token not in self._tokenizer.eos_tokens]))

    def _take(self, tokens: list[int]) -> None:
        if not self._matcher.consume_tokens(tokens):
            raise RuntimeError(f"the grammar refuses what it allowed: {self._matcher.get_error()}")
