"""`gar-ssl models`: the small models of perception, listed, fetched and added."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gar_ssl_ros.commands.arguments import CommandParser, Commands
from gar_ssl_ros.errors import DONE, UserError, sentence, status, told
from gar_ssl_ros.perception.catalog import MODELS, Model, obtaining

ALL = "all"


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "models",
        help="list, fetch and add the small models of perception",
        description="The small trained models that tell faces, objects, kinds of sound and who speaks: list them, "
        "fetch them from their publishers, or add files that were downloaded elsewhere. Nothing else ever fetches one. "
        "They lie in $GAR_SSL_MODELS, or in gar_ssl_ros/models in the user's cache.",
    )
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=CommandParser)
    listing = actions.add_parser("list", help="what there is, and what is here (the default)")
    listing.set_defaults(run=run_list)
    getting = actions.add_parser(
        "get",
        help="fetch models from their publishers",
        description="Fetch models from their publishers. Each gets its place once its SHA-256 is right; a try that "
        "ended early is gone on with. Proxies are those of https_proxy and no_proxy.",
    )
    getting.add_argument(
        "names", nargs="+", choices=(*MODELS, ALL), metavar="NAME", help=f"{', '.join(MODELS)}, or {ALL}"
    )
    getting.set_defaults(run=run_get)
    adding = actions.add_parser(
        "add",
        help="add a file that was downloaded elsewhere",
        description="Copy a model's file, whatever its name, to where models are looked for, if its SHA-256 is right.",
    )
    adding.add_argument("name", choices=tuple(MODELS), metavar="NAME", help=", ".join(MODELS))
    adding.add_argument("file", type=Path, metavar="FILE", help="the file")
    adding.set_defaults(run=run_add)
    for each in (getting, adding):
        each.add_argument("--overwrite", action="store_true", help="replace a file in its place that is not the model")


def run_list(_options: argparse.Namespace) -> int:
    from gar_ssl_ros.perception.store import folder

    print(f"in {folder()}:")
    for model in MODELS.values():
        print(f"\n{model.name} ({_state(model)}): {model.what}")
        print(f"    {model.size / 1e6:.1f} MB, {model.licence}, {model.publisher}: {model.url}")
    return DONE


def run_get(options: argparse.Namespace) -> int:
    from gar_ssl_ros.perception.fetching import fetch
    from gar_ssl_ros.perception.store import held_already

    code = DONE
    for name in MODELS if ALL in options.names else dict.fromkeys(options.names):
        model = MODELS[name]
        try:
            if not model.fetched and name not in options.names and not held_already(model, options.overwrite):
                print(f"gar-ssl: note: {name} is not fetched: {obtaining(model)}", file=sys.stderr)
                continue
            path = fetch(model, options.overwrite)
        except (UserError, OSError) as problem:
            print(told(problem), file=sys.stderr)
            code = max(code, status(problem))
        else:
            print(path)
    return code


def run_add(options: argparse.Namespace) -> int:
    from gar_ssl_ros.perception.store import add as add_file

    print(add_file(MODELS[options.name], options.file, options.overwrite))
    return DONE


def _state(model: Model) -> str:
    from gar_ssl_ros.perception.store import by_pip, held

    try:
        here = held(model)
        if here is None:
            return f"not here: {obtaining(model)}"
        return f"here, installed by pip in {here.parent}" if by_pip(here) else "here"
    except (UserError, OSError) as problem:
        return sentence(problem)
