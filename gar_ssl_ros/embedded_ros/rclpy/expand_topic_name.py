"""Whole names of topics and services."""

from __future__ import annotations

from .. import names
from .validate_namespace import validate_namespace
from .validate_node_name import validate_node_name
from .validate_topic_name import validate_topic_name


def expand_topic_name(topic_name: str, node_name: str, node_namespace: str) -> str:
    """The whole name of a topic or service in a node; remaps do not count."""
    validate_topic_name(topic_name)
    validate_node_name(node_name)
    validate_namespace(node_namespace)
    return names.expand(topic_name, node_name, node_namespace)
