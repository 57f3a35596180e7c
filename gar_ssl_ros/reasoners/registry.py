"""Who answers the three stages of GAR, by name: our own, those that installed packages declare, and one's own.

One of ours is a line in `REASONERS`; its options, if it has any, become arguments of the command line, parameters of
the localizer and settings of an evaluation. Another package declares its own as an entry point of `GROUP`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from gar_ssl_ros.errors import OptionError, UsageError
from gar_ssl_ros.options import Option, Options, changed, from_values, options_of, values_from_text
from gar_ssl_ros.reasoners.options import (
    HearYouAreOptions,
    OmniOptions,
    OpenAvsOptions,
    SensesOptions,
    ServedOptions,
    StudentOptions,
)

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner

logger = logging.getLogger(__name__)

GROUP = "gar_ssl_ros.reasoners"  # of the entry points by which other packages declare theirs, each `module:factory`


@dataclass(frozen=True)
class ReasonerSpec:
    """A reasoner that can be asked for.

    factory: module:function, called with the options where it has some, without arguments where not. options: their
    type. needs: the option that must be given, and how; empty where none must. elsewhere: True if another process
    does its work, so that several windows at once are answered sooner than one after the other.
    """

    name: str
    factory: str
    options: type[Options] | None = None
    needs: tuple[str, ...] = ()
    elsewhere: bool = False

    @property
    def declared(self) -> tuple[Option, ...]:
        """Its options."""
        return () if self.options is None else options_of(self.options)

    def check(self, values: Mapping[str, Any]) -> None:
        """Raises ReasonerError where the values by name lack what it needs."""
        from gar_ssl_ros.gar.reasoner import ReasonerError

        if self.needs and not values.get(self.needs[0]):
            raise ReasonerError(f"the reasoner {self.name} needs a {self.needs[0]}: {self.needs[1]}")

    def make(self, values: Mapping[str, Any]) -> Reasoner:
        """It, ready to be asked; only what it needs is imported. Raises OptionError and ReasonerError."""
        values = {**values, **values_from_text(self.declared, values.get("reasoner_options") or "", self.name)}
        self.check(values)
        module, _, function = self.factory.partition(":")
        create = getattr(import_module(module), function)
        return create() if self.options is None else create(from_values(self.options, values))  # type: ignore[no-any-return]


AUTO = "auto"  # senses where its models are here, else signal: whichever it is answers under its own name
REASONERS = (
    ReasonerSpec(AUTO, "gar_ssl_ros.reasoners.auto:automatic", SensesOptions),
    ReasonerSpec("signal", "gar_ssl_ros.reasoners.signal:SignalReasoner"),
    ReasonerSpec("senses", "gar_ssl_ros.reasoners.senses:senses_reasoner", SensesOptions),
    ReasonerSpec(
        "omni",
        "gar_ssl_ros.reasoners.omni:omni_reasoner",
        OmniOptions,
        needs=("model", "name the folder of its weights, or its id in the cache"),
    ),
    ReasonerSpec(
        "served",
        "gar_ssl_ros.reasoners.served:served_reasoner",
        ServedOptions,
        needs=("server", "name where it answers, as http://127.0.0.1:8000/v1 (docs/served.md)"),
        elsewhere=True,
    ),
    ReasonerSpec("openavs", "gar_ssl_ros.reasoners.openavs:openavs_reasoner", OpenAvsOptions),
    ReasonerSpec(
        "student",
        "gar_ssl_ros.reasoners.student:student_reasoner",
        StudentOptions,
        needs=("student", "name the folder that gar-ssl train has filled"),
    ),
    ReasonerSpec(
        "hear_you_are",
        "gar_ssl_ros.reasoners.hear_you_are:hear_you_are_reasoner",
        HearYouAreOptions,
        needs=("questions_model", "name the folder of a trained model of spatial questions (docs/questions.md)"),
    ),
)
OURS: Mapping[str, ReasonerSpec] = {spec.name: spec for spec in REASONERS}


def named_options() -> tuple[Option, ...]:
    """The options of all of ours, each once."""
    return tuple({one.name: one for spec in REASONERS for one in spec.declared}.values())


def owners_of(option: str) -> list[str]:
    """The names of those of ours that have the option of that name."""
    return [spec.name for spec in REASONERS if option in {one.name for one in spec.declared}]


def listed(names: Sequence[str], last: str) -> str:
    """`a, b or c`. last: the word before the last one."""
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def names() -> tuple[str, ...]:
    """Ours, and those that other installed packages declare. Imports none of them."""
    return (*OURS, *sorted(_declared().keys() - OURS.keys()))


def known(name: str, named: Collection[str] = ()) -> bool:
    """True if it is one of `names()`, or one's own, as `module:factory`, that is among those `named`."""
    return name in names() or (name in named and is_factory(name))


