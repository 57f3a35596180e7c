"""What a student is: which network, what it looks at and listens to, and the words that it learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from gar_ssl_ros.options import Options, option

Architecture = Literal["synchrony", "tpavi", "avsegformer", "sam"]
ARCHITECTURES = get_args(Architecture)
SPECTRA_HZ = 100  # of the mel spectrogram


class StudentConfig(BaseModel):
    """As it stands in config.json, beside the weights.

    frames: looked at, the window's center frame in their middle, so many a second (rate). width, height: to which each
    is scaled, pixels. mel: bands of the spectrogram. labels: that it can give a sound, none where empty. network: what
    the architecture takes beyond that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    student: Architecture = "synchrony"
    frames: int = Field(45, ge=1, le=256)
    rate: float = Field(15.0, gt=0, le=240)
    width: int = Field(160, ge=16, le=2048)
    height: int = Field(120, ge=16, le=2048)
    mel: int = Field(32, ge=8, le=256)
    labels: tuple[str, ...] = ()
    network: dict[str, Any] = Field(default_factory=dict)

    @property
    def spectra(self) -> int:
        """Of the spectrogram: over the time that the frames stand for."""
        return max(1, round(self.frames / self.rate * SPECTRA_HZ))


@dataclass(frozen=True)
class TrainingOptions(Options):
    """How a student is trained. See docs/students.md."""

    passes: int = option(10_000, "clips that it looks at, each again and again", least=1, most=10**9, metavar="N")
    batch: int = option(8, "clips in a step, on each device", least=1, most=4096, metavar="N")
    rate: float = option(2e-3, "of learning, the greatest", least=1e-7, most=1.0, metavar="R")
    seed: int = option(0, "of the first weights and of all chance", least=0, most=2**31 - 1, metavar="N")
    bfloat16: bool = option(False, "compute in bfloat16 where that is as good: faster on a processor that has it")
    save_steps: int = option(500, "steps after which what it has learned is on disk", least=1, most=10**9, metavar="N")
    # Of the teacher's sources on rendered scenes of the seeds 90000 to 90239, 92 % of the right ones and 15 % of the
    # wrong ones have more.
    least_av: float = option(
        0.7,
        "S_av from which on a source's mask is learned; another one's pixels do not count",
        least=0,
        most=1,
        metavar="S",
    )
    weighted: bool = option(False, "a clip counts as much as the mean S_av of its sources")
    foreign: float = option(
        0.2,
        "share of clips that have the sound of another, so that nothing in them sounds",
        least=0,
        most=1,
        metavar="P",
    )
    foreign_from: float = option(0.3, "share of the training before there are such", least=0, most=1, metavar="P")
    beside: float = option(
        0.1, "share of clips that have the sound of another beside their own", least=0, most=1, metavar="P"
    )
