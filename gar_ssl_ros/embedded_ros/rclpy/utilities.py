"""The default context, and what one asks of contexts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from .. import arguments
from .context import Context
from .duration import S_TO_NS


class _Default:
    """The context of who names none; a new one after each shutdown."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.context = Context()


_default = _Default()


def get_default_context(*, shutting_down: bool = False) -> Context:
    """The context of who names none; the next call gives another one where it is `shutting_down`."""
    with _default.lock:
        context = _default.context
        if shutting_down:
            _default.context = Context()
        return context


def ok(*, context: Context | None = None) -> bool:
    """True if a context is between init and shutdown."""
    return (context or get_default_context()).ok()


def shutdown(*, context: Context | None = None) -> None:
    """Leave the graph."""
    (context or get_default_context(shutting_down=True)).shutdown()


def try_shutdown(*, context: Context | None = None) -> None:
    """Leave the graph, where that is not done already."""
    (context or get_default_context(shutting_down=True)).try_shutdown()


def remove_ros_args(args: Sequence[str] | None = None) -> list[str]:
    """What of a command line is not ROS's."""
    return arguments.parse(sys.argv if args is None else args).others


def get_rmw_implementation_identifier() -> str:
    """What lies below: Cyclone DDS, as rmw_cyclonedds_cpp uses it."""
    return "rmw_cyclonedds_cpp"


def get_available_rmw_implementations() -> set[str]:
    """The only one."""
    return {get_rmw_implementation_identifier()}


def timeout_sec_to_nsec(timeout_sec: float | None) -> int:
    """Seconds as ns; -1 for none."""
    return -1 if timeout_sec is None or timeout_sec < 0 else int(float(timeout_sec) * S_TO_NS)
