"""Classes of messages and services by name, of whose fields a type checker knows nothing."""

from __future__ import annotations

from typing import Any

from ..interfaces import get_message, get_service


def message_class(name: str) -> Any:
    """The class of a message such as std_msgs/msg/Header."""
    return get_message(name)


def service_class(name: str) -> Any:
    """The class of a service such as std_srvs/srv/SetBool."""
    return get_service(name)
