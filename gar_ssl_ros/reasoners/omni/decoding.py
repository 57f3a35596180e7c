"""Questions answered: all replies of a batch go through the model together.

A reply costs a step for each token that it is free in, not for those that its grammar forces. Where the grammar leaves
few tokens, as in numbers, each of them goes in ahead of its choice as a branch of its own: one step then gives two
tokens, and the same two as two steps would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.reasoners.omni.branches import text_positions
from gar_ssl_ros.reasoners.omni.context import Context, Place, Span
from gar_ssl_ros.reasoners.omni.grammar import Constraint, Grammar
from gar_ssl_ros.reasoners.omni.sampling import draw
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply

MAX_TOKENS_AHEAD = 64  # tokens a step that may go in ahead of their choice, of all replies together
MAX_APART_TOKENS = 1024  # tokens whose logits are computed apart


def decode(
    questions: Sequence[Question],
    texts: Sequence[Sequence[int]],
    after: Place,
    context: Context,
    grammar: Grammar,
    deadline: Deadline,
) -> list[list[Reply]]:
    """The replies to all questions, one for each seed.

    texts: the questions as tokens, up to where their replies begin. after: what all of them continue. Questions and
    replies stay in the context. Raises what the deadline raises, at most one step late.
    """
    batch = [_Answers(question, text, after, context, grammar) for question, text in zip(questions, texts, strict=True)]
    hidden = context.feed([answers.beginning for answers in batch])
    # All trials of a question go on from the same state, each then from its own.
    states = {row: hidden[i] for i, answers in enumerate(batch) for row in answers.wanted()}
    lasting = context.nodes
    while True:
        deadline.check()
        _choose(states, context)
        rows = [row for answers in batch for row in answers.wanted()]
        if not rows:
            return [answers.replies for answers in batch]
        guesses = [guess for row in rows for guess in row.guesses(MAX_TOKENS_AHEAD // len(rows), context)]
        hidden = context.feed([*(row.chosen for row in rows), *(guess.span for guess in guesses)])
        deadline.check()
        _choose(dict(zip(rows, hidden[: len(rows)], strict=True)), context)
        states = {}
        for guess, state in zip(guesses, hidden[len(rows) :], strict=True):
            if guess.row.reply is None and guess.span.tokens == guess.row.chosen.tokens:
                states[guess.row] = state
                context.adopt(guess.span.node, guess.row.chosen.node)
        context.prune(lasting)


def _choose(states: dict[_Row, Tensor], context: Context) -> None:
    """The next token of each reply, from the state that it has come to."""
    free = [row for row in states if len(row.allowed) > MAX_APART_TOKENS]
    logits = iter(context.logits(torch.stack([states[row] for row in free])) if free else ())
    for row, state in states.items():
        allowed = torch.from_numpy(row.allowed).to(state.device)
        row.choose(next(logits)[allowed] if row in free else context.logits(state[None], allowed)[0])


@dataclass(frozen=True)
class _Guess:
    """What may come next of a reply."""

    row: _Row
    span: Span


class _Answers:
    """A question's replies on their way."""

    def __init__(
        self, question: Question, text: Sequence[int], after: Place, context: Context, grammar: Grammar
    ) -> None:
        self._question = question
        constraint = grammar.constraint(question.schema)
        opening = constraint.forced()  # what every reply begins with, whatever the model says
        tokens = [*text, *opening]
        node = context.grow(after.node)
        self.beginning = Span(node, tokens, text_positions(after.position, len(tokens)))
        start = after.position + len(text)
        self._rows = [
            _Row(question, seed, opening, constraint.copy(), Place(context.grow(node), start), context.device)
            for seed in question.seeds
        ]
        self._ended = 0
        self._enough = False

    @property
    def replies(self) -> list[Reply]:
        """As they are: None where one has not ended."""
        return [row.reply for row in self._rows]

    def wanted(self) -> list[_Row]:
        """Those that have not ended and are still needed."""
        open_rows = [row for row in self._rows if row.reply is None]
        ended = len(self._rows) - len(open_rows)
        if ended > self._ended and self._question.enough is not None:
            self._enough = self._enough or self._question.enough(self.replies)
        self._ended = ended
        return [] if self._enough else open_rows


class _Row:
    """One reply on its way."""

    def __init__(
        self, question: Question, seed: int, opening: list[int], constraint: Constraint, at: Place, device: torch.device
    ) -> None:
        self._question = question
        self._generator = torch.Generator(device).manual_seed(seed)
        self._constraint = constraint
        self._at = at
        self._tokens = list(opening)
        self._allowed: NDArray[np.int64] | None = None
        self.chosen = Span(at.node, [], text_positions(0, 0))  # last, with what could only follow

    @property
    def reply(self) -> Reply:
        """None before it has ended."""
        if self._constraint.complete:
            return self._constraint.text(self._tokens)
        if len(self._tokens) >= self._question.max_new_tokens:
            return Failure(f"the reply did not end within {self._question.max_new_tokens} tokens")
        return None

    @property
    def allowed(self) -> NDArray[np.int64]:
        """The tokens that may come next."""
        if self._allowed is None:
            self._allowed = self._constraint.allowed()
        return self._allowed

    def choose(self, scores: Tensor) -> None:
        """Take the next token by the logits of the allowed ones, and those that can only follow it."""
        token = int(self.allowed[draw(scores, self._question.sampling, self._generator)])
        self.chosen = self._span(self._at.node, [token, *self._constraint.take(token)])
        self._tokens += self.chosen.tokens
        self._allowed = None

    def guesses(self, room: int, context: Context) -> list[_Guess]:
        """All that may come next, if that is little, in at most `room` tokens."""
        if len(self.allowed) > room:
            return []
        made = []
        for token in self.allowed.tolist():
            forced = self._constraint.after(token)
            if forced is not None and len(forced) < room:
                made.append(_Guess(self, self._span(context.grow(self._at.node), [token, *forced])))
                room -= 1 + len(forced)
        return made

    def _span(self, node: int, tokens: list[int]) -> Span:
        return Span(node, tokens, text_positions(self._at.position + len(self._tokens), len(tokens)))
