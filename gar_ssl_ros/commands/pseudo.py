"""`gar-ssl pseudo`: pseudo labels of samples that nobody has labelled, by any reasoner and any masks."""

from __future__ import annotations

import argparse
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, add_samples
from gar_ssl_ros.commands.choice import add_evaluated, add_options
from gar_ssl_ros.commands.evaluate import add_work, kept, warn, work_of
from gar_ssl_ros.errors import DONE, FAILED
from gar_ssl_ros.evaluation.datasets import NAMES, UNLABELLED
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.masks.options import NONE
from gar_ssl_ros.options import options_of

SOURCES = 2  # are looked for at most: nobody knows how many there are


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "pseudo",
        help="label clips that nobody has labelled, for a student to learn from",
        description="Localize every sample of a dataset, or every 3 s of a folder's videos (clips), and write what was "
        "said with masks and scores: DIR/results.jsonl. Whatever is true of them is not looked at. `gar-ssl train` "
        "learns from DIR (docs/students.md). Exit status: 0 done, 1 something failed, 2 wrong usage.",
    )
    add_samples(parser, (*UNLABELLED, *NAMES))
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the labels")
    add_options(parser, options_of(GarOptions))
    add_work(parser, "labels")
    add_evaluated(parser)
    parser.set_defaults(run=run, sources=SOURCES, masks="grabcut")


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.pseudo import unlabelled, usable
    from gar_ssl_ros.evaluation.results import Shard
    from gar_ssl_ros.evaluation.run import evaluate_dataset

    settings, origin, engine = work_of(options)
    with kept(options.out):
        chosen = unlabelled(origin, options.limit)
        warn(chosen)
        done = evaluate_dataset(chosen, origin, settings, Shard(*options.shard), options.out, options.resume, engine)
    told = list(usable(done.records, chosen))
    masks = sum(source.mask is not None for one in told for source in one.found.sources)
    failed = sum(record.failure is not None for record in done.records)
    print(
        f"{len(done.records)} of {len(chosen.samples)} samples, {failed} failed: "
        f"{len(told)} to learn from, {masks} masks"
    )
    if settings.masks.masks == NONE and not masks:
        print("gar-ssl: note: there are no masks to learn from: choose --masks, or a reasoner that gives its own")
    print(f"{options.out}/results.jsonl")
    return DONE if told else FAILED
