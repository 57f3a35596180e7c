"""A page about a training: how the loss fell, stage by stage, and what each stage cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gar_ssl_ros.evaluation.questions.losses import StageLosses
from gar_ssl_ros.evaluation.report.blocks import Grid, Picture, Section, Text, number
from gar_ssl_ros.evaluation.report.plots import losses
from gar_ssl_ros.evaluation.report.write import write_page

PAGE = "training"  # .html and .md


@dataclass(frozen=True)
class StageRow:
    """steps: of the optimizer. lessons: that there are. learned: what was told of it."""

    name: str
    steps: int
    lessons: int
    learned: StageLosses


def write_training_page(out: Path, title: str, about: Sequence[str], stages: Sequence[StageRow]) -> None:
    """Into the folder `out`: training.html and training.md. about: paragraphs. Raises OSError."""
    rows = tuple(
        (
            one.name,
            f"{one.steps:,}",
            f"{one.lessons:,}",
            f"{one.learned.seconds:,.0f}",
            number(one.learned.curve[-1][1], 3),
        )
        for one in stages
    )
    drawn = Picture(
        "The loss of each stage by its step, each point a mean since the one before.",
        losses([(one.name, one.learned.curve) for one in stages]),
        "Curves of the loss, one for each stage",
    )
    grid = Grid("", ("Stage", "Steps", "Lessons", "CPU seconds", "Last loss"), rows)
    write_page(out, title, (Section(PAGE, "Training", (*map(Text, about), drawn, grid)),), PAGE)
