"""Message, service and action classes as rosidl_generator_py makes them for rclpy, made from definitions at run time.

They differ from rclpy's where those fall short: arrays are equal where every number is. SLOT_TYPES, which needs
rosidl_parser, is not there.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from .definition import Constant, Definition, Shape
from .fields import Values, bytes_of, idl_name

if TYPE_CHECKING:
    from .cdr import MessageSupport, TypeSupport


class MessageType(type):
    """The class of message classes: keeps constants and defaults from being assigned to."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in cls.__dict__.get("__read_only__", ()):
            raise AttributeError(f"{cls.__name__}.{name} is a constant")
        super().__setattr__(name, value)


class Message(metaclass=MessageType):
    """What all messages do. Fields are keyword arguments and properties, checked when set unless check_fields=False."""

    __slots__ = ("_check_fields",)

    # Names that no field's slot, an underscore and the field's name, can have.
    __support__: ClassVar[MessageSupport]
    __values__: ClassVar[tuple[Values, ...]] = ()
    __read_only__: ClassVar[frozenset[str]] = frozenset()
    _fields_and_field_types: ClassVar[MappingProxyType[str, str]] = MappingProxyType({})

    def __init__(self, *, check_fields: bool = True, **given: Any) -> None:
        """Raises AssertionError for unknown fields and refused values."""
        unknown = given.keys() - self._fields_and_field_types.keys()
        if unknown:
            raise AssertionError(f"Invalid arguments passed to constructor: {', '.join(sorted(unknown))}")
        self._check_fields = check_fields
        for values in self.__values__:
            if values.name in given:
                value = given[values.name]
                value = values.initial(value) if check_fields else values.unchecked(value)
            else:
                value = values.default
            setattr(self, f"_{values.name}", value)

    @classmethod
    def get_fields_and_field_types(cls) -> dict[str, str]:
        """The fields' types, as rosidl names them."""
        return dict(cls._fields_and_field_types)

    def __repr__(self) -> str:
        fields = ", ".join(f"{values.name}={_shown(values, getattr(self, values.name))}" for values in self.__values__)
        return f"{type(self).__module__.rpartition('.')[0]}.{type(self).__name__}({fields})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        return all(
            np.array_equal(mine, yours) if isinstance(mine, np.ndarray) else mine == yours
            for mine, yours in ((getattr(self, f"_{v.name}"), getattr(other, f"_{v.name}")) for v in self.__values__)
        )

    __hash__ = None  # type: ignore[assignment]


def message_class(definition: Definition, class_of: Callable[[str], type[Message]], attribute: str) -> type[Message]:
    """The class of a definition.

    class_of: gives the class of a nested message's name. attribute: what the class is called in its module.
    Raises InterfaceError where a default is no value of its field.
    """
    package, kind, name = definition.name.split("/")
    values = tuple(
        Values(definition.name, field, class_of(field.type.base) if field.type.nested else None)
        for field in definition.fields
    )
    constants = {constant.name: _constant(constant) for constant in definition.constants}
    defaults = {f"{v.name.upper()}__DEFAULT": v.given_default for v in values if v.given_default is not None}
    namespace = {
        "__doc__": f"Message class '{name}'.",
        "__module__": f"{package}.{kind}.{module_of(definition.name)}",
        "__qualname__": attribute,
        "__slots__": tuple(f"_{v.name}" for v in values),
        **constants,
        **defaults,
        **{v.name: _property(v) for v in values},
        "__values__": values,
        "__read_only__": frozenset((*constants, *defaults)),
        "_fields_and_field_types": MappingProxyType({v.name: idl_name(v.type) for v in values}),
    }
    return cast("type[Message]", MessageType(name, (Message,), namespace))


class ServiceType(type):
    """The class of service classes."""

    Request: type[Message]
    Response: type[Message]
    Event: type[Message]
    __support__: TypeSupport

    def __call__(cls, *_: Any, **__: Any) -> Any:
        """Services are names for their messages. Raises NotImplementedError, as rosidl's do."""
        raise NotImplementedError("Service classes can not be instantiated")


class ActionType(type):
    """The class of action classes. Impl: the services and messages that carry the first three."""

    Goal: type[Message]
    Result: type[Message]
    Feedback: type[Message]
    Impl: Any
    __support__: TypeSupport

    def __call__(cls, *_: Any, **__: Any) -> Any:
        """Actions are names for their messages. Raises NotImplementedError, as rosidl's do."""
        raise NotImplementedError("Action classes can not be instantiated")


def service_class(name: str, request: type[Message], response: type[Message], event: type[Message]) -> ServiceType:
    """The class of the service `name`, such as std_srvs/srv/SetBool."""
    base = name.rpartition("/")[2]
    return ServiceType(
        base,
        (),
        {
            "__doc__": f"Service class '{base}'.",
            "__module__": request.__module__,
            "Request": request,
            "Response": response,
            "Event": event,
        },
    )


def action_class(name: str, class_of: Callable[[str], Any]) -> ActionType:
    """The class of the action `name`, such as nav2_msgs/action/Spin.

    class_of: gives the class of a message's or service's name.
    """
    base = name.rpartition("/")[2]
    parts = {part: class_of(f"{name}_{part}") for part in ("Goal", "Result", "Feedback")}
    carriers = {
        "SendGoalService": class_of(f"{name}_SendGoal"),
        "GetResultService": class_of(f"{name}_GetResult"),
        "FeedbackMessage": class_of(f"{name}_FeedbackMessage"),
        "CancelGoalService": class_of("action_msgs/srv/CancelGoal"),
        "GoalStatusMessage": class_of("action_msgs/msg/GoalStatusArray"),
    }
    facts = {"__doc__": f"Action class '{base}'.", "__module__": parts["Goal"].__module__}
    return ActionType(base, (), {**facts, **parts, "Impl": type("Impl", (), carriers)})


def module_of(name: str) -> str:
    """The module, as rosidl names it, in which the class of an interface lives: _set_bool for SetBool_Request."""
    base = name.rpartition("/")[2]
    if "/srv/" in name:
        base = re.sub("_(Request|Response|Event)$", "", base)
    elif "/action/" in name:
        base = base.partition("_")[0]
    base = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", base)
    return "_" + re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", base).lower()


def _constant(constant: Constant) -> Any:
    if constant.type == "byte":
        return bytes_of(int(constant.value))
    if constant.type.startswith("float"):
        return float(constant.value)
    return {"bool": bool, "string": str}.get(constant.type, int)(constant.value)


def _property(values: Values) -> property:
    slot = f"_{values.name}"

    def get(message: Message) -> Any:
        return getattr(message, slot)

    def put(message: Message, value: Any) -> None:
        setattr(message, slot, values.checked(value) if message._check_fields else values.unchecked(value))

    return property(get, put, doc=f"Message field '{values.name}'.")


def _shown(values: Values, value: Any) -> str:
    """A value as rclpy's messages show it: numbers of sequences without their array's name."""
    if values.type.shape is Shape.SEQUENCE and isinstance(value, array):
        return repr(value.tolist())
    return repr(value)
