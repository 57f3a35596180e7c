"""What describers and translators are asked, in our own words: a text file each, $names filled in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template


def prompt(name: str, **values: str) -> str:
    """The text of `name`.txt with each $name filled in. Raises KeyError where one is missing."""
    return _template(name).substitute(values)


@cache
def _template(name: str) -> Template:
    return Template((files(__package__) / f"{name}.txt").read_text(encoding="utf-8").strip())
