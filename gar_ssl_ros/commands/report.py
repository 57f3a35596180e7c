"""`gar-ssl report`: results of several evaluations on one page, shards taken together."""

from __future__ import annotations

import argparse
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, add_denominator, require_evaluation
from gar_ssl_ros.commands.evaluate import kept, summary
from gar_ssl_ros.errors import DONE


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "report",
        help="put results of several evaluations on one page, shards together",
        description="Read what gar-ssl evaluate wrote and put it on one page beside the paper's tables. Results of one "
        "configuration, such as the shards of one evaluation, are taken as one; where all are, DIR also gets their "
        "results.jsonl and results.parquet.",
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders that it wrote")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the report")
    add_denominator(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    require_evaluation()
    from gar_ssl_ros.evaluation.report.write import write_report
    from gar_ssl_ros.evaluation.results import read_runs, refuse_to_replace
    from gar_ssl_ros.evaluation.run import named, same_dataset, subject, write_run

    published = options.denominator == "published"
    with kept(options.out):
        runs = read_runs(options.results)
        refuse_to_replace(options.out)
        datasets = list(dict.fromkeys(run.configuration.dataset for run in runs))
        names = [named(run.configuration.settings) for run in runs]
        if len(datasets) > 1:
            names = [f"{run.configuration.dataset}: {name}" for run, name in zip(runs, names, strict=True)]
        told = [subject(run, same_dataset(run), published, name) for run, name in zip(runs, names, strict=True)]
        options.out.mkdir(parents=True, exist_ok=True)
        if len(runs) == 1:
            write_run(runs[0], options.out)
        title = f"{datasets[0]}: {names[0]}" if len(runs) == 1 else f"{len(runs)} evaluations on {', '.join(datasets)}"
        write_report(options.out, title, told, published)
    print("\n".join(summary(each) for each in told))
    return DONE
