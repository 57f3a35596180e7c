"""Sentences for the log: each once in a while, and few at once, whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from gar_ssl_ros.errors import shortened

REPEAT_AFTER_S = 10.0  # s after which the same is said again
AT_ONCE = 10  # sentences within that time; who sends nonsense can make each another one
MAX_CHARACTERS = 400  # characters
SETTLED_S = 1.0  # as long as it takes to discover who is on the graph


class Complaints:
    """Hands sentences on to `say`. For one thread at a time."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: dict[str, float] = {}

    def tell(self, sentence: str) -> None:
        """Say so, unless it has just been said, or too much else has."""
        now, sentence = monotonic(), shortened(sentence, MAX_CHARACTERS)
        self._said = {said: at for said, at in self._said.items() if now - at < REPEAT_AFTER_S}
        if sentence not in self._said and len(self._said) < AT_ONCE:
            self._said[sentence] = now
            self._say(sentence)


class StandingProblems:
    """What is wrong with this and that: said once it has stood for SETTLED_S, and once it is over for as long."""

    def __init__(self, warn: Callable[[str], None], inform: Callable[[str], None]) -> None:
        self._warn, self._inform = Complaints(warn), Complaints(inform)
        self._now: dict[str, tuple[str, float]] = {}  # of each subject, since when, monotonic s
        self._told: dict[str, str] = {}

    def look(self, subject: str, problem: str) -> None:
        """A subject's problem as it is now, a sentence without numbers that change; empty where it has none."""
        before, since = self._now.get(subject, ("", 0.0))
        if problem != before:
            self._now[subject] = problem, monotonic()
        elif problem != (told := self._told.get(subject, "")) and monotonic() - since >= SETTLED_S:
            self._told[subject] = problem
            if problem:
                self._warn.tell(f"{subject}: {problem}")
            else:
                self._inform.tell(f"{subject}: this is over: {told}")
