"""Who answers the three stages of GAR, by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gar_ssl_ros.gar.reasoner import Reasoner
    from gar_ssl_ros.reasoners.omni import LoadOptions
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptOptions

logger = logging.getLogger(__name__)

NAMES = ("signal", "omni")


@dataclass(frozen=True)
class ReasonerOptions:
    """What some of them need.

    model: of `omni`, a folder or a hub id. load: how it is loaded. ask: how it is asked.
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


def known(name: str) -> bool:
    """Whether it is the name of one, or could be: one's own is `module:factory`."""
    module, colon, factory = name.partition(":")
    return name in NAMES or bool(module and colon and factory)


def reasoner(name: str, options: ReasonerOptions | None = None, fallback: str | None = None) -> Reasoner:
    """The reasoner of that name, ready to be asked; only what it needs is imported.

    name: one of NAMES, or `module:factory` for one's own: what `factory()` of that module gives. fallback: the name of
    one that answers where this one cannot be had or fails. Raises OptionError where there is none of a name, and
    ReasonerError, a sentence with the remedy, where it cannot be had and there is no fallback.
    """
    from gar_ssl_ros.errors import OptionError
    from gar_ssl_ros.gar.reasoner import Fallback, ReasonerError, Unavailable

    for wanted in (name, fallback):
        if wanted is not None and not known(wanted):
            raise OptionError(
                f"there is no reasoner {wanted!r}: choose one of {', '.join(NAMES)}, or your own as module:factory"
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
    if name == "signal":
        from gar_ssl_ros.reasoners.signal import SignalReasoner

        return SignalReasoner()
    from gar_ssl_ros.gar.reasoner import ReasonerError

    if name != "omni":
        return _own(*name.split(":", 1))
    if options.model is None:
        raise ReasonerError("the reasoner omni needs a model: name the folder of its weights, or its hub id")
    from gar_ssl_ros.reasoners.omni import load
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner

    return PromptedReasoner(load(options.model, options.load), options.ask)


def _own(module: str, factory: str) -> Reasoner:
    from gar_ssl_ros.gar.reasoner import ReasonerError

    try:
        make = getattr(import_module(module), factory)
    except (ImportError, AttributeError, ValueError) as problem:
        raise ReasonerError(f"there is no reasoner {module}:{factory} ({problem}): check both names") from None
    made: Reasoner = make()
    return made
