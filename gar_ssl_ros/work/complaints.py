"""Sentences for the log: each once in a while, and few at once, whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from gar_ssl_ros.errors import shortened

REPEAT_AFTER_S = 10.0  # s after which the same is said again
AT_ONCE = 10  # sentences within that time; who sends nonsense can make each another one
MAX_CHARACTERS = 400  # characters


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
