"""`gar-ssl train`: a student from pseudo labels."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from time import process_time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from tqdm import tqdm

from gar_ssl_ros.commands.arguments import Commands
from gar_ssl_ros.commands.beginning import begin
from gar_ssl_ros.commands.choice import add_options
from gar_ssl_ros.commands.evaluate import kept
from gar_ssl_ros.errors import DONE, OptionError, UserError, misfit, pip_install, sentence, shortened
from gar_ssl_ros.options import from_values, options_of
from gar_ssl_ros.perception.quiet import quiet
from gar_ssl_ros.students.options import ARCHITECTURES, StudentConfig, TrainingOptions

if TYPE_CHECKING:
    from gar_ssl_ros.students.model import Student

NEEDED = ("torch", "transformers", "accelerate", "safetensors")


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a student on pseudo labels",
        description="A student learns to segment what sounds from what a teacher has said: from folders that `gar-ssl "
        "pseudo` has filled. Writes DIR/config.json and DIR/model.safetensors, which the reasoner student takes. "
        "Several GPUs: `accelerate launch -m gar_ssl_ros.cli train ...` (docs/students.md). Exit status: 0 done, 1 "
        "something failed, 2 wrong usage.",
    )
    parser.add_argument("labels", nargs="+", type=Path, metavar="LABELS", help="folder of pseudo labels")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the student")
    parser.add_argument("--resume", action="store_true", help="go on where the training in DIR was stopped")
    parser.add_argument(
        "--begin", type=Path, metavar="DIR", help="a student to go on from, as it is; on other labels, too"
    )
    parser.add_argument("--student", choices=ARCHITECTURES, default="synchrony", help="its architecture")
    parser.add_argument(
        "--config",
        default="{}",
        metavar="JSON",
        help='what else its config.json shall say, as {"frames": 5, "rate": 1, "network": {...}}',
    )
    parser.add_argument(
        "--pretrained",
        type=Path,
        metavar="FOLDER",
        help="of tpavi, avsegformer and sam: a PVTv2, ResNet or SAM of the transformers library to begin with",
    )
    add_options(parser, options_of(TrainingOptions))
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f"training needs {', '.join(missing)}, not found here: {pip_install('students')}")
    from gar_ssl_ros.evaluation.lessons import keep, labels_of
    from gar_ssl_ros.evaluation.pseudo import pseudo_labels
    from gar_ssl_ros.evaluation.results import read_runs
    from gar_ssl_ros.students.checkpoint import load, read_config

    with quiet():
        from gar_ssl_ros.students.training import train

    chosen = from_values(TrainingOptions, vars(options))
    out, lessons_folder = options.out, options.out / "lessons"
    with kept(out):
        told = [one for run in read_runs(options.labels) for one in pseudo_labels(run)]
        config = _config(options, labels_of(told)) if options.begin is None else read_config(options.begin)
        begin(
            out,
            options.resume,
            json.dumps(
                {**asdict(chosen), "begin": str(options.begin), "config": config.model_dump(), "clips": len(told)}
            ),
            "student",
        )
        with tqdm(total=len(told), desc="lessons", unit="clip", disable=None) as bar:

            def done(why: str) -> None:
                bar.update()
                if why:
                    print(f"gar-ssl: note: {why}", file=sys.stderr)

            lessons = keep(told, config, chosen.least_av, chosen.weighted, lessons_folder, done)
        if not len(lessons):
            raise UserError(f"{', '.join(map(str, options.labels))}: there is nothing to learn from: label more clips")
        student = _student(config, chosen.seed) if options.begin is None else load(options.begin).requires_grad_(True)
        if options.pretrained is not None:
            from gar_ssl_ros.students.pretrained import begin_with

            with _named_by_pretrained():
                begin_with(student, options.pretrained)
        size = sum(one.numel() for one in student.parameters())
        print(
            f"{config.student}, {size:,} weights, {len(lessons)} lessons, labels: {', '.join(config.labels) or 'none'}"
        )
        began = process_time()
        loss = train(student, lessons, chosen, out)
        rmtree(lessons_folder, ignore_errors=True)
    print(f"loss {loss:.3f}, {process_time() - began:.0f} s of CPU time")
    print(f"{out}/config.json, model.safetensors: gar-ssl localize CLIP --reasoner student --student {out}")
    return DONE


def _config(options: argparse.Namespace, labels: tuple[str, ...]) -> StudentConfig:
    """Raises OptionError."""
    body: dict[str, Any] = {}
    if options.pretrained is not None:
        from gar_ssl_ros.students.pretrained import body_of

        with _named_by_pretrained():
            body = {"body": body_of(options.pretrained)}
    try:
        more = json.loads(options.config)
        if body:
            more["network"] = {**more.get("network", {}), **body}
        return StudentConfig(**{"student": options.student, "labels": labels, **more})
    except (ValueError, TypeError) as problem:
        told = misfit(problem) if isinstance(problem, ValidationError) else shortened(str(problem), 120)
        raise OptionError(f"--config {options.config!r:.80}: {told}") from None


@contextmanager
def _named_by_pretrained() -> Iterator[None]:
    """Within it a folder that is no such model is an OptionError."""
    from gar_ssl_ros.perception.failure import ModelError

    try:
        yield
    except ModelError as problem:
        raise OptionError(f"--pretrained: {problem.fault}: name another one") from None


def _student(config: StudentConfig, seed: int) -> Student:
    """With its first weights. Raises OptionError where the network cannot be had so."""
    from gar_ssl_ros.students.model import fresh

    try:
        return fresh(config, seed)
    except Exception as problem:  # of nearly any type, where `network` says something odd
        raise OptionError(f"--config: the student {config.student} cannot be made so ({sentence(problem)})") from None
