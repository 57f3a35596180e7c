"""A runtime that replies what a test wants, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.reasoners.prompted.description import ModelDescription, descriptions
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply

STAGES = {"Which sound stands out": "classify", "come from one scene": "locate", "Check that": "analyze"}

GOOD = {
    "classify": '{"audio_class": "dog barking", "audio_confidence": 0.9}',
    "locate": '[{"bbox_2d": [28, 28, 84, 84], "description": "a dog"}]',
    "analyze": '{"av_consistency": 0.8, "role_tags": ["mouth"],'
    ' "anchor_votes": [{"anchor": "open_mouth", "score": 0.7}], "keep": true}',
    "refine": '{"bbox_2d": [30, 30, 84, 84], "changed": true, "ops": null,'
    ' "refined_description": "A dog stands on grass. It barks at the camera."}',
}


def described(name: str) -> ModelDescription:
    """The description of that name."""
    return next(known for known in descriptions() if known.name == name)


def stage_of(question: Question) -> str:
    """Which stage asks it."""
    return next((stage for words, stage in STAGES.items() if words in question.text), "refine")


@dataclass
class Scripted:
    """Replies by stage: a reply, or a function of the question and the seed."""

    replies: dict[str, Reply | Callable[[Question, int], Reply]] = field(default_factory=dict)
    seen_as: tuple[int, int] = (112, 112)
    description: ModelDescription = field(default_factory=lambda: described("Qwen2.5-Omni"))
    model: str = "scripted"
    batches: list[tuple[list[Question], bool]] = field(default_factory=list)
    heard: NDArray[np.float32] | None = None
    system: str = ""

    @contextmanager
    def encode(self, system: str, image: Any, audio: NDArray[np.float32], deadline: Deadline) -> Iterator[Scripted]:
        self.heard, self.system = audio, system
        yield self

    @property
    def image_size(self) -> tuple[int, int]:
        return self.seen_as

    def ask(self, questions: Sequence[Question], seen: bool) -> Sequence[Sequence[Reply]]:
        self.batches.append((list(questions), seen))
        return [[self._reply(question, seed) for seed in question.seeds] for question in questions]

    def _reply(self, question: Question, seed: int) -> Reply:
        stage = stage_of(question)
        reply = self.replies.get(stage, GOOD[stage])
        return reply(question, seed) if callable(reply) else reply

    def asked(self, stage: str) -> list[Question]:
        return [question for questions, _ in self.batches for question in questions if stage_of(question) == stage]
