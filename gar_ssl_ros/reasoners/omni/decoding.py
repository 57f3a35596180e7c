"""Questions answered: all replies of a batch go through the model together, a step for each token they are free in."""

from __future__ import annotations

from collections.abc import Sequence

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
    logits = context.feed([answers.beginning for answers in batch])
    # All trials of a question go on from the same logits, each then from its own.
    live = [(row, logits[i]) for i, answers in enumerate(batch) for row in answers.wanted()]
    while live:
        deadline.check()
        allowed = torch.from_numpy(np.stack([row.allowed() for row, _ in live])).to(logits.device)
        fed = {row: row.step(scores, may) for (row, scores), may in zip(live, allowed, strict=True)}
        rows = [row for answers in batch for row in answers.wanted()]
        if not rows:
            break
        live = list(zip(rows, context.feed([fed[row] for row in rows]), strict=True))
    return [answers.replies for answers in batch]


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

    @property
    def reply(self) -> Reply:
        """None before it has ended."""
        if self._constraint.complete:
            return self._constraint.text(self._tokens)
        if len(self._tokens) >= self._question.most_tokens:
            return Failure(f"the reply did not end within {self._question.most_tokens} tokens")
        return None

    def allowed(self) -> NDArray[np.bool_]:
        """Which tokens may come next."""
        return self._constraint.allowed()

    def step(self, logits: Tensor, allowed: Tensor) -> Span:
        """Choose the next token; returns it with those that can only follow it."""
        token = draw(logits, allowed, self._question.sampling, self._generator)
        before = len(self._tokens)
        self._tokens += [token, *self._constraint.take(token)]
        new = self._tokens[before:]
        return Span(self._at.node, new, text_positions(self._at.position + before, len(new)))
