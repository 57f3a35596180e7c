"""Whole names of topics and services."""

from __future__ import annotations

from .. import names


def expand_topic_name(topic_name: str, node_name: str, node_namespace: str) -> str:
    """The whole name of a topic or service in a node; remaps do not count. Raises ValueError in a sentence."""
    for what, name, wrong in (
        ("topic name", topic_name, names.wrong_in_topic(topic_name)),
        ("node name", node_name, names.wrong_in_node(node_name)),
        ("node namespace", node_namespace, names.wrong_in_namespace(node_namespace)),
    ):
        if wrong is not None:
            raise ValueError(f"{what} '{name}' is invalid: {wrong.reason} (at character {wrong.at + 1})")
    return names.expand(topic_name, node_name, node_namespace)
