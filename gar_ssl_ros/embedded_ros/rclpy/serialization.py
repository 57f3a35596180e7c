"""Messages as bytes."""

from __future__ import annotations

from typing import Any

from ...interfaces import deserialize, serialize
from .type_support import check_is_valid_msg_type


def serialize_message(message: Any) -> bytes:
    """A message as CDR."""
    check_is_valid_msg_type(type(message))
    return bytes(serialize(message))


def deserialize_message(serialized_message: bytes, message_type: type[Any]) -> Any:
    """The message in CDR."""
    check_is_valid_msg_type(message_type)
    return deserialize(serialized_message, message_type)
