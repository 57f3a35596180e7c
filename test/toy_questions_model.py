"""A toy model of spatial questions that has learned a few answers by heart, whatever it sees and hears.

Its weights are random but for that: it is built, saved and loaded as a real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from gar_ssl_ros.spatial.model.checkpoint import save
from gar_ssl_ros.spatial.model.lessons import Batches, Lesson, Placed, Scene
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import Hears, ModelConfig
from gar_ssl_ros.spatial.model.sizes import config_of
from gar_ssl_ros.spatial.model.words import vocabulary
from gar_ssl_ros.spatial.questions.forms import Fields, QuestionType, Spot
from gar_ssl_ros.spatial.questions.words import Question, answer_text, question_text, wordings

CLASSES = ("dog", "phone")
SPOT = Spot(40.0, -10.0, 2.0)
PLACE = {"azimuth": 40.0, "elevation": -10.0, "distance": 2.0}
SAYS: Mapping[QuestionType, Fields] = {
    QuestionType.Q9: {"sound": "dog", "visible": "visible"},
    QuestionType.Q7: {"object": "dog", **PLACE},
    QuestionType.Q5: {"object": "dog", "sounding": "making sound"},
    QuestionType.Q1: {"sound": "dog", "object": "dog"},
    QuestionType.Q2: {"closer": "yes"},
}
HIDDEN = {**SAYS, QuestionType.Q9: {"sound": "dog", "visible": "not visible"}}
SLOTS = {
    QuestionType.Q5: [PLACE],
    QuestionType.Q2: [{"sound": "dog", "object": one} for one in CLASSES],
}
STEPS, ENOUGH = 400, 0.02  # of learning, at most; the loss at which it is over
SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


def toy_config(vocabulary_size: int, hears: Hears = "binaural", sees: bool = True) -> ModelConfig:
    """Of a few thousand weights."""
    config = config_of("tiny", CLASSES, hears, sees, vocabulary_size)
    projector = {"queries": 2, "network": {**config.seeing_projector.network, **SMALL}}
    return config.model_validate(
        {
            **config.model_dump(),
            "hearing": {**config.hearing.model_dump(), "width": 32, "depth": 1, "heads": 2},
            "seeing": {**config.seeing, **SMALL},
            "hearing_projector": projector,
            "seeing_projector": projector,
            "language": {**config.language, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
        }
    )


def write(folder: Path, says: Mapping[QuestionType, Fields] | None = SAYS, **changes: object) -> Path:
    """Into a folder. says: the answers that it has learned, in all wordings; None where it has learned nothing."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer = vocabulary(CLASSES)
    model = HearYouAre(toy_config(len(tokenizer), **changes))  # type: ignore[arg-type]
    if says is not None:
        _learn(model, tokenizer, says)
    save(model, tokenizer, folder)
    return folder


def _learn(model: HearYouAre, tokenizer: object, says: Mapping[QuestionType, Fields]) -> None:
    random = np.random.default_rng(0)
    width, height = model.config.picture
    scene = Scene(
        random.integers(0, 256, (height, width, 3), np.uint8),
        random.normal(0, 0.1, (2, model.config.hearing.samples)).astype(np.float32),
        model.config.hearing.rate,
    )
    lessons = [
        Lesson("one", lambda: scene, Placed("dog", SPOT), (), question_text(Question(asked, one, slots)), answer)
        for asked, answer in ((asked, answer_text(asked, fields)) for asked, fields in says.items())
        for one in wordings(asked)
        for slots in SLOTS.get(asked, [{}])
    ]
    for projector in (model.seeing_projector, model.hearing_projector):
        if projector is not None:  # so that every scene looks and sounds the same
            torch.nn.init.zeros_(projector.out.weight)
    batch = Batches(model.config, tokenizer, model.media_tokens).to_learn(lessons)
    first = {name: batch.pop(name)[:1] for name in ("pictures", "sounds") if name in batch}
    media = model.media(**model.encoded(**first)).detach()
    model.media = lambda **_: media.expand(len(lessons), -1, -1)  # once, and not in every step
    optimizer = torch.optim.Adam(model.language.parameters(), lr=5e-3)
    for _ in range(STEPS):
        loss = model(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < ENOUGH:
            break
    del model.media
    model.eval()
