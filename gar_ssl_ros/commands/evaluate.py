"""`gar-ssl evaluate`: a benchmark's figures, from your own copy of its media."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import Commands, add_dataset, add_parts, require_evaluation, whole
from gar_ssl_ros.commands.choice import add_evaluated, add_options
from gar_ssl_ros.errors import DONE, FAILED, UsageError, UserError
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.options import options_of

MAX_IN_FLIGHT = 256  # each holds a sample's frames
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

if TYPE_CHECKING:
    from gar_ssl_ros.evaluation.report.subject import Subject
    from gar_ssl_ros.evaluation.results import Origin
    from gar_ssl_ros.evaluation.run import Engine
    from gar_ssl_ros.evaluation.samples import Dataset
    from gar_ssl_ros.evaluation.settings import Settings


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure how well it localizes, on a dataset whose truth is known",
        description="Localize every sample of a dataset and compare with the truth. Writes DIR/results.jsonl, "
        "DIR/results.parquet, DIR/report.html and DIR/report.md. As many sources are looked for "
        "as there are, unless --sources says. Samples that fail are counted in the report. Exit "
        "status: 0 done, 1 something failed, 2 wrong usage.",
    )
    add_dataset(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    add_options(parser, options_of(GarOptions))
    parser.set_defaults(sources=None)  # as many as there are
    add_work(parser, "results")
    add_evaluated(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    require_evaluation()
    from gar_ssl_ros.evaluation.datasets import dataset
    from gar_ssl_ros.evaluation.report.write import write_report
    from gar_ssl_ros.evaluation.results import Shard
    from gar_ssl_ros.evaluation.run import evaluate_dataset, limited, subject, write_run

    settings, origin, engine = work_of(options)
    published = options.denominator == "published"
    with kept(options.out):
        chosen = limited(dataset(options.dataset, options.root, options.annotations, options.rendered), options.limit)
        warn(chosen)
        done = evaluate_dataset(chosen, origin, settings, Shard(*options.shard), options.out, options.resume, engine)
        told = subject(done, chosen, published)
        write_run(done, options.out)
        write_report(options.out, f"{chosen.name}: {told.name}", [told], published)
    print(summary(told))
    print(f"{options.out}/report.html, report.md, results.jsonl, results.parquet")
    return DONE if told.figures.answered else FAILED


def add_work(parser: argparse.ArgumentParser, what: str) -> None:
    """How a dataset's samples are gone through; see `add_parts`."""
    add_parts(parser, what)
    parser.add_argument(
        "--in-flight",
        type=whole(1, MAX_IN_FLIGHT),
        default=1,
        metavar="N",
        help="samples asked about at once, of a reasoner whose work is elsewhere: served, or one's own that several "
        "threads may ask",
    )


def work_of(options: argparse.Namespace) -> tuple[Settings, Origin, Engine]:
    """What is asked, of whose samples, and who does it. Raises UserError where that cannot be."""
    from gar_ssl_ros.evaluation.engines import check_in_flight, check_reasoner, locally, on_ray
    from gar_ssl_ros.evaluation.results import Origin
    from gar_ssl_ros.evaluation.settings import evaluated, settings_from_values

    settings = settings_from_values(evaluated(vars(options)))
    check_reasoner(settings)
    if options.in_flight > 1 and options.engine == "ray":
        raise UsageError("--in-flight: a Ray cluster has workers of its own: leave it out, or use --engine local")
    check_in_flight(settings, options.in_flight)
    origin = Origin(
        dataset=options.dataset, root=options.root, annotations=options.annotations, rendered=options.rendered
    )
    return settings, origin, on_ray if options.engine == "ray" else partial(locally, in_flight=options.in_flight)


def warn(dataset: Dataset) -> None:
    """Tell what was odd about a dataset, and what is missing of it."""
    for note in dataset.notes:
        print(f"gar-ssl: note: {note}", file=sys.stderr)
    if dataset.missing_message:
        print(f"gar-ssl: {dataset.missing_message}", file=sys.stderr)


def summary(told: Subject) -> str:
    """The scores in a few lines."""
    from gar_ssl_ros.evaluation.report.blocks import overlap, percent

    known, total = len(told.run.records), told.run.configuration.samples
    uncertain = sum(said.outcomes.get("UNCERTAIN", 0) for said in told.figures.said)
    counts = f"{known} of {total} samples, {known - told.figures.answered} failed"
    lines = [f"{told.name}: {counts}, {uncertain} uncertain" if uncertain else f"{told.name}: {counts}"]
    if (scores := told.figures.whole) is not None:
        named = {"AP": scores.ap, "IoU@0.3": scores.iou_03, "IoU@0.5": scores.iou_05, "AUC": scores.auc}
        whose = f"of {scores.samples} with a source in view: " if scores.samples < known else ""
        lines.append(f"  {whose}" + ", ".join(f"{name} {percent(value)} %" for name, value in named.items()))
    if (masks := told.figures.masks) is not None:
        lines.append(f"  IoU of masks {overlap(masks.iou)}, F {overlap(masks.f)}, as AVSBench scores them")
    for failures in told.figures.failures:
        lines.append(f"  {failures.count} {failures.outcome}: {failures.examples[0][1]}")
    return "\n".join(lines)


@contextmanager
def kept(out: Path) -> Iterator[None]:
    """Tell of what cannot be written or read in it that what was computed is kept. Raises UserError."""
    try:
        yield
    except OSError as problem:
        place, why = problem.filename or out, problem.strerror or problem
        first = "make room" if problem.errno in DISK_FULL_ERRNOS else "mend it"
        raise UserError(f"{place}: {why}: {first}, or give another --out; what was computed is kept") from None
