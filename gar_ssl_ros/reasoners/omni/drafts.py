"""What a reply is likely to go on with: what came after the same tokens before, in the same window.

A draft goes in ahead of the choices that it foretells, so it changes how many steps a reply takes, and never the reply.
"""

from __future__ import annotations

from collections.abc import Sequence

CONTEXT_TOKENS = (5, 3, 2)  # tokens that must be the same, the longer the better
DRAFT_TOKENS = 8  # at most, of one reply in one step


class Drafts:
    """Questions and replies of one window, as tokens, by what comes after which."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, ...], tuple[Sequence[int], int]] = {}

    def learn(self, tokens: Sequence[int], known: int = 0) -> None:
        """Look through a text from the token of number `known` on. It is kept, not copied: it may grow."""
        for place in range(known, len(tokens)):
            for length in CONTEXT_TOKENS:
                if length <= place:
                    self._places[tuple(tokens[place - length : place])] = tokens, place

    def after(self, tokens: Sequence[int], most: int) -> Sequence[int]:
        """What may come after a text: at most so many tokens, none where nothing tells."""
        for length in CONTEXT_TOKENS:
            found = self._places.get(tuple(tokens[-length:]))
            if found is not None:
                text, place = found
                return text[place : place + min(most, DRAFT_TOKENS)]
        return ()
