"""How a network of ours learns: Hugging Face's Trainer, on a CPU, a GPU, or several by `accelerate launch`."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, TrainerState
from transformers.utils import logging

from gar_ssl_ros.perception.pretrained.muon import MuonAndAdamW

TOLD = 20  # times that it tells its loss
DECAY = 0.01  # of weights that are no vectors


@dataclass(frozen=True)
class Course:
    """steps: of the optimizer. batch: lessons in each, on each device. rate: of learning, the greatest; it rises over
    the first tenth, and falls as a cosine. save_steps: after which what was learned is on disk. beta2: AdamW's
    second: how much of the mean of squared gradients is kept from step to step. muon: what the names of weights begin
    with that learn by Muon, if they are matrices of layers; all else by AdamW. muon_rate: its rate of learning, in
    AdamW's.
    """

    steps: int
    batch: int
    rate: float
    seed: int = 0
    bfloat16: bool = False
    save_steps: int = 500
    beta2: float = 0.999
    muon: tuple[str, ...] = ()
    muon_rate: float = 1.0


def learn(
    network: nn.Module,
    lessons: Any,
    collate: Callable[[Any], dict[str, Any]],
    course: Course,
    unfinished: Path,
    tell: Callable[[int, float], None],
    begin_step: Callable[[float], None] = lambda _: None,
) -> list[float]:
    """Train a network whose forward takes what `collate` makes of lessons, and gives {"loss": ...}.

    unfinished: folder of what it goes on from where it was stopped; whoever calls removes it once what was learned is
    kept elsewhere. tell: is told the step and the loss now and then. begin_step: is told how far it is, 0..1. Returns
    the losses that were told, before it was stopped, too. Raises OSError.
    """
    logging.set_verbosity_error()
    held = _held(unfinished)
    if held is not None and held[1].global_step >= course.steps:  # where Trainer would take one step more
        network.load_state_dict(load_file(held[0] / "model.safetensors"))
        return _losses(held[1])
    arguments = TrainingArguments(
        output_dir=str(unfinished),
        max_steps=course.steps,
        per_device_train_batch_size=course.batch,
        learning_rate=course.rate,
        weight_decay=DECAY,
        adam_beta2=course.beta2,
        max_grad_norm=5.0,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, course.steps // 10),
        seed=course.seed,
        bf16=course.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        save_steps=max(1, min(course.save_steps, course.steps)),
        save_total_limit=1,
        logging_steps=max(1, course.steps // TOLD),
        report_to=[],
        remove_unused_columns=False,
        dataloader_drop_last=len(lessons) >= course.batch,
        disable_tqdm=True,
    )
    rates = course.rate, course.rate * course.muon_rate
    both = MuonAndAdamW(network, course.muon, rates, DECAY, course.beta2) if course.muon else None
    trainer = Trainer(
        model=network,
        optimizers=(both, None),
        args=arguments,
        train_dataset=lessons,
        data_collator=collate,
        callbacks=[_Follow(tell, begin_step)],
    )
    trainer.remove_callback(PrinterCallback)
    with writing(unfinished):
        trainer.train(resume_from_checkpoint=None if held is None else str(held[0]))
    return _losses(trainer.state)


def first_process() -> bool:
    """True in the one that writes files, of those that train together."""
    if torch.distributed.is_initialized():
        return bool(torch.distributed.get_rank() == 0)
    return os.environ.get("RANK", "0") == "0"  # as its launcher tells each, before they have met


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Within it, weights that cannot be written are an OSError that names the place, as everything else is."""
    try:
        yield
    except SafetensorError as problem:
        found = re.search(r"os error (\d+)", str(problem))
        if found is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1])), str(place)) from None
    except RuntimeError as problem:
        if "PytorchStreamWriter" not in str(problem):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place)) from None  # its likeliest reason


def _held(unfinished: Path) -> tuple[Path, TrainerState] | None:
    """The newest checkpoint that is whole: its state is what is written last."""
    found = []
    for told in unfinished.glob("checkpoint-*/trainer_state.json"):
        with suppress(ValueError):
            found.append((told.parent, TrainerState.load_from_json(str(told))))
    return max(found, key=lambda one: one[1].global_step, default=None)


def _losses(state: TrainerState) -> list[float]:
    return [one["loss"] for one in state.log_history if "loss" in one]


class _Follow(TrainerCallback):
    def __init__(self, tell: Callable[[int, float], None], begin_step: Callable[[float], None]) -> None:
        self._tell, self._begin_step = tell, begin_step

    def on_step_begin(self, _args: Any, state: Any, _control: Any, **_more: Any) -> None:
        self._begin_step(state.global_step / state.max_steps)

    def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, float] | None = None, **_more: Any) -> None:
        if logs and "loss" in logs and state.is_world_process_zero:
            self._tell(state.global_step, logs["loss"])
