"""How many steps of a model a window takes whose replies are what a trained model might write, by its vocabulary alone.

    python benchmarks/omni_steps.py FOLDER

FOLDER: of a checkpoint, of which only the tokenizer is read. No model runs: the next token is always that of the reply
written down here, and the grammar, the batches and what goes in ahead decide how many steps that takes. Beside it the
published eight calls, which take a step for each token. The replies, of four windows, were written by hand and were in
sight while the code was changed (omni_replies.json).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from transformers import Qwen2Tokenizer

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.reasoners.omni.context import Place, Span
from gar_ssl_ros.reasoners.omni.decoding import Batch
from gar_ssl_ros.reasoners.omni.drafts import Drafts
from gar_ssl_ros.reasoners.omni.grammar import Grammar
from gar_ssl_ros.reasoners.prompted.reasoner import ANALYSIS, HEARD, REFINED, SEEN
from gar_ssl_ros.reasoners.prompted.replies import schema_of
from gar_ssl_ros.reasoners.prompted.runtime import Question, Sampling

REPLIES = Path(__file__).with_name("omni_replies.json")


class Script:
    """A context whose model writes what is written down."""

    device = torch.device("cpu")

    def __init__(self, vocabulary: int) -> None:
        self.steps = 0
        self.next: list[int] = []  # token of each state that is asked about
        self._vocabulary = vocabulary
        self._nodes = 1

    @property
    def nodes(self) -> int:
        """As of a context, like all that follows."""
        return self._nodes

    def grow(self, _node: int) -> int:
        """No history is kept."""
        self._nodes += 1
        return self._nodes - 1

    def adopt(self, _child: int, _parent: int) -> None:
        """Nothing is held."""

    def prune(self, nodes: int) -> None:
        """All that was held."""
        self._nodes = nodes

    def feed(self, spans: Sequence[Span]) -> torch.Tensor:
        """One step."""
        self.steps += 1
        return torch.zeros(len(spans), 1)

    def logits(self, hidden: torch.Tensor, tokens: torch.Tensor | None = None) -> torch.Tensor:
        """In which the next token of the script stands out."""
        scores = torch.zeros(len(hidden), self._vocabulary if tokens is None else len(tokens))
        places = self.next if tokens is None else np.searchsorted(tokens.numpy(), self.next)
        scores[range(len(hidden)), places] = 1
        return scores


class ScriptedBatch(Batch):
    """One that tells the script which replies are asked about."""

    scripts: dict[object, list[int]]

    def _choose(self, states: dict[Any, torch.Tensor]) -> None:
        self._context.next = [self.scripts[row][len(row._tokens)] for row in states]  # type: ignore[attr-defined]
        super()._choose(states)


def steps(asked: Sequence[tuple[TypeAdapter[Any], list[object]]], grammar: Grammar, drafts: Drafts) -> tuple[int, int]:
    """Of one batch, and of the same replies one after the other, a token a step."""
    texts = [[json.dumps(reply) for reply in replies] for _, replies in asked]
    script = Script(grammar._vocabulary)
    questions = [
        Question("", schema_of(kind, (1, 1) if kind is SEEN else None), Sampling(), tuple(range(len(each))), 2000)
        for (kind, _), each in zip(asked, texts, strict=True)
    ]
    places = [Place(0, 1)] * len(asked)
    batch = ScriptedBatch(questions, [[0]] * len(asked), places, script, grammar, drafts)  # type: ignore[arg-type]
    rows = [row for answers in batch._answers for row in answers._rows]
    end = grammar._tokenizer.eos_tokens[0]
    tokens = [grammar._tokenizer.tokenize_str(text) for each in texts for text in each]
    batch.scripts = {row: [*held, end] for row, held in zip(rows, tokens, strict=True)}
    assert [batch.replies(number, Deadline()) for number in range(len(asked))] == texts
    return script.steps, sum(len(held) + 1 for held in tokens)


def main() -> None:
    tokenizer = Qwen2Tokenizer.from_pretrained(sys.argv[1])
    grammar = Grammar(tokenizer, -(-len(tokenizer) // 128) * 128, [tokenizer.eos_token_id])
    print(f"{'window':18}{'published':>10}{'ours':>6}{'fewer':>8}   classify and locate, analyze, refine")
    for window in json.loads(REPLIES.read_text()):
        drafts = Drafts()
        first = [(HEARD, [window["classify"]]), (SEEN, [window["locate"]])]
        batches = [first, [(ANALYSIS, window["analyze"])], [(REFINED, [window["refine"]])]]
        found = [steps(batch, grammar, drafts) for batch in batches]
        ours, published = (sum(column) for column in zip(*found, strict=True))
        label = window["classify"]["audio_class"]
        print(f"{label:18}{published:10}{ours:6}{published / ours:8.1f}   {', '.join(str(own) for own, _ in found)}")


if __name__ == "__main__":
    main()
