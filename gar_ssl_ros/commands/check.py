"""`gar-ssl check`: whether what is to be run with is as it should be."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import DONE, FAILED, USAGE, Commands
from gar_ssl_ros.commands.choice import add_model, load_options

if TYPE_CHECKING:
    from gar_ssl_ros.checks import Finding

MARKS = {True: "ok", None: "?", False: "WRONG"}


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="look into a model before a robot relies on it",
        description="Look into a model: is it whole, does it fit, how long does a window take, in which coordinates "
        "does it speak. Exit status: 0 nothing wrong, 1 something wrong, 2 wrong usage.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_model(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    wanted = [findings for findings in (check(options) for check in CHECKS) if findings is not None]
    if not wanted:
        print("gar-ssl check: nothing to look into: name a --model", file=sys.stderr)
        return USAGE
    code = DONE
    for findings in wanted:
        for finding in findings:
            print(f"{MARKS[finding.right]:<6}{finding.about:<12}{finding.text}", flush=True)
            if finding.right is False:
                code = FAILED
    return code


def _model(options: argparse.Namespace) -> Iterator[Finding] | None:
    if options.model is None:
        return None
    from gar_ssl_ros.checks import Finding
    from gar_ssl_ros.checks.model import check_model
    from gar_ssl_ros.gar.reasoner import ReasonerError

    try:
        return check_model(options.model, load_options(options))
    except ReasonerError as problem:
        return iter([Finding("model", False, str(problem))])


# Each gives its findings as they come, or None where it was not asked for.
CHECKS: tuple[Callable[[argparse.Namespace], Iterator[Finding] | None], ...] = (_model,)
