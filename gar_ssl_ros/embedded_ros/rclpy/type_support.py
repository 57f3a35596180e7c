"""Which types are messages, services and actions."""

from __future__ import annotations

from typing import Any

from ...interfaces import ActionType, Message, ServiceType
from .exceptions import NoTypeSupportImportedException


def check_is_valid_msg_type(msg_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is no message."""
    if not (isinstance(msg_type, type) and issubclass(msg_type, Message)):
        raise NoTypeSupportImportedException


def check_is_valid_srv_type(srv_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is no service."""
    if not isinstance(srv_type, ServiceType):
        raise NoTypeSupportImportedException


def check_is_valid_action_type(action_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is no action."""
    if not isinstance(action_type, ActionType):
        raise NoTypeSupportImportedException
