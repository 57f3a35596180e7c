"""The model learns, stage by stage: its encoders warm up, then it is asked. Each stage that is done is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from types import MappingProxyType
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from gar_ssl_ros.perception.pretrained.course import Course, first_process, learn, writing
from gar_ssl_ros.perception.pretrained.folder import draft_of_weights
from gar_ssl_ros.spatial.model.encoded import Encoded
from gar_ssl_ros.spatial.model.lessons import Batches, Lessons
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import ModelConfig, TrainingOptions
from gar_ssl_ros.spatial.model.warming import (
    HearingWarmUp,
    ListeningWarmUp,
    LookingWarmUp,
    SeeingWarmUp,
    listening_of,
    looking_of,
    sources_of,
    things_of,
)
from gar_ssl_ros.spatial.questions.forms import HEARD_TYPES, PAPER_TYPES, SEEN_TYPES, QuestionType

ASKED_BETA2 = 0.98  # as is usual for language models
WARM_UP_MUON, ASKED_MUON = 4.0, 1.0  # Muon's rate of learning, in AdamW's, by heads and by questions
UNFINISHED, STAGES = "unfinished", "stages"  # folders of what a training goes on from


@dataclass(frozen=True)
class Stage:
    """asks: questions of these types; none where encoders learn by heads of their own. needs: the encoders without
    which there is nothing to learn. trains: parts of the network; of those that LoRA adapts only what it adds.
    """

    name: str
    needs: tuple[str, ...]
    trains: tuple[str, ...]
    asks: tuple[QuestionType, ...] = ()


# As the paper warms up: by pictures' classes, then places, too; by sounds' both at once. Its encoders knew much before.
ALL = (
    Stage("hearing", ("hearing",), ("hearing",)),
    Stage("seeing", ("seeing",), ("seeing",)),
    Stage("listening", ("hearing",), ("hearing_projector",)),
    Stage("looking", ("seeing",), ("seeing_projector",)),
    Stage("classes", ("seeing",), ("seeing", "seeing_projector", "language"), (QuestionType.V1,)),
    Stage("places", ("seeing",), ("seeing", "seeing_projector", "language"), SEEN_TYPES),
    Stage("sounds", ("hearing",), ("hearing_projector", "language"), HEARD_TYPES),
    Stage(
        "joint",
        (),
        ("seeing", "seeing_projector", "hearing_projector", "language"),
        (*PAPER_TYPES, *HEARD_TYPES, *SEEN_TYPES),
    ),
)
ABOUT = MappingProxyType({"hearing": HEARD_TYPES, "seeing": SEEN_TYPES})  # what cannot be answered without an encoder
WARM_UPS = MappingProxyType({"hearing_projector": "listening", "seeing_projector": "looking"})


def stages_of(
    config: ModelConfig, options: TrainingOptions, begun: Collection[str] = ()
) -> tuple[tuple[Stage, int], ...]:
    """Those in which such a model learns, and the steps of each. begun: stages that it has from elsewhere.

    A pretrained encoder needs no stage of its own.
    """
    there = {"seeing": config.sees, "hearing": config.hears != "nothing"}
    known = {*begun, *config.origins}
    steps = {stage.name: int(getattr(options, f"{stage.name}_steps")) for stage in ALL if stage.name not in known}
    beyond = {asked for part, types in ABOUT.items() if not there[part] for asked in types}
    return tuple(
        (replace(one, asks=tuple(asked for asked in one.asks if asked not in beyond)), steps[one.name])
        for one in ALL
        if steps.get(one.name) and all(there[part] for part in one.needs)
    )


def batch_of(stage: Stage, options: TrainingOptions) -> int:
    """How many lessons are in a step of it: few where a language model is asked, which then learns sooner."""
    return options.asked if stage.asks else options.batch


def kept_stage(folder: Path, name: str) -> Path:
    """Where the whole model is kept as it was after a stage."""
    return folder / STAGES / f"{name}.safetensors"


def train(
    model: HearYouAre,
    tokenizer: Any,
    lessons: Callable[[Sequence[QuestionType]], Lessons],
    options: TrainingOptions,
    out: Path,
    tell: Callable[[str, int, float], None],
    begun: Collection[str] = (),
) -> None:
    """Train a model in all its stages, from where an earlier run was stopped, if one was.

    lessons: those with questions of these types; of all types where none is given. out: folder in which what is not
    done is kept. tell: is told the stage, the step and the loss now and then. begun: stages that it has from elsewhere.
    Raises OSError.
    """
    batches = Batches(model.config, tokenizer, model.media_tokens)
    encoded = Encoded(model, batches, round(options.memory * 2**30))
    for name in begun if first_process() else ():  # so that whoever begins with this model finds them, too
        _keep(model, kept_stage(out, name))
    networks = [one for one in (model.language, model.seeing) if one is not None and options.checkpointing]
    for one in networks:
        one.activation_checkpointing_enable()
    stages = stages_of(model.config, options, begun)
    for stage, steps in stages:
        done = kept_stage(out, stage.name)
        if done.is_file():
            load_model(model, done)
            continue
        torch.manual_seed(options.seed)  # so that what is made for a stage does not hang on what came before
        parts = _learning(stage, model.config, [*(one.name for one, _ in stages), *begun])
        model.let_learn(parts)
        network, collate = _network(stage, parts, model, tokenizer, batches, encoded)
        network.train()  # what does not learn answers as it is from the first lesson on, which is read before any step
        course = Course(
            steps,
            batch_of(stage, options),
            options.rate,
            options.seed,
            options.bfloat16,
            options.save_steps,
            ASKED_BETA2 if stage.asks else Course.beta2,
            tuple(f"model.{part}." for part in parts if part not in model.config.origins),
            ASKED_MUON if stage.asks else WARM_UP_MUON,
        )
        unfinished = out / UNFINISHED / stage.name
        learn(network, lessons(stage.asks), collate, course, unfinished, partial(tell, stage.name))
        if {"seeing", "hearing"}.intersection(parts):  # which make other tokens now
            encoded.forget()
        if first_process():
            _keep(model, done)
            rmtree(unfinished, ignore_errors=True)
    if first_process():
        rmtree(out / UNFINISHED, ignore_errors=True)
    for one in networks:
        one.activation_checkpointing_disable()
    model.requires_grad_(False).eval()


def _keep(model: HearYouAre, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with draft_of_weights(place) as draft, writing(place):
        save_model(model, str(draft))


def _learning(stage: Stage, config: ModelConfig, stages: Collection[str]) -> tuple[str, ...]:
    """The parts that learn. What has heads of its own learns by these alone: an encoder, as the paper's Spatial-AST;
    and a projector before a language model of chance, which would have to learn to read what does not stay as it is.
    """
    if not stage.asks:
        return stage.trains
    still = {"seeing"}.difference(config.origins)
    if "language" not in config.origins:
        still |= {part for part, warm_up in WARM_UPS.items() if warm_up in stages}
    return tuple(one for one in stage.trains if one not in still)


def _network(
    stage: Stage, parts: Collection[str], model: HearYouAre, tokenizer: Any, batches: Batches, encoded: Encoded
) -> tuple[nn.Module, Callable[[Any], dict[str, Tensor]]]:
    """What learns in a stage, and what makes tensors of lessons for it. parts: of the model that learn."""
    config = model.config
    if stage.name == "hearing":
        return HearingWarmUp(model), partial(sources_of, config=config)
    if stage.name == "seeing":
        return SeeingWarmUp(model), partial(things_of, config=config)
    if stage.name == "listening":
        return ListeningWarmUp(model, tokenizer), partial(listening_of, config=config, encoded=encoded)
    if stage.name == "looking":
        return LookingWarmUp(model, tokenizer), partial(looking_of, config=config, encoded=encoded)
    if {"seeing", "hearing"}.intersection(parts):
        return _Asked(model), batches.to_learn
    return _Asked(model), partial(batches.to_learn, media=encoded)


class _Asked(nn.Module):
    """As the model; the Trainer would take its config for one of the library's, and write into it."""

    def __init__(self, model: HearYouAre) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        ids: Tensor,
        attends: Tensor,
        media_at: Tensor,
        labels: Tensor,
        pictures: Tensor | None = None,
        sounds: Tensor | None = None,
        seen: Tensor | None = None,
        heard: Tensor | None = None,
    ) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.model(ids, attends, media_at, labels, pictures, sounds, seen, heard)
        return found
