"""A topic's or service's name, which may be relative."""

from __future__ import annotations

from typing import Literal

from ..names import wrong_in_topic
from .exceptions import InvalidServiceNameException, InvalidTopicNameException

TOPIC_SEPARATOR_STRING = "/"


def validate_topic_name(name: str, *, is_service: bool = False) -> Literal[True]:
    """True. Raises InvalidTopicNameException or InvalidServiceNameException where the name is not allowed."""
    if wrong := wrong_in_topic(name):
        raise (InvalidServiceNameException if is_service else InvalidTopicNameException)(name, *wrong)
    return True
