"""One declaration an option: the command line, the nodes' parameters, an evaluation's settings and the docs follow it.

@dataclass(frozen=True)
class GarOptions(Options):
trials: int = option(5, "analysis trials", least=1, most=50, metavar="N")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from typing import Any, TypeAlias, TypeVar, cast

from gar_ssl_ros.errors import OptionError

Value: TypeAlias = bool | int | float | str
MOST_CHARACTERS = 4096  # of a text, as of a path
NAME_AND_VALUE = re.compile(r"([A-Za-z_]\w*)=(\S*)")

Kind = TypeVar("Kind", bound="Options")


@dataclass(frozen=True)
class Option:
    """An option as it is declared.

    default: its type is the option's. help: what it is, for the command line and the docs. least, most: of a number,
    both inclusive; any where None. choices: of a text; any where empty. pattern: a regular expression that a text must
    fit, `fits` in words. metavar: its value's name on the command line. was: its name in the release before. answers:
    True if it decides answers, and not only where or how fast they are found. offered: True if nodes and commands
    offer it, and not only evaluations.
    """

    name: str
    default: Value
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    fits: str = ""
    metavar: str = ""
    was: str = ""
    answers: bool = True
    offered: bool = True

    def check(self, value: Value) -> None:
        """Raises OptionError, one sentence, where it cannot have that value."""
        if not self._is_of_type(value):
            told = f"a {type(value).__name__}, not a {type(self.default).__name__}"
            raise OptionError(f"{self.name} is {told}: give one such as {self.default!r}")
        if isinstance(value, str):
            if len(value) > MOST_CHARACTERS:
                raise OptionError(f"{self.name} has {len(value)} characters: give it at most {MOST_CHARACTERS}")
            if self.choices and value not in self.choices:
                raise OptionError(f"{self.name} is {value!r}: choose one of {', '.join(map(repr, self.choices))}")
            if self.pattern and not re.fullmatch(self.pattern, value):
                raise OptionError(f"{self.name} is {value!r}: it must be {self.fits}")
        elif self.least is not None and self.most is not None and not self.least <= value <= self.most:
            raise OptionError(f"{self.name} is {value}: it must lie in {self.least:g}..{self.most:g}")

    def _is_of_type(self, value: Value) -> bool:
        """True if it is of the default's type, or a whole number where that is a float."""
        kind = type(self.default)
        return type(value) is kind or (kind is float and type(value) is int)

    @property
    def span(self) -> str:
        """What a value must be, beyond its type, in words; empty where any will do."""
        if self.choices:
            return ", ".join(self.choices)
        return self.fits if self.least is None or self.most is None else f"{self.least:g} to {self.most:g}"

    def read(self, text: str) -> Value:
        """A text as its value. Raises OptionError."""
        kind = type(self.default)
        if kind is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            value = text if kind is bool else kind(text)
        except ValueError:
            value = text
        self.check(value)
        return value


def option(default: Value, help: str, **more: Any) -> Any:  # noqa: A002 - as argparse has it
    """A field of `Options`. more: as of Option."""
    return dataclass_field(default=default, metadata={"option": Option("", default, help, **more)})


class Options:
    """Base of frozen dataclasses of fields made by `option`. Raises OptionError where one is out of range."""

    def __post_init__(self) -> None:
        """Hold each against its declaration."""
        for one in options_of(type(self)):
            one.check(getattr(self, one.name))


def options_of(kind: type[Options]) -> tuple[Option, ...]:
    """Those that it declares, in their order."""
    told = [(each.name, each.metadata.get("option")) for each in fields(cast("Any", kind))]
    return tuple(Option(**{**vars(one), "name": name}) for name, one in told if one is not None)


def from_values(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """Options out of values by name, whatever else these hold; what is missing or None is at its default."""
    given = {each.name: values.get(each.name) for each in fields(cast("Any", kind))}
    return kind(**{name: value for name, value in given.items() if value is not None})


def changed(declared: Iterable[Option], values: Mapping[str, Any]) -> dict[str, Value]:
    """Of the values by name those that are not at their defaults; None and an empty text are no values."""
    usual = {one.name: one.default for one in declared}
    return {name: values[name] for name in usual if values.get(name) not in (None, "", usual[name])}


def values_from_text(declared: Iterable[Option], text: str, whose: str) -> dict[str, Value]:
    """`name=value name=value` by name. whose: they are, for the error. Raises OptionError."""
    known = {one.name: one for one in declared}
    values = {}
    for part in text.split():
        found = NAME_AND_VALUE.fullmatch(part)
        if found is None:
            raise OptionError(f"{part!r} is no option of {whose}: write NAME=VALUE, several with spaces between")
        name, value = found.groups()
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise OptionError(f"{name}: there is no such option of {whose}: {has}")
        values[name] = known[name].read(value)
    return values
