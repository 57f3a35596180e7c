"""`auto`: the reasoner `senses` where its models and what runs them are here, else `signal`, which needs neither."""

from __future__ import annotations

import logging

from gar_ssl_ros.gar.reasoner import Reasoner, ReasonerError
from gar_ssl_ros.reasoners.options import SensesOptions

logger = logging.getLogger(__name__)


def automatic(options: SensesOptions) -> Reasoner:
    """The one or the other, ready to be asked, under its own name; the log says which and why."""
    try:
        from gar_ssl_ros.reasoners.senses import senses_reasoner  # noqa: PLC0415 - only what answers is imported

        made = senses_reasoner(options)
    except ReasonerError as problem:
        from gar_ssl_ros.reasoners.signal import SignalReasoner  # noqa: PLC0415

        logger.warning("auto: signal answers: %s", problem)
        return SignalReasoner()
    logger.info("auto: senses answers, by %s", made.model)
    return made
