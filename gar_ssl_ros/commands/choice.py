"""Which reasoner answers, and which model: the arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gar_ssl_ros.reasoners import NAMES, ReasonerOptions, reasoner

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner
    from gar_ssl_ros.reasoners.omni import LoadOptions


def add_reasoner(parser: argparse.ArgumentParser) -> None:
    """Add `--reasoner` and what goes with it."""
    parser.add_argument("--reasoner", choices=NAMES, default="signal", help="who answers the stages")
    parser.add_argument("--fallback", choices=NAMES, help="who answers where that one is missing or fails")
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


def load_options(options: argparse.Namespace) -> LoadOptions:
    """How to load it, as chosen with `add_model`. Raises ReasonerError where that cannot be."""
    from gar_ssl_ros.gar.reasoner import ReasonerError
    from gar_ssl_ros.reasoners.omni import LoadOptions

    try:
        return LoadOptions(options.device, options.dtype, options.quantize, options.attention, options.compile)
    except ValueError as problem:
        raise ReasonerError(str(problem)) from None


def chosen_reasoner(options: argparse.Namespace) -> Reasoner:
    """What was chosen with `add_reasoner`. Raises ReasonerError where it cannot be had."""
    if "omni" not in (options.reasoner, options.fallback):
        return reasoner(options.reasoner, fallback=options.fallback)
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptOptions

    ask = PromptOptions(options.seed, options.off_screen, options.grounded, options.early)
    return reasoner(options.reasoner, ReasonerOptions(options.model, load_options(options), ask), options.fallback)
