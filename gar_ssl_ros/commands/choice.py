"""Options as arguments: every command's arguments that `options.py` declares, and who answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gar_ssl_ros.commands.arguments import number, whole
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.options import Option, options_of
from gar_ssl_ros.reasoners import AUTO, known, named_options, names, reasoner, refuse_unused
from gar_ssl_ros.reasoners.options import LoadOptions, ModelOptions, ReasonerChoice
from gar_ssl_ros.reasoners.registry import REASONERS, listed, owners_of

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner


class _Renamed(argparse.Action):
    """An argument under the name that it had in the release before."""

    def __call__(
        self, _: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        new = self.dest.replace("_", "-")
        print(f"gar-ssl: note: {option} is --{new} now, and will go: write that", file=sys.stderr)
        setattr(namespace, self.dest, values)


def add_options(group: argparse._ActionsContainer, declared: Iterable[Option]) -> None:
    """An argument for each option that is offered."""
    for one in declared:
        if not one.offered:
            continue
        flag, typed = f"--{one.name.replace('_', '-')}", _typed(one)
        group.add_argument(flag, help=f"{one.help}: {one.fits}" if one.fits else one.help, **typed)
        if one.was:
            hidden = {**typed, "default": argparse.SUPPRESS, "action": _Renamed, "dest": one.name}
            group.add_argument(f"--{one.was.replace('_', '-')}", help=argparse.SUPPRESS, **hidden)


def reasoner_name(text: str) -> str:
    """The name of a reasoner."""
    if not known(text, named=(text,)):
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(names())}, nor your own as module:factory")
    return text


def add_reasoner(parser: argparse.ArgumentParser, default: str | None = AUTO, more: str = "") -> None:
    """Add `--reasoner` and all that goes with it. more: what its help ends with."""
    who, fallback, own = options_of(ReasonerChoice)
    _add_name(parser, who, default, names(), more)
    _add_name(parser, fallback, None, names())
    add_options(parser, [own])
    _add_told(parser, named_options())


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and how it is loaded."""
    add_options(parser.add_argument_group("the model of omni"), (*options_of(ModelOptions), *options_of(LoadOptions)))


def add_evaluated(parser: argparse.ArgumentParser) -> None:
    """Add `--reasoner` and what decides its answers."""
    who, _, own = options_of(ReasonerChoice)
    _add_name(parser, who, "signal", [name for name in names() if name != AUTO])
    add_options(parser, [own])
    _add_told(parser, [one for one in named_options() if one.answers])
    add_masks(parser)


def add_masks(parser: argparse.ArgumentParser) -> None:
    """Add `--masks` and what goes with it."""
    add_options(parser.add_argument_group("pixels of the sources"), options_of(MaskOptions))


def node_parameters(options: argparse.Namespace) -> dict[str, object]:
    """What was chosen with `add_reasoner` as parameters of the localizer. Raises UsageError as `check_choice` does."""
    check_choice(options)
    declared = (*options_of(ReasonerChoice), *named_options())
    return {one.name: given for one in declared if (given := getattr(options, one.name)) is not None}


def check_choice(options: argparse.Namespace) -> None:
    """Raises UsageError where something is said to a reasoner that does not answer."""
    refuse_unused(options.reasoner, options.fallback, vars(options))


def chosen_reasoner(options: argparse.Namespace) -> Reasoner:
    """What was chosen with `add_reasoner`. Raises ReasonerError where it cannot be had, and as `check_choice` does."""
    check_choice(options)
    named = (options.reasoner, options.fallback)
    return reasoner(options.reasoner, vars(options), options.fallback, named)


def _add_name(
    parser: argparse.ArgumentParser, one: Option, default: str | None, choices: Sequence[str], more: str = ""
) -> None:
    of = f"{{{','.join(choices)},module:factory}}"
    parser.add_argument(f"--{one.name}", type=reasoner_name, default=default, metavar=of, help=f"{one.help}{more}")


def _add_told(parser: argparse.ArgumentParser, declared: Sequence[Option]) -> None:
    """What reasoners can be told, a group for each reasoner; what several have in common stands with the first."""
    left = list(declared)
    for spec in REASONERS:
        has = {one.name for one in spec.declared}
        own, left = [one for one in left if one.name in has], [one for one in left if one.name not in has]
        if own:
            add_options(parser.add_argument_group(f"options of {listed(owners_of(own[0].name), 'and')}"), own)


def _typed(one: Option) -> dict[str, Any]:
    """How argparse is to read it."""
    if isinstance(one.default, bool):
        return {"action": "store_true"}
    if one.choices:
        return {"choices": one.choices, "default": one.default}
    kind: Any = str
    if one.least is not None and one.most is not None:
        kind = number(one.least, one.most) if isinstance(one.default, float) else whole(int(one.least), int(one.most))
    return {"type": kind, "default": one.default, "metavar": one.metavar or one.name.upper()}
