"""Which types are messages, services and actions."""

from __future__ import annotations

from typing import Any

from ...interfaces import ActionType, Message, ServiceType
from .exceptions import NoTypeSupportImportedException


def check_for_type_support(msg_or_srv_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is neither a message nor a service."""
    if not (_is_message(msg_or_srv_type) or isinstance(msg_or_srv_type, ServiceType)):
        raise NoTypeSupportImportedException


def check_is_valid_msg_type(msg_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is nothing of ROS's, RuntimeError where it is a service."""
    check_for_type_support(msg_type)
    if not _is_message(msg_type):
        raise RuntimeError(f"The message type provided is not valid ({msg_type}): it is a service")


def check_is_valid_srv_type(srv_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is nothing of ROS's, RuntimeError where it is a message."""
    check_for_type_support(srv_type)
    if _is_message(srv_type):
        raise RuntimeError(f"The service type provided is not valid ({srv_type}): it is a message")


def check_is_valid_action_type(action_type: Any) -> None:
    """Raises NoTypeSupportImportedException where the type is no action."""
    if not isinstance(action_type, ActionType):
        raise NoTypeSupportImportedException


def _is_message(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Message)
