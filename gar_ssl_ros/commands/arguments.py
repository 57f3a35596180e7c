"""What the commands share: the types of their arguments, each refusing bad text in a sentence."""

from __future__ import annotations

import argparse
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from gar_ssl_ros.errors import UserError, pip_install
from gar_ssl_ros.evaluation.datasets import NAMES as DATASETS

Commands: TypeAlias = "argparse._SubParsersAction[CommandParser]"


class HelpFormatter(argparse.HelpFormatter):
    """Shows the default of an option that has one, as it would be typed."""

    def _get_help_string(self, action: argparse.Action) -> str:
        told, usual = action.help or "", action.default
        if (
            not action.option_strings
            or action.required
            or usual is None
            or usual is False
            or usual == argparse.SUPPRESS
        ):
            return told
        typed = f"{usual:g}" if isinstance(usual, float) else str(usual)
        return f"{told} (default: {typed.replace('%', '%%')})"


class CommandParser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": HelpFormatter, **options})


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.lstrip("+").isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """A time from 0.05 to 600 s."""
    value = _number(text)
    if not 0.05 <= value <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time from 0.05 to 600 s")
    return value


def share(text: str) -> float:
    """A number in 0..1."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} does not lie in 0..1")
    return value


def size(text: str) -> tuple[int, int]:
    """A size such as 320x240, both sides even: width, height."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()) or int(width) % 2 or int(height) % 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 320x240, both sides even")
    return int(width), int(height)


def shard(text: str) -> tuple[int, int]:
    """A part of a whole such as 2/4, the parts counted from 1: which, of how many."""
    index, slash, of = text.partition("/")
    if not (slash and index.isdigit() and of.isdigit() and 1 <= int(index) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: give I/N with 1 <= I <= N, such as 2/4")
    return int(index), int(of)


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """What is evaluated, and how it is counted."""
    parser.add_argument("--dataset", choices=DATASETS, required=True, help="whose samples")
    parser.add_argument("--root", type=Path, metavar="PATH", help="folder of its media (rosbag: the bag)")
    parser.add_argument("--annotations", type=Path, metavar="PATH", help="published annotations, where not in --root")
    parser.add_argument("--limit", type=count, metavar="N", help="only the first N samples")
    add_denominator(parser)


def add_denominator(parser: argparse.ArgumentParser) -> None:
    """How it is counted."""
    parser.add_argument(
        "--denominator",
        choices=("all", "published"),
        default="all",
        help="whether samples without an answer are misses, or dropped as in the published numbers",
    )


def require_evaluation() -> None:
    """Raise UserError where something of the extra `evaluate` is missing."""
    missing = [name for name in ("jinja2", "matplotlib", "pyarrow", "yaml") if find_spec(name) is None]
    if missing:
        raise UserError(f"evaluation needs {', '.join(missing)}, not found here: {pip_install('evaluate')}")


def node_name(text: str) -> str:
    """A node's full name such as /localizer, of letters, digits and underscores."""
    if not re.fullmatch(r"(/?[A-Za-z_][A-Za-z0-9_]*)+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a node, such as /localizer")
    return f"/{text.strip('/')}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
