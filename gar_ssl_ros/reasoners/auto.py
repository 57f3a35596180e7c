"""`auto`: the reasoner `senses` where its models and what runs them are here, else `signal`, which needs neither."""

from __future__ import annotations

import logging
from importlib.util import find_spec

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.gar.reasoner import Reasoner, ReasonerError
from gar_ssl_ros.perception import store

logger = logging.getLogger(__name__)


def automatic() -> Reasoner:
    """The one or the other, ready to be asked, under its own name; the log says which and why."""
    try:
        if missing := lacking():
            raise ReasonerError(missing)
        from gar_ssl_ros.reasoners.senses import SensesReasoner  # noqa: PLC0415 - only what answers is imported
        from gar_ssl_ros.reasoners.senses.senses import load  # noqa: PLC0415

        made = SensesReasoner(load())
    except ReasonerError as problem:
        from gar_ssl_ros.reasoners.signal import SignalReasoner  # noqa: PLC0415

        logger.warning("auto: signal answers: %s", problem)
        return SignalReasoner()
    logger.info("auto: senses answers, by %s", made.model)
    return made


def lacking() -> str:
    """What senses cannot do without and is not here, with what brings it; empty where nothing is missing."""
    from gar_ssl_ros.reasoners.senses.senses import FACES, OBJECTS, TAGS  # noqa: PLC0415

    wanted = [] if _is_here(TAGS) else [TAGS]
    if not any(_is_here(name) for name in (FACES, *OBJECTS)):
        wanted += [FACES, *OBJECTS]
    parts = [f"the models {', '.join(wanted)} (gar-ssl models get all)"] if wanted else []
    if find_spec("ai_edge_litert") is None:
        parts.append(f"LiteRT ({pip_install('senses')})")
    return f"senses, which recognises things and sounds, lacks {' and '.join(parts)}" if parts else ""


def _is_here(model: str) -> bool:
    try:
        return store.find(model) is not None
    except (ReasonerError, OSError):  # told where it is loaded
        return True
