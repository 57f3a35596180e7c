"""training.jsonl: how a training goes, a line now and then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class LossRecord(BaseModel):
    """loss: the mean since the line before. seconds: of CPU time since then, or since a training began or went on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    step: int = Field(ge=0)
    loss: float
    seconds: float = Field(ge=0)


@dataclass(frozen=True)
class StageLosses:
    """curve: steps and losses, in their order. seconds: of CPU time in all, that of steps that were done twice, too."""

    stage: str
    curve: tuple[tuple[int, float], ...]
    seconds: float


def by_stage(records: Iterable[LossRecord]) -> Sequence[StageLosses]:
    """In the order in which stages began. A step that was done twice, since a training was stopped, counts once."""
    curves: dict[str, dict[int, float]] = {}
    seconds: dict[str, float] = {}
    for one in records:
        curves.setdefault(one.stage, {})[one.step] = one.loss
        seconds[one.stage] = seconds.get(one.stage, 0.0) + one.seconds
    return [StageLosses(name, tuple(sorted(curve.items())), seconds[name]) for name, curve in curves.items()]
