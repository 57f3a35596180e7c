"""What the commands share: exit statuses, and the types of their arguments, each refusing bad text in a sentence."""

from __future__ import annotations

import argparse
import re
from typing import TypeAlias

DONE, FAILED, USAGE = 0, 1, 2

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


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
