"""Questions answered: all replies of a batch go through the model together.

A reply costs a step for each token that it is free in, not for those that its grammar forces. What may come next goes
in ahead of its choice, as branches: all of it where the grammar leaves little, as in numbers, and what came after the
same tokens before. Where choices fall on a branch, one step gives several tokens, and the same as several steps would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.reasoners.omni.branches import text_positions
from gar_ssl_ros.reasoners.omni.context import Context, Place, Span
from gar_ssl_ros.reasoners.omni.drafts import Drafts
from gar_ssl_ros.reasoners.omni.grammar import Allowed, Constraint, Grammar
from gar_ssl_ros.reasoners.omni.sampling import draw
from gar_ssl_ros.reasoners.omni.transfer import to_device
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply

MAX_TOKENS_AHEAD = 64  # tokens a step that may go in ahead of their choice, of all replies together
MIN_FURTHER_TOKENS = 8  # tokens left from which on it is looked what may come after what may come
MAX_APART_TOKENS = 1024  # tokens whose logits are computed apart


class Batch:
    """Questions on their way."""

    def __init__(
        self,
        questions: Sequence[Question],
        texts: Sequence[Sequence[int]],
        after: Sequence[Place],
        context: Context,
        grammar: Grammar,
        drafts: Drafts,
    ) -> None:
        """texts: the questions as tokens, up to where their replies begin. after: what each continues."""
        self._context = context
        self._answers = [
            _Answers(question, text, place, context, grammar, drafts)
            for question, text, place in zip(questions, texts, after, strict=True)
        ]
        self._lasting = context.nodes
        self._begun = False

    def replies(self, number: int, deadline: Deadline) -> list[Reply]:
        """The replies to one question, one for each seed; the others come as far as they do meanwhile.

        Raises what the deadline raises, between steps; within one, the model itself looks at it.
        """
        if not self._begun:
            self._begin(deadline)
        while self._answers[number].wanted():
            self._step(deadline)
        return self._answers[number].replies

    def _begin(self, deadline: Deadline) -> None:
        hidden = self._context.feed([answers.beginning for answers in self._answers])
        deadline.check()
        # All trials of a question go on from the same state, each then from its own.
        self._choose({row: hidden[i] for i, answers in enumerate(self._answers) for row in answers.wanted()})
        self._begun = True

    def _step(self, deadline: Deadline) -> None:
        deadline.check()
        context = self._context
        rows = [row for answers in self._answers for row in answers.wanted()]
        room = MAX_TOKENS_AHEAD // len(rows)
        guesses = [guess for row in rows for guess in row.guesses(room, context)]
        hidden = context.feed([*(row.chosen for row in rows), *(guess.span for guess in guesses)])
        deadline.check()
        states = dict(zip(rows, hidden, strict=False))
        ahead = {(g.row, g.path): (g, state) for g, state in zip(guesses, hidden[len(rows) :], strict=True)}
        paths: dict[_Row, tuple[int, ...]] = dict.fromkeys(rows, ())
        while states:
            self._choose(states)
            before, states = states, {}
            for row in before:
                paths[row] += tuple(row.chosen.tokens)
                if row.reply is None and (row, paths[row]) in ahead:
                    guess, states[row] = ahead[row, paths[row]]
                    for node in guess.nodes:
                        context.adopt(node, row.chosen.node)
        context.prune(self._lasting)

    def _choose(self, states: dict[_Row, Tensor]) -> None:
        """The next token of each reply, from the state that it has come to."""
        rows = list(states)
        hidden = torch.stack(list(states.values()))
        choices = [row.allowed for row in rows]
        counts = [allowed.count for allowed in choices]
        if max(counts) > MAX_APART_TOKENS:
            tokens = None
            scores = self._context.logits(hidden)
            bits = to_device(np.stack([allowed.bits for allowed in choices]), scores.device)
            each = bits.unsqueeze(2) >> torch.arange(8, dtype=torch.uint8, device=scores.device) & 1
            held = each.flatten(1)[:, : scores.shape[1]].bool()
        else:
            tokens = np.unique(np.concatenate([allowed.tokens for allowed in choices]))
            scores = self._context.logits(hidden, to_device(tokens, hidden.device))
            held = to_device(np.stack([allowed.among(tokens) for allowed in choices]), scores.device)
        samplings, generators = [row.sampling for row in rows], [row.generator for row in rows]
        for row, place in zip(rows, draw(scores, held, counts, samplings, generators), strict=True):
            row.take(place if tokens is None else int(tokens[place]))


@dataclass(frozen=True)
class _Guess:
    """What may come next of a reply: the tokens of `path`, the last of them in `span`, the nodes that hold them."""

    row: _Row
    path: tuple[int, ...]
    span: Span
    nodes: tuple[int, ...]


class _Answers:
    """A question's replies on their way."""

    def __init__(
        self,
        question: Question,
        text: Sequence[int],
        after: Place,
        context: Context,
        grammar: Grammar,
        drafts: Drafts,
    ) -> None:
        self._question = question
        constraint = grammar.constraint(question.schema, question.pattern)
        opening = constraint.forced()  # what every reply begins with, whatever the model says
        tokens = [*text, *opening]
        node = context.grow(after.node)
        self.beginning = Span(node, tokens, text_positions(after.position, len(tokens)))
        drafts.learn(tokens)
        start = after.position + len(text)
        self._rows = [
            _Row(question, seed, opening, constraint.copy(), Place(context.grow(node), start), context.device, drafts)
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
        self,
        question: Question,
        seed: int,
        opening: list[int],
        constraint: Constraint,
        at: Place,
        device: torch.device,
        drafts: Drafts,
    ) -> None:
        self._question = question
        self.sampling = question.sampling
        self.generator = torch.Generator(device).manual_seed(seed)
        self._constraint = constraint
        self._at = at
        self._drafts = drafts
        self._tokens = list(opening)
        self._allowed: Allowed | None = None
        self.chosen = Span(at.node, [], text_positions(0, 0))  # last, with what could only follow

    @property
    def reply(self) -> Reply:
        """None before it has ended."""
        if self._constraint.complete:
            return self._constraint.text(self._tokens)
        if len(self._tokens) >= self._question.max_new_tokens:
            if self._question.cut:
                return self._constraint.text(self._tokens)
            return Failure(f"the reply did not end within {self._question.max_new_tokens} tokens")
        return None

    @property
    def allowed(self) -> Allowed:
        """The tokens that may come next."""
        if self._allowed is None:
            self._allowed = self._constraint.allowed()
        return self._allowed

    def take(self, token: int) -> None:
        """Go on with one of them, and with those that can only follow it."""
        self.chosen = self._span(self._at.node, [token, *self._constraint.take(token)])
        self._tokens += self.chosen.tokens
        self._drafts.learn(self._tokens, len(self._tokens) - len(self.chosen.tokens))
        self._allowed = None

    def guesses(self, room: int, context: Context) -> list[_Guess]:
        """What may come next, in at most `room` tokens: all, as far as that is little, and a draft of more."""
        made: list[_Guess] = []
        ways: list[tuple[Allowed, _Guess | None]] = [(self.allowed, None)]
        while ways and min(allowed.count for allowed, _ in ways) <= room:
            allowed, before = way = min(ways, key=lambda way: way[0].count)
            ways.remove(way)
            start = before.path if before else ()
            on = []
            for token in allowed.tokens.tolist():
                path = self._constraint.after((*start, token))
                if path is not None and len(path) - len(start) <= room:
                    on.append(self._guess(path, before, context))
                    room -= len(path) - len(start)
            made += on
            if room > MIN_FURTHER_TOKENS:
                ways += [(self._constraint.allowed(guess.path), guess) for guess in on]
        draft = tuple(self._drafts.after(self._tokens, room))
        draft = draft[: self._constraint.valid(draft)]
        known = {guess.path: guess for guess in made}
        last = None
        for end in range(1, len(draft) + 1):
            path = draft[:end]
            if path in known:
                last = known[path]
            elif not any(other[:end] == path for other in known):
                last = self._guess(path, last, context)
                made.append(last)
        return made

    def _guess(self, path: tuple[int, ...], before: _Guess | None, context: Context) -> _Guess:
        """before: what holds the first tokens of the path."""
        held, nodes = (len(before.path), before.nodes) if before else (0, ())
        node = context.grow(nodes[-1] if nodes else self._at.node)
        return _Guess(self, path, self._span(node, path[held:], held), (*nodes, node))

    def _span(self, node: int, tokens: Sequence[int], ahead: int = 0) -> Span:
        """ahead: of how many tokens that have not been chosen."""
        start = self._at.position + len(self._tokens) + ahead
        return Span(node, tokens, text_positions(start, len(tokens)))
