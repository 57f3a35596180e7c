"""The part of a command line that is ROS's: `--ros-args … [--]`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from . import names
from .names import Remap

Value: TypeAlias = "bool | int | float | str | list[bool] | list[int] | list[float] | list[str]"

LOG_LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "fatal": 50}
_TRUE_WORDS = {"Y", "y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
_FALSE_WORDS = {"N", "n", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class ArgumentError(ValueError):
    """An argument after --ros-args cannot be understood."""


@dataclass
class RosArguments:
    """What ROS was told on a command line.

    parameters: for which nodes (a name, maybe with namespace, `*` one part of it, `**` any) and which values, in the
    order given. levels: of loggers by name, "" for all.
    """

    remaps: list[Remap] = field(default_factory=list)
    parameters: list[tuple[str, dict[str, Value]]] = field(default_factory=list)
    levels: dict[str, int] = field(default_factory=dict)
    rosout: bool = True
    stdout: bool = True
    ignored: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # what is not ROS's

    def parameters_of(self, full_name: str) -> dict[str, Value]:
        """The values given for the node of that whole name; later ones win."""
        found: dict[str, Value] = {}
        for pattern, values in self.parameters:
            if _matches(pattern, full_name):
                found |= values
        return found

    def renamed(self, node: str, namespace: str) -> tuple[str, str]:
        """The name and namespace of a node after `__node` and `__ns`."""
        new_node = next((r.replacement for r in self.remaps if r.match == "__node" and r.node in {None, node}), node)
        return new_node, next(
            (r.replacement for r in self.remaps if r.match == "__ns" and r.node in {None, new_node}), namespace
        )


def parse(arguments: Sequence[str]) -> RosArguments:  # noqa: PLR0912 (a flag a branch)
    """What the arguments (with the program's name or without) tell ROS.

    Raises ArgumentError in a sentence, UnicodeEncodeError where one holds bytes that are no UTF-8.
    """
    found = RosArguments()
    ours = False
    rest = iter(arguments)

    def value_of(flag: str) -> str:
        value = next(rest, None)
        if value is None:
            raise ArgumentError(f"{flag} after --ros-args needs a value")
        return value

    for argument in rest:
        argument.encode()  # raises UnicodeEncodeError where the shell's bytes were no UTF-8
        if not ours:
            if argument == "--ros-args":
                ours = True
            else:
                found.others.append(argument)
        elif argument == "--":
            ours = False
        elif argument in {"-r", "--remap"}:
            found.remaps.append(_remap(value_of(argument)))
        elif argument in {"-p", "--param"}:
            found.parameters.append(_parameter(value_of(argument)))
        elif argument == "--params-file":
            found.parameters += read_parameters(Path(value_of(argument)))
        elif argument == "--log-level":
            _level(value_of(argument), found.levels)
        elif argument in {"--enclave", "-e", "--log-config-file", "--log-file-name"}:
            found.ignored.append(f"{argument} {value_of(argument)}")
        elif argument in {"--enable-rosout-logs", "--disable-rosout-logs"}:
            found.rosout = argument.startswith("--enable")
        elif argument in {"--enable-stdout-logs", "--disable-stdout-logs"}:
            found.stdout = argument.startswith("--enable")
        elif argument in {"--enable-external-lib-logs", "--disable-external-lib-logs"}:
            found.ignored.append(argument)
        elif ":=" in argument and not argument.startswith("-"):
            found.remaps.append(_remap(argument))  # without -r, as of old
        elif argument != "--ros-args":
            raise ArgumentError(f"{argument!r} after --ros-args is not known: see https://docs.ros.org, or end with --")
    return found


def read_parameters(path: Path) -> list[tuple[str, dict[str, Value]]]:
    """The nodes of a parameters file, each with its values. Raises ArgumentError in a sentence."""
    from ruamel.yaml import YAML  # noqa: PLC0415 (only who has a file needs it)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        root = YAML(typ="safe", pure=True).compose(path.read_text())
    except (OSError, UnicodeDecodeError, YAMLError) as problem:
        said = " ".join(str(problem).split())
        raise ArgumentError(f"the parameters file {path} cannot be read: {said}") from None
    if root is None:
        return []
    found: list[tuple[str, dict[str, Value]]] = []
    try:
        _nodes(root, "", found)
    except ArgumentError as problem:
        raise ArgumentError(f"the parameters file {path}: {problem}") from None
    return found


def parameter_value(text: str) -> Value:
    """What YAML's `text` is as a parameter's value. Raises ArgumentError."""
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        return text
    return text if node is None else _value(node, text)


def domain_id(environment: dict[str, str] | None = None) -> int:
    """The domain that ROS_DOMAIN_ID names, 0 where it names none. Raises ArgumentError."""
    text = (os.environ if environment is None else environment).get("ROS_DOMAIN_ID", "")
    if text and not (text.isascii() and text.isdigit() and int(text) <= 232):
        raise ArgumentError(f"ROS_DOMAIN_ID is {text!r}: give a whole number from 0 to 232")
    return int(text or 0)


def _matches(pattern: str, full_name: str) -> bool:
    pattern = pattern if pattern.startswith("/") else f"/{pattern}"
    expression = re.escape(pattern).replace(r"/\*\*", r"(/\w+)*").replace(r"/\*", r"(/\w+)")
    return re.fullmatch(expression, full_name) is not None


def _remap(text: str) -> Remap:
    left, assigned, replacement = text.partition(":=")
    node, prefixed, match = left.rpartition(":")
    kind = ""
    for scheme in ("rostopic", "rosservice"):
        if match.startswith("//") and (node == scheme or node.endswith(f":{scheme}")):
            kind, match = scheme.removeprefix("ros"), match[2:]
            node = node.removesuffix(scheme).removesuffix(":")
            prefixed = ":" if node else ""
    match = {"__name": "__node"}.get(match, match)
    if not assigned or not match or not replacement:
        raise ArgumentError(f"{text!r} renames nothing: write FROM:=TO, __node:=NAME or __ns:=/NAMESPACE")
    check = {"__node": names.wrong_in_node, "__ns": names.wrong_in_namespace}.get(match, names.wrong_in_topic)
    wrong = check(replacement) or (None if match.startswith("__") else names.wrong_in_topic(match))
    if wrong is not None:
        raise ArgumentError(f"{text!r} renames nothing: {wrong.reason}")
    return Remap(node if prefixed else None, match, replacement, kind)


def _parameter(text: str) -> tuple[str, dict[str, Value]]:
    left, assigned, value = text.partition(":=")
    node, _, name = left.rpartition(":")
    if not assigned or not name:
        raise ArgumentError(f"{text!r} sets no parameter: write NAME:=VALUE or NODE:NAME:=VALUE")
    return node or "/**", {name: parameter_value(value)}


def _level(text: str, levels: dict[str, int]) -> None:
    logger, _, level = text.rpartition(":=")
    if level.lower() not in LOG_LEVELS:
        raise ArgumentError(f"{text!r} is no log level: give one of {', '.join(LOG_LEVELS)}, or LOGGER:=LEVEL")
    levels[logger] = LOG_LEVELS[level.lower()]


def _nodes(mapping: object, name: str, found: list[tuple[str, dict[str, Value]]]) -> None:
    from ruamel.yaml.nodes import MappingNode  # noqa: PLC0415

    if not isinstance(mapping, MappingNode):
        raise ArgumentError(f"{name or 'it'} should hold names of nodes, then ros__parameters, then values")
    for key, value in mapping.value:
        if key.value == "ros__parameters":
            if not name:
                raise ArgumentError("ros__parameters stands before any name of a node")
            values: dict[str, Value] = {}
            _values(value, "", values)
            found.append((name, values))
        else:
            _nodes(value, f"{name}/{key.value}".replace("//", "/") if name else str(key.value), found)


def _values(mapping: object, prefix: str, found: dict[str, Value]) -> None:
    from ruamel.yaml.nodes import MappingNode, ScalarNode  # noqa: PLC0415

    if isinstance(mapping, ScalarNode) and not mapping.value:
        return
    if not isinstance(mapping, MappingNode):
        raise ArgumentError("ros__parameters should hold names and values")
    for key, value in mapping.value:
        if isinstance(value, MappingNode):
            _values(value, f"{prefix}{key.value}.", found)
        else:
            found[f"{prefix}{key.value}"] = _value(value, f"{prefix}{key.value}")


def _value(node: object, name: str) -> Value:
    from ruamel.yaml.nodes import ScalarNode, SequenceNode  # noqa: PLC0415

    if isinstance(node, ScalarNode):
        tagged = str(node.tag).endswith(":str") and node.end_mark.index - node.start_mark.index > len(
            node.value
        )  # !!str
        return _scalar(node.value, quoted=tagged or node.style is not None)
    if not isinstance(node, SequenceNode):
        raise ArgumentError(f"{name} holds no value")
    items = [_value(item, name) for item in node.value]
    if len({type(item) for item in items}) > 1 or any(isinstance(item, list) for item in items):
        raise ArgumentError(f"{name} should hold values of one type: {items}")
    return items  # type: ignore[return-value] # of one type, as was just seen


def _scalar(text: str, quoted: bool) -> bool | int | float | str:
    if quoted:
        return text
    if text in _TRUE_WORDS or text in _FALSE_WORDS:
        return text in _TRUE_WORDS
    if _INTEGER.fullmatch(text):
        digits = text.lstrip("+-")
        base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") and len(digits) > 1 else 10
        number = int(digits, base) * (-1 if text.startswith("-") else 1)
        if -(2**63) <= number < 2**63:
            return number
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
