"""A student learns from pseudo labels: Hugging Face's Trainer, on a CPU, a GPU, or several by `accelerate launch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree

import numpy as np
import torch
from torch import Tensor

from gar_ssl_ros.perception.pretrained.course import TOLD, Course, first_process, learn, writing
from gar_ssl_ros.students.checkpoint import save
from gar_ssl_ros.students.learning import Learning
from gar_ssl_ros.students.lesson import Lesson, Lessons
from gar_ssl_ros.students.model import Student
from gar_ssl_ros.students.options import TrainingOptions

UNFINISHED = "unfinished"  # folder of what a training goes on from


def train(
    student: Student, lessons: Lessons, options: TrainingOptions, out: Path, tell: Callable[[str], None] = print
) -> float:
    """Train a student and write it to `out`, from where an earlier run was stopped, if one was.

    tell: is told of the loss now and then. Returns the mean loss of the last tenth of the steps. Raises OSError.
    """
    steps, unfinished = max(1, options.passes // options.batch), out / UNFINISHED
    learning = Learning(student, options)

    def tell_loss(step: int, loss: float) -> None:
        tell(f"step {step} of {steps}: loss {loss:.3f}")

    def begin_step(progress: float) -> None:
        learning.progress = progress

    course = Course(steps, options.batch, options.rate, options.seed, options.bfloat16, options.save_steps)
    losses = learn(learning, lessons, batch, course, unfinished, tell_loss, begin_step)[-max(1, TOLD // 10) :]
    if first_process():
        with writing(out):
            save(student, out)
        rmtree(unfinished, ignore_errors=True)
    return float(np.mean(losses)) if losses else float("nan")


def batch(lessons: Sequence[Lesson]) -> dict[str, Tensor]:
    """As of `Learning.forward`."""
    return {
        "frames": torch.from_numpy(np.stack([one.frames for one in lessons])),
        "mel": torch.from_numpy(np.stack([one.mel for one in lessons])),
        "target": torch.from_numpy(np.stack([one.target for one in lessons])),
        "unsure": torch.from_numpy(np.stack([one.unsure for one in lessons])),
        "weight": torch.tensor([one.weight for one in lessons]),
        "label": torch.tensor([one.label for one in lessons]),
    }
