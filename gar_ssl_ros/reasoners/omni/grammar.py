"""Replies that are valid by construction: which tokens may come next under a JSON schema (llguidance)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

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
# Tokens that are looked through once and for all, where any of them may go on a string of `replies.py`. They change no
# mask, only the time that one takes: with Qwen's vocabulary 0.1 to 0.3 ms instead of 1 ms.
SLICES = ["[a-z0-9_]{1,12}", "[a-z0-9 ,.'()/&-]{1,12}", r"[ !#-\[\]-~]{1,12}", r"[ !#-\[\]-~]+"]


class Grammar:
    """Makes the constraints of one model's vocabulary."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, vocabulary: int, ends: Iterable[int]) -> None:
        """vocabulary: how many logits there are, tokens or not. ends: the tokens that end a reply."""
        self._vocabulary = vocabulary
        self._tokenizer = LLTokenizer(
            with_special_tokens(tokenizer), n_vocab=vocabulary, eos_token=sorted(ends), slices=SLICES
        )
        self._compiled = lru_cache(MAX_GRAMMARS)(self._compile)

    def constraint(self, schema: Mapping[str, object] | None, pattern: str | None = None) -> Constraint:
        """What holds for one reply: the JSON schema, else the pattern, else that it is text. Raises ValueError."""
        compiled = self._compiled(None if schema is None else json.dumps(schema), pattern)
        return Constraint(compiled.deep_copy(), self._tokenizer, self._vocabulary)

    def _compile(self, schema: str | None, pattern: str | None) -> LLMatcher:
        if schema is not None:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=SPACING)
        elif pattern is not None:
            grammar = LLMatcher.grammar_from_regex(pattern)
        else:
            grammar = LLMatcher.grammar_from_lark(ANYTHING)
        matcher = LLMatcher(self._tokenizer, grammar)
        if matcher.is_error():
            raise ValueError(f"no grammar can be made of {schema or pattern}: {matcher.get_error()}")
        return matcher


class Allowed:
    """The tokens that may come next, a bit each."""

    def __init__(self, bits: NDArray[np.uint8], vocabulary: int) -> None:
        """bits: the first token's is the lowest of the first byte."""
        self.bits = bits
        self._each = np.unpackbits(bits, count=vocabulary, bitorder="little")
        self.count = int(np.count_nonzero(self._each))

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """They, in their order."""
        return np.flatnonzero(self._each)

    def among(self, tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the tokens they are."""
        return self._each[tokens].astype(bool)


class Constraint:
    """One reply on its way."""

    def __init__(self, matcher: LLMatcher, tokenizer: LLTokenizer, vocabulary: int) -> None:
        self._matcher = matcher
        self._tokenizer = tokenizer
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

    def allowed(self, after: Sequence[int] = ()) -> Allowed:
        """The tokens that may come next, or after some that may."""
        mask = llguidance.numpy.allocate_token_bitmask(1, self._vocabulary)
        self._take(after)
        llguidance.numpy.fill_next_token_bitmask(self._matcher, mask)
        self._matcher.rollback(len(after))
        return Allowed(mask[0].view(np.uint8), self._vocabulary)

    def take(self, token: int) -> list[int]:
        """Let a token come next; returns those that can only follow it, taken too."""
        self._take([token])
        return [] if self.complete else self.forced()

    def after(self, tokens: Sequence[int]) -> tuple[int, ...] | None:
        """Tokens that may come next, with those that can only follow them; None where they would complete the reply."""
        self._take(tokens)
        forced: list[int] = self._matcher.compute_ff_tokens()
        complete = self.complete
        self._matcher.rollback(len(tokens))
        return None if complete else (*tokens, *forced)

    def valid(self, tokens: Sequence[int]) -> int:
        """How many of the tokens may come next, one after the other."""
        return int(self._matcher.validate_tokens(list(tokens)))

    def text(self, tokens: Sequence[int]) -> str:
        """What they spell, without the token that may end it."""
        return str(self._tokenizer.decode_str([token for token in tokens if token not in self._tokenizer.eos_tokens]))

    def _take(self, tokens: Sequence[int]) -> None:
        if not self._matcher.consume_tokens(list(tokens)):
            raise RuntimeError(f"the grammar refuses what it allowed: {self._matcher.get_error()}")
