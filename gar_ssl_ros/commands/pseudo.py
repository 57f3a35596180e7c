"""`gar-ssl pseudo`: pseudo labels of samples that nobody has labelled, by any reasoner and any masks."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, add_samples, shard, whole
from gar_ssl_ros.commands.choice import add_evaluated, add_options
from gar_ssl_ros.commands.evaluate import MAX_IN_FLIGHT, kept, warn
from gar_ssl_ros.errors import DONE, FAILED, UsageError
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
    parser.add_argument("--shard", type=shard, default="1/1", metavar="I/N", help="part I of N equal ones")
    parser.add_argument("--resume", action="store_true", help="go on where the labels in DIR end")
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="this process, or a Ray cluster")
    parser.add_argument(
        "--in-flight",
        type=whole(1, MAX_IN_FLIGHT),
        default=1,
        metavar="N",
        help="samples asked about at once, of a reasoner whose work is elsewhere",
    )
    add_evaluated(parser)
    parser.set_defaults(run=run, sources=SOURCES, masks="grabcut")


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.engines import check_in_flight, check_reasoner, locally, on_ray
    from gar_ssl_ros.evaluation.pseudo import pseudo_labels, unlabelled
    from gar_ssl_ros.evaluation.results import Origin, Shard
    from gar_ssl_ros.evaluation.run import evaluate_dataset
    from gar_ssl_ros.evaluation.settings import evaluated, settings_from_values

    settings = settings_from_values(evaluated(vars(options)))
    check_reasoner(settings)
    if options.in_flight > 1 and options.engine == "ray":
        raise UsageError("--in-flight: a Ray cluster has workers of its own: leave it out, or use --engine local")
    check_in_flight(settings, options.in_flight)
    origin = Origin(
        dataset=options.dataset, root=options.root, annotations=options.annotations, rendered=options.rendered
    )
    engine = on_ray if options.engine == "ray" else partial(locally, in_flight=options.in_flight)
    with kept(options.out):
        chosen = unlabelled(origin, options.limit)
        warn(chosen)
        done = evaluate_dataset(chosen, origin, settings, Shard(*options.shard), options.out, options.resume, engine)
        usable = pseudo_labels(done)
    masks = sum(source.mask is not None for one in usable for source in one.found.sources)
    failed = sum(record.failure is not None for record in done.records)
    print(
        f"{len(done.records)} of {len(chosen.samples)} samples, {failed} failed: "
        f"{len(usable)} to learn from, {masks} masks"
    )
    if settings.masks.masks == NONE and not masks:
        print("gar-ssl: note: there are no masks to learn from: choose --masks, or a reasoner that gives its own")
    print(f"{options.out}/results.jsonl")
    return DONE if usable else FAILED
