"""What an interface consists of: read from .msg, .srv and .action files, and from the definitions that rosbags carries.

A .srv file is three messages, as in rosidl: Name_Request, Name_Response and Name_Event. An .action file is Name_Goal,
Name_Result and Name_Feedback, and what carries them: the services Name_SendGoal and Name_GetResult, and
Name_FeedbackMessage.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeAlias, cast

from rosbags.interfaces import Nodetype
from rosbags.interfaces.typing import BaseDesc, Basename, Constdefs, Fielddefs, FieldDesc, NameDesc
from rosbags.typesys import Stores, TypesysError, get_typestore
from rosbags.typesys.base import NamedType, create_field_desc
from rosbags.typesys.msg import MSGParser

Literal: TypeAlias = bool | int | float | str | list[bool | int | float | str]

# What rosbags, like rosidl, puts into a message without fields, so that it has a size.
PLACEHOLDER = "structure_needs_at_least_one_member"


class InterfaceError(ValueError):
    """An interface that cannot be read or is not there: one sentence that names it and what is wrong."""


class Shape(Enum):
    """How many values a field holds."""

    ONE = "one"
    ARRAY = "array"  # exactly FieldType.size
    SEQUENCE = "sequence"  # any number; at most FieldType.size where that is not 0


@dataclass(frozen=True)
class FieldType:
    """The type of a field.

    base: a .msg file's primitive type, or a message's name such as std_msgs/msg/Header. shape, size: see Shape.
    characters: at most so many in a string; 0 for any number.
    """

    base: str
    shape: Shape = Shape.ONE
    size: int = 0
    characters: int = 0

    @property
    def nested(self) -> bool:
        """True if the values are messages."""
        return "/" in self.base


@dataclass(frozen=True)
class Field:
    """A field of a message; default: as the .msg file gives it, None where it gives none."""

    name: str
    type: FieldType
    default: Literal | None = None


@dataclass(frozen=True)
class Constant:
    """A constant of a message; type: a .msg file's primitive type."""

    name: str
    type: str
    value: bool | int | float | str


@dataclass(frozen=True)
class Definition:
    """A message. name: such as std_msgs/msg/Header, std_srvs/srv/SetBool_Request."""

    name: str
    constants: tuple[Constant, ...]
    fields: tuple[Field, ...]


def definitions_in(package: str, folder: Path) -> Iterator[Definition]:
    """The messages of `folder`'s msg/*.msg, srv/*.srv and action/*.action.

    Raises InterfaceError where one cannot be read.
    """
    for path in sorted(folder.glob("msg/*.msg")):
        yield message_definition(f"{package}/msg/{path.stem}", _text(path))
    for path in sorted(folder.glob("srv/*.srv")):
        yield from service_definitions(f"{package}/srv/{path.stem}", _text(path))
    for path in sorted(folder.glob("action/*.action")):
        yield from action_definitions(f"{package}/action/{path.stem}", _text(path))


def message_definition(name: str, text: str) -> Definition:
    """The message `name` whose .msg file says `text`. Raises InterfaceError where that cannot be read."""
    package, kind, base = name.split("/")
    try:
        # A # starts a comment, in a string too (rosidl_adapter). A nested message without a package is of this one's.
        (message,) = MSGParser(f"MSG: {package}/msg/{base}\n{re.sub('#.*', '', text)}").specification()
    except TypesysError as problem:
        raise InterfaceError(f"{name}: its definition cannot be read: {_last_line(problem)}") from None
    for field in message.fields:
        if keyword.iskeyword(field.name):
            raise InterfaceError(f"{name}: {field.name} is a word of Python: give the field another name")
        if isinstance(field.typ.ref, NamedType) and field.typ.ref.name.endswith("/wstring"):
            raise InterfaceError(f"{name}: {field.name} is a wstring, which embedded_ros does not have: use string")
    return Definition(
        f"{package}/{kind}/{base}",
        tuple(Constant(constant.name, constant.typ.value, constant.value) for constant in message.constants),
        tuple(Field(field.name, _field_type(create_field_desc(field.typ)), field.value) for field in message.fields),
    )


def service_definitions(name: str, text: str) -> tuple[Definition, Definition, Definition]:
    """Request, Response and Event of the service `name` whose .srv file says `text`.

    Raises InterfaceError where that cannot be read.
    """
    request, response = _parts(name, text, "Request", "Response")
    return request, response, _event(name)


