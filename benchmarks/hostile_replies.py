"""Part of hostile.py: a model that replies anything at all, through the prompted reasoner and the method."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, get_args

import numpy as np
from hostile import Tally

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.foreign import ForeignReasoner
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.media.window import SECOND, Frame, Window, audio_from_samples
from gar_ssl_ros.output.record import record_from_localization
from gar_ssl_ros.reasoners.options import Coordinates, PromptOptions
from gar_ssl_ros.reasoners.prompted.description import descriptions
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply

GOOD = {
    "classify": {"audio_class": "dog barking", "audio_confidence": 0.9},
    "locate": [{"bbox_2d": [28, 28, 84, 84], "description": "a dog"}],
    "several": [{"bbox_2d": [2, 2, 8, 8], "description": "a", "audio_class": "dog", "audio_confidence": 0.5}],
    "analyze": {
        "av_consistency": 0.8,
        "role_tags": ["mouth"],
        "anchor_votes": [{"anchor": "mouth", "score": 0.7}],
        "keep": False,
    },
    "refine": {
        "bbox_2d": [30, 30, 84, 84],
        "changed": True,
        "ops": {"op": "expand", "amount": -3},
        "refined_description": "A dog stands on grass. It barks at the camera.",
    },
}
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    2**70,
    -(2**63),
    1e308,
    1e-320,
    float("nan"),
    float("inf"),
    "",
    "x" * 10_000,
    [],
    {},
)
VALUES += ([[]], {"a": {}}, "\ud800", "\0", "\u202e", "NaN", "1", [0] * 500, "é", 0.30000000000000004)
WRAPS = ("{}", "```json\n{}\n```", "Here it is: {}", "{} and more", "[{}]", "{{{}}}", "\ufeff{}", " \n{}\n ", "{}{}")


class Anything:
    """A runtime whose replies are of chance."""

    description = next(iter(descriptions()))
    model = "anything"
    image_size = (112, 112)

    def __init__(self, chance: Random, wild: float) -> None:
        self._chance = chance
        self._wild = wild
        self.replies = 0

    @contextmanager
    def encode(self, system: str, image: Any, audio: Any, deadline: Deadline) -> Iterator[Anything]:  # noqa: ARG002
        """A window, which it does not look at."""
        yield self

    def ask(self, questions: Sequence[Question], seen: bool) -> Sequence[Sequence[Reply]]:  # noqa: ARG002
        """As many replies as are asked for."""
        replies = [[self._reply(question) for _ in question.seeds] for question in questions]
        self.replies += sum(map(len, replies))
        return replies

    def _reply(self, question: Question) -> Reply:
        chance, text = self._chance, question.text
        stage = "classify" if "Which sound" in text else "analyze" if "Check that" in text else "refine"
        if "come from one scene" in text:
            stage = "several" if "audio_class" in text else "locate"
        good = GOOD[stage]
        if chance.random() > self._wild:
            return json.dumps(good)
        kind = chance.random()
        if kind < 0.03:
            return Failure("as it were") if kind < 0.015 else None
        if kind < 0.15:
            return "".join(chr(chance.choice([chance.randrange(128), chance.randrange(0x110000)])) for _ in range(60))
        if kind < 0.2:
            return chance.choice("[{\"'") * chance.choice([1, 1000, 100_000])
        changed = json.dumps(_changed(json.loads(json.dumps(good)), chance))
        if kind < 0.5:
            return changed
        if kind < 0.7:
            return changed[: chance.randrange(len(changed) + 1)]
        if kind < 0.85:
            return chance.choice(WRAPS).replace("{}", changed)
        spoiled = list(changed)
        for _ in range(3):
            spoiled[chance.randrange(len(spoiled))] = chr(chance.randrange(1, 0x3000))
        return "".join(spoiled)


def run(tally: Tally) -> None:
    chance = Random(tally.seed)
    unforeseen = Unforeseen()
    logging.getLogger("gar_ssl_ros").addHandler(unforeseen)
    logging.getLogger("gar_ssl_ros").propagate = False
    outcomes: Counter[Outcome] = Counter()
    window, windows = _window(), 0
    while tally.done < tally.cases and not tally.out_of_time:
        runtime = Anything(chance, chance.choice([0.1, 0.3, 1.0]))
        asked = PromptOptions(
            off_screen=chance.random() < 0.5, grounded=chance.random() < 0.5, early=chance.random() < 0.5
        )
        gar = GarOptions(sources=chance.choice([1, 3]), trials=chance.choice([1, 5, 20]))
        done = tally.done
        with tally.case("a window"):
            reasoner = PromptedReasoner(runtime, chance.choice(get_args(Coordinates)), asked)
            for found in localize(window, ForeignReasoner(reasoner), gar):
                outcomes[found.outcome] += 1
                record_from_localization("image", windows, window, found).model_dump_json()
        windows += 1
        tally.done = done + runtime.replies
    for told in unforeseen.told:
        tally.traceback(told)
    tally.done = min(tally.done, tally.cases)
    counts = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.most_common())
    tally.notes.append(f"{windows:,} windows: {counts}")
    if outcomes[Outcome.BACKEND_ERROR]:
        tally.broken.append("a reply broke the reasoner, where it should have been an answer that cannot be read")


def _changed(value: Any, chance: Random) -> Any:
    """The same with something else somewhere in it."""
    if chance.random() < 0.3 or not isinstance(value, (dict, list)) or not value:
        return chance.choice(VALUES)
    key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    kind = chance.random()
    if isinstance(value, dict) and kind < 0.15:
        del value[key]
    elif isinstance(value, dict) and kind < 0.3:
        value[chance.choice(["extra", "", "bbox_2d", "keep"])] = chance.choice(VALUES)
    elif isinstance(value, list) and kind < 0.3:
        value += value * chance.choice([1, 50])
    else:
        value[key] = _changed(value[key], chance)
    return value


class Unforeseen(logging.Handler):
    """Keeps what the method logs with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.exc_info:
            self.told.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


def _window() -> Window:
    frames = tuple(Frame(index * SECOND // 10, np.full((96, 128, 3), index, np.uint8)) for index in range(10))
    sound = audio_from_samples(0, np.sin(np.arange(16_000) / 5)[None], 16_000)
    return Window(0, SECOND, frames, sound)
