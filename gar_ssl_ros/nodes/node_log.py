"""A node's log for those that are given a function to say something with."""

from __future__ import annotations

from typing import Any


class NodeLog:
    """Each level is called on a line of its own, since rclpy raises where a line logs at another level than before."""

    def __init__(self, node: Any) -> None:
        self._logger = node.get_logger()

    def info(self, sentence: str) -> None:
        """What is good to know."""
        self._logger.info(sentence)

    def warning(self, sentence: str) -> None:
        """What may need someone."""
        self._logger.warning(sentence)

    def error(self, sentence: str) -> None:
        """What failed."""
        self._logger.error(sentence)
