"""A parameter's name."""

from __future__ import annotations

from typing import Literal

from .exceptions import InvalidParameterException


def validate_parameter_name(name: str) -> Literal[True]:
    """True. Raises InvalidParameterException where the name is empty."""
    if not name:
        raise InvalidParameterException(name)
    return True
