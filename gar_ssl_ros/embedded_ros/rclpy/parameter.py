"""Parameters: a name and a value of one of a few types."""

from __future__ import annotations

import array
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from .. import arguments
from ..classes import message_class

PARAMETER_SEPARATOR_STRING = "."

# By type: the field of rcl_interfaces/msg/ParameterValue that holds it, and the Python type of (each of) its values.
_FIELDS: dict[int, tuple[str, type]] = {
    1: ("bool_value", bool),
    2: ("integer_value", int),
    3: ("double_value", float),
    4: ("string_value", str),
    5: ("byte_array_value", bytes),
    6: ("bool_array_value", bool),
    7: ("integer_array_value", int),
    8: ("double_array_value", float),
    9: ("string_array_value", str),
}


class _Type(Enum):
    """What a parameter can be."""

    NOT_SET = 0
    BOOL = 1
    INTEGER = 2
    DOUBLE = 3
    STRING = 4
    BYTE_ARRAY = 5
    BOOL_ARRAY = 6
    INTEGER_ARRAY = 7
    DOUBLE_ARRAY = 8
    STRING_ARRAY = 9

    @classmethod
    def from_parameter_value(cls, parameter_value: Any) -> _Type:
        """The type of a value. Raises TypeError where a parameter cannot be that."""
        if parameter_value is None:
            return cls.NOT_SET
        for kind in cls:
            if kind is not cls.NOT_SET and kind.check(parameter_value):
                return kind
        raise TypeError(f"The given value is not one of the allowed types '{parameter_value}'.")

    def check(self, parameter_value: Any) -> bool:
        """True if a value is of this type."""
        if self is _Type.NOT_SET:
            return parameter_value is None
        _, python = _FIELDS[self.value]
        if not self.name.endswith("ARRAY"):
            return _is(parameter_value, python)
        return isinstance(parameter_value, list | tuple | array.array) and all(_is(v, python) for v in parameter_value)


class Parameter:
    """A parameter of a node."""

    Type = _Type

    def __init__(self, name: str, type_: _Type | None = None, value: Any = None) -> None:
        if type_ is None:
            type_ = _Type.from_parameter_value(value)
        if not isinstance(type_, _Type):
            raise TypeError(f"type must be an instance of '{_Type!r}'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._name, self._type, self._value = name, type_, value

    @property
    def name(self) -> str:
        """With its prefixes, dots between."""
        return self._name

    @property
    def type_(self) -> _Type:
        """What it is."""
        return self._type

    @property
    def value(self) -> Any:
        """Its value."""
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameter):
            return NotImplemented
        return (self.name, self.type_, self.value) == (other.name, other.type_, other.value)

    __hash__ = None  # type: ignore[assignment] # its value may be a list

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, {self.type_}, {self.value!r})"

    def get_parameter_value(self) -> Any:
        """Its value as a rcl_interfaces/msg/ParameterValue."""
        message = message_class("rcl_interfaces/msg/ParameterValue")(type=self.type_.value)
        if self.type_ is not _Type.NOT_SET:
            setattr(message, _FIELDS[self.type_.value][0], self.value)
        return message

    def to_parameter_msg(self) -> Any:
        """A rcl_interfaces/msg/Parameter."""
        return message_class("rcl_interfaces/msg/Parameter")(name=self.name, value=self.get_parameter_value())

    @classmethod
    def from_parameter_msg(cls, param_msg: Any) -> Parameter:
        """The parameter in a rcl_interfaces/msg/Parameter."""
        return cls(param_msg.name, _Type(param_msg.value.type), parameter_value_to_python(param_msg.value))


def parameter_value_to_python(parameter_value: Any) -> Any:
    """The value in a rcl_interfaces/msg/ParameterValue; None where it is not set."""
    if parameter_value.type == 0:
        return None
    if parameter_value.type not in _FIELDS:
        raise RuntimeError(f"unexpected parameter type {parameter_value.type}")
    value = getattr(parameter_value, _FIELDS[parameter_value.type][0])
    return (
        value.tolist()
        if hasattr(value, "tolist")
        else list(value)
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )


def get_parameter_value(string_value: str) -> Any:
    """The rcl_interfaces/msg/ParameterValue that a text stands for in YAML."""
    try:
        value: Any = arguments.parameter_value(string_value)
    except arguments.ArgumentError:
        value = string_value
    return Parameter("", value=value).get_parameter_value()


def parameter_dict_from_yaml_file(
    parameter_file: str, use_wildcard: bool = False, target_nodes: list[str] | None = None, namespace: str = ""
) -> dict[str, Any]:
    """The parameters of a file, as rcl_interfaces/msg/Parameter by name; of `target_nodes` only, where given.

    Raises FileNotFoundError where there is no such file.
    """
    path = Path(parameter_file)
    path.stat()
    nodes = arguments.read_parameters(path)
    known = [name for name, _ in nodes]
    for target in target_nodes or []:
        if target not in known:
            raise RuntimeError(f"Param file does not contain parameters for {target}, only for nodes: {known}")
    wildcards = [values for name, values in nodes if name == "/**" and use_wildcard]
    named = [values for name, values in nodes if name != "/**" and (not target_nodes or name in target_nodes)]
    if not wildcards and not named:
        raise RuntimeError("Param file does not contain selected parameters")
    values = {namespace + name: value for group in (*wildcards, *named) for name, value in group.items()}
    return {name: Parameter(name, value=value).to_parameter_msg() for name, value in values.items()}


def _is(value: Any, python: type) -> bool:
    return isinstance(value, python) and (python is bool or not isinstance(value, bool))
