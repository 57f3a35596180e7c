"""`gar-ssl ablate`: one dataset under several settings, the paper's studies or your own."""

from __future__ import annotations

import argparse
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, add_dataset, require_evaluation
from gar_ssl_ros.commands.choice import add_evaluated
from gar_ssl_ros.commands.evaluate import kept, summary, warn
from gar_ssl_ros.errors import DONE, FAILED


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "ablate",
        help="measure what each setting of the method is worth",
        description="Evaluate a dataset under the variants of a study: the paper's trials, stages, thresholds, models "
        "or prompts, our wording, or a YAML file of your own. Answers are remembered, so that no variant asks what "
        "another has asked. Writes DIR/report.html and DIR/report.md, and each variant's results in a folder of its "
        "own.",
    )
    parser.add_argument(
        "study", metavar="STUDY", help="trials, stages, thresholds, models, prompts, wording, or a YAML file"
    )
    add_dataset(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument("--cache", type=Path, metavar="FILE", help="remembered answers (default: DIR/stages.sqlite)")
    parser.add_argument("--resume", action="store_true", help="go on where the results in DIR end")
    add_evaluated(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    require_evaluation()
    from gar_ssl_ros.evaluation.ablation import ablate
    from gar_ssl_ros.evaluation.datasets import dataset
    from gar_ssl_ros.evaluation.report.write import write_report
    from gar_ssl_ros.evaluation.results import Origin
    from gar_ssl_ros.evaluation.run import limited, subject, write_run
    from gar_ssl_ros.evaluation.settings import evaluated
    from gar_ssl_ros.evaluation.study import read_study

    origin = Origin(
        dataset=options.dataset, root=options.root, annotations=options.annotations, rendered=options.rendered
    )
    published = options.denominator == "published"
    with kept(options.out):
        study = read_study(options.study, evaluated(vars(options)))
        chosen = limited(dataset(options.dataset, options.root, options.annotations, options.rendered), options.limit)
        warn(chosen)
        cache = options.cache or options.out / "stages.sqlite"
        told = []
        for variant, done in ablate(study, chosen, origin, options.out, cache, options.resume):
            write_run(done, options.out / variant.folder)
            told.append(subject(done, None, published, variant.name, variant.name))
        write_report(
            options.out, f"{study.title}: {chosen.name}", told, published, study.about, study.tables, times=False
        )
    print("\n".join(summary(each) for each in told))
    print(f"{options.out}/report.html, report.md, and a folder for each variant")
    return DONE if any(each.figures.answered for each in told) else FAILED