def is_factory(name: str) -> bool:
    """True if it is of the form `module:factory`."""
    module, _, factory = name.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *factory.split(".")))


def refuse_unused(reasoner: str, fallback: str | None, values: Mapping[str, Any]) -> None:
    """Raises UsageError where `values` set options that neither of both has.

    values: by name, whatever else they hold. fallback: nobody where None or empty.
    """
    answering = [OURS[name] for name in (reasoner, fallback) if name and name in OURS]
    has = {one.name for spec in answering for one in spec.declared}
    unused = [name for name in changed(named_options(), values) if name not in has]
    if unused:
        owners = owners_of(unused[0])
        who, it = f"{reasoner} or {fallback}" if fallback else reasoner, "it" if len(unused) == 1 else "them"
        raise UsageError(
            f"{', '.join(unused)}: only the reasoner {listed(owners, 'or')} can be told, and {who} answers here: "
            f"choose {listed([one for one in owners if one != AUTO], 'or')} as the reasoner, or leave {it} out"
        )


def reasoner(
    name: str,
    values: Mapping[str, Any] | None = None,
    fallback: str | None = None,
    named: Collection[str] = (),
) -> Reasoner:
    """The reasoner of that name, ready to be asked; only what it needs is imported.

    name: one of `names()`, or `module:factory` for one's own: what that function gives. values: options by name,
    whatever else they hold. fallback: the name of one that answers where this one cannot be had or fails. named: the
    `module:factory`s that may be imported, as whoever started the program named them. Raises OptionError where there is
    none of a name, or an option has a value that it cannot have, and ReasonerError, a sentence with the remedy, where
    it cannot be had and there is no fallback.
    """
    from gar_ssl_ros.gar.reasoner import Fallback, ReasonerError, Unavailable

    for wanted in (name, fallback):
        if wanted is not None and not known(wanted, named):
            raise OptionError(
                f"there is no reasoner {wanted!r}: choose one of {', '.join(names())}, or name your own, as "
                "module:factory, when you start the program"
            )
    if name == fallback:
        raise ReasonerError(f"{name} cannot stand in for itself: choose another fallback, or none")
    values = values or {}
    if fallback is None:
        return _made(name, values)
    try:
        first = _made(name, values)
    except ReasonerError as problem:
        logger.warning("%s cannot be had, %s answers instead: %s", name, fallback, problem)
        first = Unavailable(name, values.get("model") or None, str(problem))
    return Fallback(first, _made(fallback, values))


def _made(name: str, values: Mapping[str, Any]) -> Reasoner:
    if name in OURS:
        return OURS[name].make(values)
    from gar_ssl_ros.reasoners.own import make

    entry = _declared().get(name)
    factory = name if entry is None else entry.value.partition("[")[0].strip()
    return make(name, factory, values.get("reasoner_options") or "")


def _declared() -> dict[str, EntryPoint]:
    return _declared_on(tuple(sys.path))


@cache
def _declared_on(_path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Found by reading what each installed package says of itself, which the command line would wait for 13 times."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}
