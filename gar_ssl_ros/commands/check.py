"""`gar-ssl check`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import Commands, seconds
from gar_ssl_ros.commands.choice import add_model, add_options
from gar_ssl_ros.errors import DONE, FAILED, UsageError, sentence
from gar_ssl_ros.options import changed, from_values, options_of
from gar_ssl_ros.reasoners.options import LoadOptions, ServedOptions, ServerOptions

if TYPE_CHECKING:
    from gar_ssl_ros.checks import Finding


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="check this machine, its graph, and a model",
        description="Look at the interpreter, the packages, the reasoners, the cameras, the microphones and the graph, "
        "and tell what is missing and what to do; with --model, look into a model too: is it whole, does it fit, how "
        "long does a window take, in which coordinates does it speak; with --served, into one that a server has: does "
        "it see and hear, too. Exit status: 0 all that is needed is there, 1 it is not.",
    )
    parser.add_argument("--listen", type=seconds, default=3.0, metavar="S", help="how long to watch the topics, s")
    add_model(parser)
    group = parser.add_argument_group("the model of served")
    group.add_argument("--served", default="", metavar="URL", help="of the server; --model is the model's name there")
    add_options(group, [one for one in options_of(ServerOptions) if one.name in ("dialect", "api_key_variable")])
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.checks import machine

    loading = changed(options_of(LoadOptions), vars(options))
    if options.served and loading:
        raise UsageError(f"{', '.join(loading)}: the server loads its model: leave it out, or leave out --served")
    if not options.model and loading:
        raise UsageError(f"{', '.join(loading)}: of which model? Name it with --model")
    if not options.served and (names := changed(options_of(ServerOptions), vars(options))):
        raise UsageError(f"{', '.join(names)}: of which server? Name it with --served")
    server = from_values(ServedOptions, {**vars(options), "server": options.served})

    checks: list[Callable[[], Iterator[Finding]]] = [
        machine.interpreter,
        machine.packages,
        machine.ros,
        machine.reasoners,
        machine.models,
        machine.cameras,
        machine.microphones,
        partial(machine.topics, options.listen),
    ]
    if options.served:
        checks.append(partial(_served, server))
    elif options.model:
        checks.append(partial(_model, options))
    code = DONE
    for check in checks:
        for finding in _findings(check):
            print(f"{finding.mark:<9}{finding.subject:<29} {finding.fact}", flush=True)
            if finding.remedy:
                print(f"{'':<9}{'':<30}-> {finding.remedy}", flush=True)
            if finding.mark == "PROBLEM":
                code = FAILED
    return code


def _model(options: argparse.Namespace) -> Iterator[Finding]:
    from gar_ssl_ros.checks.model import check_model

    return check_model(options.model, from_values(LoadOptions, vars(options)))


def _served(options: ServedOptions) -> Iterator[Finding]:
    from gar_ssl_ros.checks.served import check_served

    return check_served(options)


def _findings(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Those of one check, which itself may need what is missing."""
    from gar_ssl_ros.checks import Finding

    try:
        yield from check()
    except Exception as problem:
        name = check.func.__name__ if isinstance(check, partial) else check.__name__
        missing = isinstance(problem, ImportError)  # which is told above, and need not be a fault
        remedy = "mend what is told above first" if missing else "mend it: the nodes would fail of it, too"
        yield Finding(name.strip("_"), f"cannot be looked at: {sentence(problem)}", remedy, needed=not missing)
