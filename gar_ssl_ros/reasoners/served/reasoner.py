"""The prompted reasoner over servers, which may come, go and come back while it is there."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from gar_ssl_ros.gar.deadline import Deadline, DeadlineExceeded
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.probe import coordinates_of
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReading, PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import ModelError
from gar_ssl_ros.reasoners.served.runtime import ServedRuntime

PATIENCE_S = 60.0  # s, at the start: a server may compile its grammars and kernels at the first questions

logger = logging.getLogger(__name__)


class ServedReasoner:
    """Answers the stages by asking a server's model.

    Where none is to be had, the window fails, and the next asks again: a robot may start before its server does.
    """

    name = "served"

    def __init__(self, runtime: ServedRuntime, options: ServedOptions) -> None:
        self._runtime = runtime
        self._options = options
        self._prompted: PromptedReasoner | None = None
        try:
            self._connected(Deadline(PATIENCE_S))
        except ModelError as problem:
            logger.warning("no server answers yet, and each window asks again: %s", problem)
        except DeadlineExceeded:
            logger.warning("%s does not answer within %g s, and each window asks again", options.server, PATIENCE_S)

    @property
    def model(self) -> str | None:
        """Its name on the server; None where that is not known yet."""
        return self._runtime.model or None

    def read(self, window: Window, deadline: Deadline) -> AbstractContextManager[PromptedReading]:
        """Take a window in. Raises ReasonerError where no server is to be had, and as the deadline does."""
        return self._connected(deadline).read(window, deadline)

    def prepare(self, window: Window, deadline: Deadline) -> None:  # noqa: ARG002
        """Encode the center frame, once that is known: see `Preparing`."""
        if self._prompted is not None and 2 * window.frames[-1].stamp > window.start + window.end:
            self._runtime.picture(window.center.image)

    def close(self) -> None:
        """End all connections, and the thread that holds them."""
        self._runtime.close()

    def _connected(self, deadline: Deadline) -> PromptedReasoner:
        if self._prompted is None:
            self._runtime.connect(deadline)
            coordinates = coordinates_of(self._runtime, self._options.coordinates, deadline)
            self._prompted = PromptedReasoner(self._runtime, coordinates, self._options, self.name)
        return self._prompted
