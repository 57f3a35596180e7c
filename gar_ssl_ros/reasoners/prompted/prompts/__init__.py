"""What a model is asked: a text file for each stage, $names filled in.

A line that begins with `- "name":` tells one field of the reply. A file tells all that any reply has; a question gets
those of its own reply, in the order in which they are decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from string import Template


def prompt(name: str, fields: Iterable[str] = (), /, **values: object) -> str:
    """The text of `name`.txt with each $name filled in and those fields told. Raises KeyError where one is missing."""
    head, told = _parts(name)
    return Template("\n".join([head, *(told[field] for field in fields)])).substitute(values)


@cache
def _parts(name: str) -> tuple[str, Mapping[str, str]]:
    """What comes before the fields, and the line of each."""
    text = (files(__package__) / f"{name}.txt").read_text(encoding="utf-8").strip()
    head, *told = text.split('\n- "')
    return head, {line.partition('"')[0]: f'- "{line}' for line in told}
