"""All that decides an answer: the method's parameters, who answers, and what they are told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.options import Option, Value, changed, from_values, options_of
from gar_ssl_ros.reasoners import named_options
from gar_ssl_ros.reasoners.options import ReasonerChoice

logger = logging.getLogger(__name__)

METHOD_OPTIONS = tuple(one.name for one in options_of(GarOptions) if one.name != "sources")


def reasoner_settings() -> tuple[Option, ...]:
    """What a reasoner, and who tells the pixels after it, can be told that decides the answers."""
    own = tuple(one for one in options_of(ReasonerChoice) if one.name == "reasoner_options")
    return tuple(one for one in named_options() if one.answers) + own + options_of(MaskOptions)


@dataclass(frozen=True)
class Settings:
    """Of one evaluation. gar: its `sources` is set for each sample. sources: at most; None for as many as true.

    told: the reasoner's options that are not at their defaults, by name.
    """

    reasoner: str = "signal"
    gar: GarOptions = field(default_factory=GarOptions)
    sources: int | None = None
    told: Mapping[str, Value] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Whose weights; empty where there are none."""
        return str(self.told.get("model", ""))

    @property
    def masks(self) -> MaskOptions:
        """Who tells the pixels."""
        return from_values(MaskOptions, self.told)


def evaluated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of values by name, such as a command's options, those that are settings and are given."""
    return {name: values[name] for name in known_settings() if values.get(name) is not None}


def known_settings() -> tuple[str, ...]:
    """All that can be set, by name."""
    return ("reasoner", *(one.name for one in reasoner_settings()), "sources", *METHOD_OPTIONS)


def settings_from_values(values: Any) -> Settings:
    """As `values_of` gives them, or as a study's file has them. Raises OptionError where one is wrong."""
    if isinstance(values, Settings):
        return values
    if not isinstance(values, Mapping):
        raise OptionError(f"the settings are a {type(values).__name__}: give each by its name, as in tau_av: 0.5")
    values = dict(values)
    declared = {one.name: one for one in reasoner_settings()}
    for one in declared.values():
        if one.was in values:
            logger.warning("the setting %s is %s now: write that", one.was, one.name)
            values[one.name] = values.pop(one.was)
    if isinstance(beside := values.get("prompts"), (list, tuple)):
        logger.warning("the setting prompts is no list any more: write grounded: true, or off_screen: true")
        values |= {"prompts": None, **dict.fromkeys(beside, True)}
    for name in values:
        if name not in known_settings():
            raise OptionError(f"{name}: there is no such thing to set: choose among {', '.join(known_settings())}")
    told = changed(declared.values(), values)
    for name, value in told.items():
        declared[name].check(value)
    sources = values.get("sources")
    method = from_values(GarOptions, {name: values[name] for name in (*METHOD_OPTIONS, "sources") if name in values})
    return Settings(str(values.get("reasoner", "signal")), replace(method, sources=1), sources, told)


def values_of(settings: Settings) -> dict[str, Any]:
    """By name, each beside the others."""
    told = {one.name: settings.told.get(one.name, one.default) for one in reasoner_settings()}
    method = {name: getattr(settings.gar, name) for name in METHOD_OPTIONS}
    return {"reasoner": settings.reasoner, **told, "sources": settings.sources, **method}
