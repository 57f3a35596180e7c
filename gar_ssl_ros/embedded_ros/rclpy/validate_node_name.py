"""A node's name."""

from __future__ import annotations

from typing import Literal

from ..names import wrong_in_node
from .exceptions import InvalidNodeNameException


def validate_node_name(node_name: str) -> Literal[True]:
    """True. Raises InvalidNodeNameException where the name is not allowed."""
    if wrong := wrong_in_node(node_name):
        raise InvalidNodeNameException(node_name, *wrong)
    return True
