"""Which reasoner answers, and which model: the arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gar_ssl_ros.reasoners import NAMES, known, options_by_name, reasoner

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner

OPTIONS = ("model", "device", "dtype", "quantize", "attention", "compile", "seed", "off_screen", "grounded", "early")


def reasoner_name(text: str) -> str:
    """The name of a reasoner."""
    if not known(text):
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(NAMES)}, nor your own as module:factory")
    return text


def add_reasoner(parser: argparse.ArgumentParser) -> None:
    """Add `--reasoner` and what goes with it."""
    of = f"{{{','.join(NAMES)},module:factory}}"
    parser.add_argument("--reasoner", type=reasoner_name, default="signal", metavar=of, help="who answers the stages")
    parser.add_argument(
        "--fallback", type=reasoner_name, metavar=of, help="who answers where that one is missing or fails"
    )
    add_model(parser)
    ask = parser.add_argument_group("how omni asks its model")
    ask.add_argument("--seed", type=int, default=0, metavar="N", help="of the analysis trials")
    ask.add_argument("--off-screen", action="store_true", help="it may say that nothing in view makes the sound")
    ask.add_argument("--grounded", action="store_true", help="it says where each anchor is seen")
    ask.add_argument("--early", action="store_true", help="trials end once the others cannot change the vote")


def add_model(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Add `--model` and how it is loaded."""
    load = parser.add_argument_group("the model of omni")
    load.add_argument("--model", required=required, metavar="DIR", help="folder of its weights, or its hub id")
    load.add_argument("--device", default="auto", metavar="D", help="auto, balanced, cpu, cuda or cuda:N")
    dtypes = ("auto", "float32", "bfloat16", "float16")
    load.add_argument("--dtype", choices=dtypes, default="auto", help="of what is not quantized")
    load.add_argument("--quantize", choices=("none", "nf4", "int8"), default="none", help="by bitsandbytes, at loading")
    implementations = ("sdpa", "eager", "flash_attention_2")
    load.add_argument("--attention", choices=implementations, default="sdpa", help="its implementation")
    load.add_argument("--compile", action="store_true", help="by torch.compile: slow to load, faster to answer")


def node_parameters(options: argparse.Namespace) -> dict[str, object]:
    """The same choice as parameters of the localizer."""
    given = vars(options)
    return {name: given[name] for name in ("reasoner", "fallback", *OPTIONS) if given[name] is not None}


def chosen_reasoner(options: argparse.Namespace) -> Reasoner:
    """What was chosen with `add_reasoner`. Raises ReasonerError where it cannot be had."""
    return reasoner(options.reasoner, options_by_name(vars(options)), options.fallback)
