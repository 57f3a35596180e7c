"""What is known of a model beside its weights, one small YAML file each in `models/`.

Which of them fits a checkpoint is found from its own config.json; which of them a server has, from the model's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from gar_ssl_ros.reasoners.options import Coordinates


class Described(BaseModel):
    """Frozen; a fact that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fit(Described):
    """Which checkpoints it describes, as their config.json has it; None fits all.

    model_type: one of these, of the whole model or of its Thinker alone. hidden_size, layers: of the language model.
    quant_method: of weights that were quantised before they were published.
    """

    model_type: tuple[str, ...]
    hidden_size: int | None = None
    layers: int | None = None
    quant_method: str | None = None


class Layout(Described):
    """The prompt's parts in their order, special tokens spelt out: opening, audio, image, question.

    opening holds {system} and question holds {question}, both filled with plain text: what looks like a special token
    in that text is none. audio and image hold one `placeholder` each, repeated for as many embeddings as there are.
    """

    opening: str
    audio: str
    image: str
    question: str
    audio_placeholder: str
    image_placeholder: str


class ModelDescription(Described):
    """One model, as whoever asks it must know it.

    served_as: part of the name by which servers know it, in lower case and with hyphens. coordinates: in which it
    speaks of places, as of `coordinates.py`; None where its makers have not said. multiple: pixels that each side of
    that image is a multiple of. least_pixels, most_pixels: what the area of that image is brought into. most_aspect: of
    an image's longer side to its shorter one. most_audio: s. processor: what a server's processor of its media is told
    with each request.
    """

    name: str
    served_as: str
    coordinates: Coordinates | None
    multiple: int = Field(gt=0)
    least_pixels: int = Field(gt=0)
    most_pixels: int = Field(gt=0)
    most_aspect: float = Field(gt=1)
    most_audio: float = Field(gt=0)
    processor: Mapping[str, int] = {}


class CheckpointDescription(ModelDescription):
    """One model whose weights are loaded here, or one quantised form of it.

    unquantized: modules that keep their precision where the rest is quantised at loading.
    """

    fits: Fit
    unquantized: tuple[str, ...]
    layout: Layout


def describe(config: Mapping[str, Any]) -> CheckpointDescription | None:
    """The description that fits a checkpoint's config.json most closely, None where none does."""
    thinker = config.get("thinker_config") or config
    text = thinker.get("text_config") or {}
    quantization = config.get("quantization_config") or thinker.get("quantization_config") or {}
    facts = {
        "hidden_size": text.get("hidden_size"),
        "layers": text.get("num_hidden_layers"),
        "quant_method": quantization.get("quant_method"),
    }

    def closeness(fits: Fit) -> int:
        told = fits.model_dump(include=set(facts), exclude_none=True)
        agrees = config.get("model_type") in fits.model_type and all(facts[name] == told[name] for name in told)
        return len(told) if agrees else -1

    known = [one for one in descriptions() if isinstance(one, CheckpointDescription)]
    best = max(known, key=lambda description: closeness(description.fits))
    return best if closeness(best.fits) >= 0 else None


def described_as(*names: str) -> ModelDescription:
    """The description of the model that a server knows by these names: the one with most of a name in common."""
    told = [re.sub(r"[_\s]", "-", name.lower()) for name in names]
    fitting = [one for one in descriptions() if any(one.served_as in name for name in told)]
    return max(fitting, key=lambda one: len(one.served_as))


@cache
def descriptions() -> tuple[ModelDescription, ...]:
    """All of them, in the order of their files' names."""
    known = {
        path.name: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((files(__package__) / "models").iterdir(), key=lambda path: path.name)
        if path.name.endswith(".yaml")
    }
    whole = [_whole(known, name) for name in known]
    return tuple((CheckpointDescription if "fits" in one else ModelDescription).model_validate(one) for one in whole)


def _whole(known: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """What a file says, over what the file that it is `like` says."""
    said = dict(known[name])
    like = said.pop("like", None)
    return said if like is None else {**_whole(known, like), **said}
