"""Which reasoner answers, and which model: the arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gar_ssl_ros.commands.arguments import seed
from gar_ssl_ros.reasoners import AUTO, known, names, options_by_name, reasoner
from gar_ssl_ros.reasoners.model_options import DEFAULTS, refuse_unused

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner


def reasoner_name(text: str) -> str:
    """The name of a reasoner."""
    if not known(text, named=(text,)):
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(names())}, nor your own as module:factory")
    return text


def add_reasoner(
    parser: argparse.ArgumentParser, default: str | None = AUTO, who: str = "who answers the stages"
) -> None:
    """Add `--reasoner` and all that goes with it. who: its help."""
    _add_name(parser, "--reasoner", who, default)
    _add_name(parser, "--fallback", "who answers where that one is missing or fails")
    add_model(parser)
    ask = parser.add_argument_group("how omni asks its model")
    _add_asked(ask)
    ask.add_argument("--early", action="store_true", help="trials end once the others cannot change the vote")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and how it is loaded."""
    load = parser.add_argument_group("the model of omni")
    _add_weights(load)
    load.add_argument("--device", default="auto", metavar="D", help="auto, balanced, cpu, cuda or cuda:N")
    implementations = ("sdpa", "eager", "flash_attention_2")
    load.add_argument("--attention", choices=implementations, default="sdpa", help="its implementation")
    load.add_argument("--compile", action="store_true", help="by torch.compile: slow to load, faster to answer")


def add_evaluated(parser: argparse.ArgumentParser) -> None:
    """Add `--reasoner` and what decides its answers."""
    _add_name(parser, "--reasoner", "who answers the stages", "signal", auto=False)
    model = parser.add_argument_group("the model of omni")
    _add_weights(model)
    _add_asked(model)


def evaluated(options: argparse.Namespace) -> dict[str, Any]:
    """What was chosen with `add_evaluated`, as settings of an evaluation."""
    prompts = [name for name in ("grounded", "off_screen") if getattr(options, name)]
    chosen = {name: getattr(options, name) for name in ("reasoner", "model", "dtype", "quantize", "seed")}
    return {**chosen, "prompts": prompts}


def node_parameters(options: argparse.Namespace) -> dict[str, object]:
    """The same choice as parameters of the localizer. Raises UsageError as `check_choice` does."""
    check_choice(options)
    given = vars(options)
    return {name: given[name] for name in ("reasoner", "fallback", *DEFAULTS) if given[name] is not None}


def check_choice(options: argparse.Namespace) -> None:
    """Raises UsageError where something is said about a model that nobody asks."""
    refuse_unused(options.reasoner, options.fallback, vars(options))


def chosen_reasoner(options: argparse.Namespace) -> Reasoner:
    """What was chosen with `add_reasoner`. Raises ReasonerError where it cannot be had, and as `check_choice` does."""
    check_choice(options)
    named = (options.reasoner, options.fallback)
    return reasoner(options.reasoner, options_by_name(vars(options)), options.fallback, named)


def _add_name(
    parser: argparse.ArgumentParser, option: str, help_text: str, default: str | None = None, auto: bool = True
) -> None:
    of = f"{{{','.join(name for name in names() if auto or name != AUTO)},module:factory}}"
    parser.add_argument(option, type=reasoner_name, default=default, metavar=of, help=help_text)


def _add_weights(group: argparse._ActionsContainer) -> None:
    group.add_argument("--model", metavar="DIR", help="folder of its weights, or its id in the hub's cache")
    dtypes = ("auto", "float32", "bfloat16", "float16")
    group.add_argument("--dtype", choices=dtypes, default="auto", help="of what is not quantized")
    group.add_argument(
        "--quantize", choices=("none", "nf4", "int8"), default="none", help="by bitsandbytes, at loading"
    )


def _add_asked(group: argparse._ActionsContainer) -> None:
    group.add_argument("--seed", type=seed, default=0, metavar="N", help="of the analysis trials")
    group.add_argument("--off-screen", action="store_true", help="it may say that nothing in view makes the sound")
    group.add_argument("--grounded", action="store_true", help="it says where each anchor is seen")
