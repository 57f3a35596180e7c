"""Who answers the three stages of GAR, by name."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner
    from gar_ssl_ros.reasoners.omni import LoadOptions
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptOptions

logger = logging.getLogger(__name__)

AUTO = "auto"  # senses where its models are here, else signal: whichever it is answers under its own name
NAMES = (AUTO, "signal", "senses", "omni")
GROUP = "gar_ssl_ros.reasoners"  # of the entry points by which other packages declare theirs, each `module:factory`


@dataclass(frozen=True)
class ReasonerOptions:
    """What some of them need.

    model: of `omni`, a folder, or the id of what is in the hub's cache. load: how it is loaded. ask: how it is asked.
    """

    model: str | None = None
    load: LoadOptions | None = None
    ask: PromptOptions | None = None


def options_by_name(values: Mapping[str, Any]) -> ReasonerOptions:
    """From values by name, as the command line's options and the nodes' parameters have them; others are left alone.

    model, device, dtype, quantize, attention, compile, seed, off_screen, grounded, early. Raises OptionError where
    one has a value that it cannot have.
    """
    from gar_ssl_ros.reasoners.omni import LoadOptions
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptOptions

    load = LoadOptions(values["device"], values["dtype"], values["quantize"], values["attention"], values["compile"])
    ask = PromptOptions(values["seed"], values["off_screen"], values["grounded"], values["early"])
    return ReasonerOptions(values["model"] or None, load, ask)


def names() -> tuple[str, ...]:
    """Those that come with this package, and those that other installed packages declare. Imports none of them."""
    return (*NAMES, *sorted(_declared().keys() - set(NAMES)))


def known(name: str, named: Collection[str] = ()) -> bool:
    """True if it is one of `names()`, or one's own, as `module:factory`, that is among those `named`."""
    return name in names() or (name in named and is_factory(name))


def is_factory(name: str) -> bool:
    """True if it is of the form `module:factory`."""
    module, _, factory = name.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *factory.split(".")))


def _declared() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def reasoner(
    name: str,
    options: ReasonerOptions | None = None,
    fallback: str | None = None,
    named: Collection[str] = (),
) -> Reasoner:
    """The reasoner of that name, ready to be asked; only what it needs is imported.

    name: one of `names()`, or `module:factory` for one's own: what `factory()` of that module gives. fallback: the name
    of one that answers where this one cannot be had or fails. named: the `module:factory`s that may be imported, as
    whoever started the program named them. Raises OptionError where there is none of a name, and ReasonerError, a
    sentence with the remedy, where it cannot be had and there is no fallback.
    """
    from gar_ssl_ros.errors import OptionError
    from gar_ssl_ros.gar.reasoner import Fallback, ReasonerError, Unavailable

    for wanted in (name, fallback):
        if wanted is not None and not known(wanted, named):
            raise OptionError(
                f"there is no reasoner {wanted!r}: choose one of {', '.join(names())}, or name your own, as "
                "module:factory, when you start the program"
            )
    if name == fallback:
        raise ReasonerError(f"{name} cannot stand in for itself: choose another fallback, or none")
    options = options or ReasonerOptions()
    if fallback is None:
        return _reasoner(name, options)
    try:
        first = _reasoner(name, options)
    except ReasonerError as problem:
        logger.warning("%s cannot be had, %s answers instead: %s", name, fallback, problem)
        first = Unavailable(name, options.model, str(problem))
    return Fallback(first, _reasoner(fallback, options))


def _reasoner(name: str, options: ReasonerOptions) -> Reasoner:
    if name == AUTO:
        from gar_ssl_ros.reasoners.auto import automatic

        return automatic()
    if name == "signal":
        from gar_ssl_ros.reasoners.signal import SignalReasoner

        return SignalReasoner()
    if name == "senses":
        from gar_ssl_ros.reasoners.senses import SensesReasoner
        from gar_ssl_ros.reasoners.senses.senses import load as load_senses

        return SensesReasoner(load_senses())
    from gar_ssl_ros.gar.reasoner import ReasonerError

    if name != "omni":
        from gar_ssl_ros.reasoners.own import make

        entry = _declared().get(name)
        return make(name, name if entry is None else entry.value.partition("[")[0].strip())
    if options.model is None:
        raise ReasonerError("the reasoner omni needs a model: name the folder of its weights, or its id in the cache")
    from gar_ssl_ros.reasoners.omni import load
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner

    return PromptedReasoner(load(options.model, options.load), options.ask)
