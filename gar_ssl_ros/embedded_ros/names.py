"""Names in a ROS 2 graph: what is allowed, how a relative name becomes a whole one, and what remaps do to it.

The rules are those of rcl and rmw (validate_topic_name, expand_topic_name, validate_node_name, validate_namespace).
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_TOPIC_LENGTH, MAX_NAMESPACE_LENGTH, MAX_NODE_NAME_LENGTH = 247, 245, 255


class Wrong(NamedTuple):
    """What is wrong with a name, and at which character."""

    reason: str
    at: int


def wrong_in_topic(name: str) -> Wrong | None:  # noqa: PLR0912 (a rule a branch, in rcl's order)
    """What is wrong with a topic's or service's name, which may be relative, private or have substitutions."""
    if not name:
        return Wrong("topic name must not be empty string", 0)
    if name[0].isdigit():
        return Wrong("topic name token must not start with a number", 0)
    if name.endswith("/"):
        return Wrong("topic name must not end with a forward slash", len(name) - 1)
    opened: int | None = None
    for at, char in enumerate(name):
        if char == "{" and opened is None:
            opened = at
        elif char == "}" and opened is None:
            return Wrong("topic name must not have unmatched (unbalanced) curly braces '{}'", at)
        elif char == "}":
            opened = None
        elif char == "~" and opened is None:
            if at:
                return Wrong("topic name must not have tilde '~' unless it is the first character", at)
        elif opened is not None and not _is_word(char):
            return Wrong("substitution name must not contain characters other than alphanumerics or '_'", at)
        elif opened == at - 1 and opened is not None and char.isdigit():
            return Wrong("substitution name must not start with a number", at)
        elif not (_is_word(char) or char == "/"):
            return Wrong(
                "topic name must not contain characters other than alphanumerics, '_', '~', '{', or '}'",
                at,
            )
    if opened is not None:
        return Wrong("topic name must not have unmatched (unbalanced) curly braces '{}'", opened)
    if name[0] == "~" and len(name) > 1 and name[1] != "/":
        return Wrong("topic name must not have a tilde '~' that is not followed by a forward slash '/'", 1)
    if numbered := re.search(r"/\d", name):
        return Wrong("topic name token must not start with a number", numbered.start() + 1)
    return None


def wrong_in_full_topic(name: str) -> Wrong | None:
    """What is wrong with a whole topic's or service's name."""
    return _wrong_path("topic name", name, MAX_TOPIC_LENGTH)


def wrong_in_namespace(name: str) -> Wrong | None:
    """What is wrong with a namespace."""
    return None if name == "/" else _wrong_path("namespace", name, MAX_NAMESPACE_LENGTH)


def wrong_in_node(name: str) -> Wrong | None:
    """What is wrong with a node's name."""
    if not name:
        return Wrong("node name must not be empty string", 0)
    if strange := re.search(r"[^A-Za-z0-9_]", name):
        return Wrong("node name must not contain characters other than alphanumerics or '_'", strange.start())
    if name[0].isdigit():
        return Wrong("node name must not start with a number", 0)
    if len(name) > MAX_NODE_NAME_LENGTH:
        return Wrong(f"node name length should not exceed '{MAX_NODE_NAME_LENGTH}'", MAX_NODE_NAME_LENGTH)
    return None


def expand(name: str, node: str, namespace: str) -> str:
    """The whole name of `name` in a node. Raises ValueError where a substitution is unknown."""
    if name.startswith("~"):
        name = join(namespace, node) + name[1:]
    known = {"node": node, "ns": namespace, "namespace": namespace}
    for substitution in re.findall(r"\{(\w*)\}", name):
        if substitution not in known:
            raise ValueError(f"unknown substitution: {{{substitution}}}")
        name = name.replace(f"{{{substitution}}}", known[substitution])
    return name if name.startswith("/") else join(namespace, name)


def join(namespace: str, name: str) -> str:
    """`name` in `namespace`."""
    return f"{namespace.rstrip('/')}/{name}"


class Remap(NamedTuple):
    """A rule `[node:]match:=replacement`; match is a topic, a service, `__node` or `__ns`."""

    node: str | None
    match: str
    replacement: str
    kind: str = ""  # "", "topic" or "service": what it is limited to

    def applies_to(self, full_name: str, node: str, namespace: str, kind: str) -> bool:
        """True if the rule renames a topic or service (`kind`) of a node."""
        if self.match in {"__node", "__ns"} or self.node not in {None, node} or self.kind not in {"", kind}:
            return False
        try:
            return expand(self.match, node, namespace) == full_name
        except ValueError:
            return False


def remapped(full_name: str, node: str, namespace: str, kind: str, rules: list[Remap]) -> str:
    """What the first rule that applies makes of a whole name."""
    for rule in rules:
        if rule.applies_to(full_name, node, namespace, kind):
            return expand(rule.replacement, node, namespace)
    return full_name


def hidden(name: str) -> bool:
    """True if a topic or service is left out of lists unless asked for: a part of its name starts with `_`."""
    return any(token.startswith("_") for token in name.split("/") if token)


def _wrong_path(what: str, name: str, longest: int) -> Wrong | None:
    if not name:
        return Wrong(f"{what} must not be empty string" if what == "topic name" else f"{what} must not be empty", 0)
    if not name.startswith("/"):
        return Wrong(f"{what} must be absolute, it must lead with a '/'", 0)
    if name.endswith("/"):
        return Wrong(f"{what} must not end with a '/'", len(name) - 1)
    if strange := re.search(r"[^A-Za-z0-9_/]", name):
        return Wrong(f"{what} must not contain characters other than alphanumerics, '_', or '/'", strange.start())
    if "//" in name:
        return Wrong(f"{what} must not contain repeated '/'", name.index("//") + 1)
    if numbered := re.search(r"/\d", name):
        return Wrong(f"{what} must not have a token that starts with a number", numbered.start() + 1)
    if len(name) > longest:
        return Wrong(f"{what} length should not exceed '{longest}'", longest)
    return None


def _is_word(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalnum())