def action_definitions(name: str, text: str) -> tuple[Definition, ...]:
    """All messages of the action `name` whose .action file says `text`.

    Raises InterfaceError where that cannot be read.
    """
    goal, result, feedback = _parts(name, text, "Goal", "Result", "Feedback")
    goal_id = Field("goal_id", FieldType("unique_identifier_msgs/msg/UUID"))
    accepted = Field("accepted", FieldType("bool")), Field("stamp", FieldType("builtin_interfaces/msg/Time"))
    return (
        goal,
        result,
        feedback,
        Definition(f"{name}_SendGoal_Request", (), (goal_id, Field("goal", FieldType(goal.name)))),
        Definition(f"{name}_SendGoal_Response", (), accepted),
        _event(f"{name}_SendGoal"),
        Definition(f"{name}_GetResult_Request", (), (goal_id,)),
        Definition(
            f"{name}_GetResult_Response",
            (),
            (Field("status", FieldType("int8")), Field("result", FieldType(result.name))),
        ),
        _event(f"{name}_GetResult"),
        Definition(f"{name}_FeedbackMessage", (), (goal_id, Field("feedback", FieldType(feedback.name)))),
    )


def _parts(name: str, text: str, *parts: str) -> Iterator[Definition]:
    """The messages that lines of --- part."""
    texts = re.split(r"^---[ \t]*$", text, flags=re.MULTILINE)
    if len(texts) != len(parts):
        *first, last = (part.lower() for part in parts)
        lines = "one line of --- parts" if len(parts) == 2 else f"{len(parts) - 1} lines of --- part"
        raise InterfaceError(f"{name}: {lines} {', '.join(first)} and {last}, and here are {len(texts) - 1}")
    for part, said in zip(parts, texts, strict=True):
        yield message_definition(f"{name}_{part}", said.strip("\n"))


def _event(name: str) -> Definition:
    """What service introspection tells of a service."""
    return Definition(
        f"{name}_Event",
        (),
        (
            Field("info", FieldType("service_msgs/msg/ServiceEventInfo")),
            Field("request", FieldType(f"{name}_Request", Shape.SEQUENCE, 1)),
            Field("response", FieldType(f"{name}_Response", Shape.SEQUENCE, 1)),
        ),
    )


def standard_definitions() -> Iterator[Definition]:
    """The messages of ROS 2 Jazzy that rosbags carries. It does not carry their fields' default values."""
    for name, (constants, fields) in get_typestore(Stores.ROS2_JAZZY).fielddefs.items():
        yield Definition(
            name,
            tuple(Constant(*constant) for constant in constants),
            tuple(Field(field, _field_type(desc)) for field, desc in fields if field != PLACEHOLDER),
        )


def rosbags_constants(definition: Definition) -> Constdefs:
    """The constants in the form of a rosbags Typestore."""
    return [(constant.name, cast("Basename", constant.type), constant.value) for constant in definition.constants]


def rosbags_fields(definition: Definition) -> Fielddefs:
    """The fields in the form of a rosbags Typestore."""
    return [(field.name, _field_desc(field.type)) for field in definition.fields] or [
        (PLACEHOLDER, (Nodetype.BASE, ("uint8", 0)))
    ]


def _field_type(desc: FieldDesc) -> FieldType:
    if desc[0] == Nodetype.BASE:
        base, characters = desc[1]
        # A .msg file's char is an uint8 to all of ROS 2 (rosidl_adapter); rosbags tells them apart.
        return FieldType("uint8" if base == "char" else base, characters=characters)
    if desc[0] == Nodetype.NAME:
        return FieldType(desc[1])
    inner, size = desc[1]
    shape = Shape.ARRAY if desc[0] == Nodetype.ARRAY else Shape.SEQUENCE
    return replace(_field_type(inner), shape=shape, size=size)


def _field_desc(type_: FieldType) -> FieldDesc:
    inner: BaseDesc | NameDesc
    if type_.nested:
        inner = (Nodetype.NAME, type_.base)
    else:
        inner = (Nodetype.BASE, (cast("Basename", type_.base), type_.characters))
    if type_.shape is Shape.ONE:
        return inner
    return (
        (Nodetype.ARRAY, (inner, type_.size))
        if type_.shape is Shape.ARRAY
        else (Nodetype.SEQUENCE, (inner, type_.size))
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InterfaceError(f"{path} cannot be read: {problem}") from None


def _last_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[-1]
