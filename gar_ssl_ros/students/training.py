"""A student learns from pseudo labels: Hugging Face's Trainer, on a CPU, a GPU, or several by `accelerate launch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging

from gar_ssl_ros.students.checkpoint import save
from gar_ssl_ros.students.learning import Learning
from gar_ssl_ros.students.lesson import Lesson, Lessons
from gar_ssl_ros.students.model import Student
from gar_ssl_ros.students.options import TrainingOptions

UNFINISHED = "unfinished"  # folder of what a training goes on from
TOLD = 20  # times a training tells its loss


def train(
    student: Student, lessons: Lessons, options: TrainingOptions, out: Path, tell: Callable[[str], None] = print
) -> float:
    """Train a student and write it to `out`, from where an earlier run was stopped, if one was.

    tell: is told of the loss now and then. Returns the mean loss of the last tenth of the steps. Raises OSError.
    """
    logging.set_verbosity_error()
    steps, unfinished = max(1, options.passes // options.batch), out / UNFINISHED
    arguments = TrainingArguments(
        output_dir=str(unfinished),
        max_steps=steps,
        per_device_train_batch_size=options.batch,
        learning_rate=options.rate,
        weight_decay=0.01,
        max_grad_norm=5.0,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, steps // 10),
        seed=options.seed,
        bf16=options.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        save_steps=max(1, min(options.save_steps, steps)),
        save_total_limit=1,
        logging_steps=max(1, steps // TOLD),
        report_to=[],
        remove_unused_columns=False,
        dataloader_drop_last=len(lessons) >= options.batch,
        disable_tqdm=True,
    )
    learning = Learning(student, options)
    trainer = Trainer(
        model=learning, args=arguments, train_dataset=lessons, data_collator=batch, callbacks=[_Course(learning, tell)]
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(unfinished)) if unfinished.is_dir() else None)
    losses = [one["loss"] for one in trainer.state.log_history if "loss" in one][-max(1, TOLD // 10) :]
    if trainer.is_world_process_zero():
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


class _Course(TrainerCallback):
    """Tells the student how far it is, and whoever asks how it goes."""

    def __init__(self, learning: Learning, tell: Callable[[str], None]) -> None:
        self._learning, self._tell = learning, tell

    def on_step_begin(self, _args: Any, state: Any, _control: Any, **_more: Any) -> None:
        self._learning.progress = state.global_step / state.max_steps

    def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, float] | None = None, **_more: Any) -> None:
        if logs and "loss" in logs and state.is_world_process_zero:
            self._tell(f"step {state.global_step} of {state.max_steps}: loss {logs['loss']:.3f}")
