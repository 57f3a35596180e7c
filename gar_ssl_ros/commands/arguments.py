"""What the commands share: the types of their arguments, each refusing bad text in a sentence."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
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
            or usual in ("", argparse.SUPPRESS)
        ):
            return told
        typed = f"{usual:g}" if isinstance(usual, float) else str(usual)
        return f"{told} (default: {typed.replace('%', '%%')})"


class CommandParser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": HelpFormatter, **options})


MAX_SIDE_PX = 4096  # of a rendered picture's side


def whole(least: int, most: int) -> Callable[[str], int]:
    """The type of a whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{_short(text)} is not a whole number from {least} to {most}")
        return int(text)

    return read


def number(least: float, most: float, what: str = "a number") -> Callable[[str], float]:
    """The type of a number from `least` to `most`. what: it is, in an error."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{_short(text)} is not {what} from {least:g} to {most:g}")
        return value

    return read


seed = whole(0, 2**31 - 1)
limit = whole(1, 10**9)
seconds = number(0.05, 600, "a time in seconds")


def size(text: str) -> tuple[int, int]:
    """A size such as 320x240, both sides even: width, height."""
    found = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    width, height = (int(side) for side in found.groups()) if found else (0, 0)
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX) or width % 2 or height % 2:
        wanted = f"a size such as 320x240, both sides even and at most {MAX_SIDE_PX}"
        raise argparse.ArgumentTypeError(f"{_short(text)} is not {wanted}")
    return width, height


def shard(text: str) -> tuple[int, int]:
    """A part of a whole such as 2/4, the parts counted from 1: which, of how many."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    index, of = (int(part) for part in found.groups()) if found else (0, 0)
    if not 1 <= index <= of:
        raise argparse.ArgumentTypeError(f"{_short(text)} is out of range: give I/N with 1 <= I <= N, such as 2/4")
    return index, of


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """What is evaluated, and how it is counted."""
    add_samples(parser, DATASETS)
    add_denominator(parser)


def add_samples(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Whose samples, of datasets of these names."""
    parser.add_argument("--dataset", choices=names, required=True, help="whose samples")
    parser.add_argument("--root", type=Path, metavar="PATH", help="folder of its media (rosbag: the bag)")
    parser.add_argument("--annotations", type=Path, metavar="PATH", help="published annotations, where not in --root")
    told = "of scenes, which ones: kinds, and first and last seed, as one,two:60000-60299"
    parser.add_argument("--rendered", default="", metavar="KINDS:FIRST-LAST", help=told)
    parser.add_argument("--limit", type=limit, metavar="N", help="only the first N samples")


def add_parts(parser: argparse.ArgumentParser, what: str) -> None:
    """Long work in parts: which one, whether it goes on, and who does it. what: what the folder of `--out` holds."""
    parser.add_argument("--shard", type=shard, default="1/1", metavar="I/N", help="part I of N equal ones")
    parser.add_argument("--resume", action="store_true", help=f"go on where the {what} in DIR end")
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="this process, or a Ray cluster")


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
        raise argparse.ArgumentTypeError(f"{_short(text)} is not the name of a node, such as /localizer")
    return f"/{text.strip('/')}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
