"""A namespace."""

from __future__ import annotations

from typing import Literal

from ..names import wrong_in_namespace
from .exceptions import InvalidNamespaceException


def validate_namespace(namespace: str) -> Literal[True]:
    """True. Raises InvalidNamespaceException where the namespace is not allowed."""
    if wrong := wrong_in_namespace(namespace):
        raise InvalidNamespaceException(namespace, *wrong)
    return True
