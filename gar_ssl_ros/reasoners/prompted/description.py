"""What is known of a model beside its weights, one small YAML file each in `models/`.

Which one fits a checkpoint is found from its own config.json.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Described(BaseModel):
    """Frozen; what it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Layout(Described):
    """The prompt's parts in their order, special tokens spelt out: opening, audio, image, question.

    opening holds {system} and question holds {question}; audio and image hold the one token that the processor repeats
    for each embedding.
    """

    opening: str
    audio: str
    image: str
    question: str


class ModelDescription(Described):
    """One model, or one quantised form of it.

    model_type: as in its config.json. coordinates: in which it speaks of places: pixels of the image as it sees it, or
    0..1000 of either side. multiple: pixels that each side of that image is a multiple of. least_pixels, most_pixels:
    the bounds that its area is brought into. most_aspect: of the longer side to the shorter. most_audio: s.
    """

    name: str
    model_type: str
    coordinates: Literal["pixels", "thousandths"]
    multiple: int = Field(gt=0)
    least_pixels: int = Field(gt=0)
    most_pixels: int = Field(gt=0)
    most_aspect: float = Field(gt=1)
    most_audio: float = Field(gt=0)
    layout: Layout
