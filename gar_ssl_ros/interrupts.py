"""What tells a command to stop (Ctrl-C, SIGTERM) reaches it, wherever it is just then."""

from __future__ import annotations

import signal
import sys
from types import FrameType

AGAIN_S = 1.0  # after which what was lost is told again


class Interrupted(KeyboardInterrupt):
    """The process was told to stop.

    Of a type of its own: CPython ends `python -m ...` by SIGINT, whatever it returns, once a plain one has
    gone through exec() of a text, by which dataclasses and messages are made, even if somebody caught it (Py_RunMain).
    """


def listen() -> None:
    """Let SIGINT and SIGTERM raise Interrupted in the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):  # SIGINT too: background jobs are born deaf to it
        signal.signal(number, interrupt)


def interrupt(number: int, _frame: FrameType | None) -> None:
    """A handler of signals. Raises Interrupted, and once more after a while if it was lost.

    Python drops what is raised while it finalizes an object (__del__) or calls back from C, and the command would go
    on as if nothing had been said.
    """
    signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
    if number != signal.SIGALRM or not _on_its_way():
        raise Interrupted


def heeded() -> None:
    """Whoever ends says so: it is not told again what it was told before."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _on_its_way() -> bool:
    """Whether something is being closed because of it just now."""
    problem = sys.exc_info()[1]
    while problem is not None and not isinstance(problem, Interrupted):
        problem = problem.__context__
    return problem is not None
