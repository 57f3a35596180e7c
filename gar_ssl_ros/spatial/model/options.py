"""What the model is made of, at each size, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from gar_ssl_ros.options import Options, option
from gar_ssl_ros.spatial.model.hearing_options import SpatialAstConfig

Size = Literal["tiny", "small", "paper"]
Hears = Literal["binaural", "mono", "nothing"]
PartName = Literal["seeing", "language", "seeing_projector", "hearing"]
SIZES, HEARS = get_args(Size), get_args(Hears)


class ProjectorConfig(BaseModel):
    """A Q-Former: so many queries, and `network` as of transformers' Blip2QFormerConfig.

    sight: of a panorama, how much each query looks at, degrees around the middle of its own part; all where None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    queries: int = Field(ge=1, le=1024)
    network: dict[str, Any]
    sight: float | None = Field(None, gt=0, le=360)


@dataclass(frozen=True)
class Parts:
    """Pretrained weights that a model begins with, of the user's; None where a part begins anew.

    seeing: a folder of SigLIP 2 for pictures of any shape (NaFlex), or of its vision tower alone. language: of Qwen2,
    with its tokenizer. seeing_projector: of BLIP-2, or of its Q-Former alone. Each as save_pretrained fills it.
    hearing: the file (.pth) of Spatial-AST's weights that BAT's authors publish.
    """

    seeing: Path | None = None
    language: Path | None = None
    seeing_projector: Path | None = None
    hearing: Path | None = None

    @property
    def given(self) -> dict[PartName, Path]:
        """Those that are, by the names of the network's parts."""
        named: dict[PartName, Path | None] = {
            "seeing": self.seeing,
            "language": self.language,
            "seeing_projector": self.seeing_projector,
            "hearing": self.hearing,
        }
        return {name: path for name, path in named.items() if path is not None}


NO_PARTS = Parts()


class Origin(BaseModel):
    """Where the weights are that a part began with, and what tells them from others: see pretrained.fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str


class ModelConfig(BaseModel):
    """As it stands in config.json, beside the weights.

    hears: with two ears, with one, or not at all. sees: whether it is shown the picture. classes: what the encoders
    tell apart while they warm up. hearing: the encoder of sounds. seeing: that of pictures, as of transformers'
    Siglip2VisionConfig. patches: rows and columns into which a panorama is cut. language: as of Qwen2Config. rank: of
    LoRA in those of `seeing` and `language` that have an origin; 0 where all of their weights are trained, as are those
    of parts that have none. origins: of the parts that began with pretrained weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size = "tiny"
    hears: Hears = "binaural"
    sees: bool = True
    classes: tuple[str, ...] = Field(min_length=1)
    hearing: SpatialAstConfig
    seeing: dict[str, Any]
    patches: tuple[int, int]
    hearing_projector: ProjectorConfig
    seeing_projector: ProjectorConfig
    language: dict[str, Any]
    rank: int = Field(0, ge=0, le=1024)
    origins: dict[PartName, Origin] = Field(default_factory=dict)

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height to which a panorama is scaled, pixels."""
        patch = int(self.seeing["patch_size"])
        return self.patches[1] * patch, self.patches[0] * patch

    @property
    def adapted(self) -> tuple[PartName, ...]:
        """The parts in which only what LoRA adds is trained."""
        parts: tuple[PartName, ...] = ("seeing", "language")
        return tuple(one for one in parts if self.rank and one in self.origins)

    @property
    def bases(self) -> tuple[PartName, ...]:
        """The parts whose pretrained weights stay as they are, and which no checkpoint holds again."""
        hearing: tuple[PartName, ...] = ("hearing",) if "hearing" in self.origins else ()
        return self.adapted + hearing


@dataclass(frozen=True)
class TrainingOptions(Options):
    """How a model is trained: so many steps of each stage, 0 to leave it out. See docs/questions.md."""

    hearing_steps: int = option(1800, "of the encoder of sounds, by heads of its own", least=0, most=10**9, metavar="N")
    seeing_steps: int = option(1200, "of that of pictures, so too", least=0, most=10**9, metavar="N")
    listening_steps: int = option(
        800, "of what brings sounds to the language model, by heads", least=0, most=10**9, metavar="N"
    )
    looking_steps: int = option(800, "of what brings pictures there, so too", least=0, most=10**9, metavar="N")
    classes_steps: int = option(0, "asked what is seen somewhere", least=0, most=10**9, metavar="N")
    places_steps: int = option(0, "asked that, and where things are seen", least=0, most=10**9, metavar="N")
    sounds_steps: int = option(0, "asked what sounds, and where", least=0, most=10**9, metavar="N")
    joint_steps: int = option(
        3000, "asked Q1 to Q9, and now and then the questions before", least=0, most=10**9, metavar="N"
    )
    batch: int = option(
        32, "scenes in a step of stages without questions, on each device", least=1, most=4096, metavar="N"
    )
    asked: int = option(24, "questions in a step of the others, on each device", least=1, most=4096, metavar="N")
    rate: float = option(2e-3, "of learning, the greatest", least=1e-7, most=1.0, metavar="R")
    seed: int = option(0, "of the first weights and of all chance", least=0, most=2**31 - 1, metavar="N")
    checkpointing: bool = option(False, "compute layers twice, of pictures and of language, for less memory")
    bfloat16: bool = option(False, "compute in bfloat16 where that is as good: faster on a processor that has it")
    memory: float = option(
        2.0,
        "GiB in which is kept what encoders that no longer learn make of scenes",
        least=0,
        most=10**6,
        metavar="GIB",
        answers=False,
    )
    save_steps: int = option(500, "steps after which what it has learned is on disk", least=1, most=10**9, metavar="N")
