"""Messages to bytes and back (CDR version 1, OMG formal/02-06-51, as DDS and rosbags have it), and type hashes.

The format itself is rosbags'. What differs between its values and rclpy's is converted here: without copying numbers
on the way out, copying them once on the way in, since an array.array owns its memory.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cached_property
from types import SimpleNamespace
from typing import Any, TypeAlias

from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from .definition import PLACEHOLDER, Shape
from .fields import Values
from .message import Message

_Writer: TypeAlias = Callable[[Any], Any]


class CdrError(ValueError):
    """Bytes that are no such message, or a message that cannot be bytes: one sentence that names the type."""


class TypeSupport:
    """What the runtime knows of a message or a service.

    name: such as std_msgs/msg/Header or std_srvs/srv/SetBool. store: has its fields under that name.
    """

    def __init__(self, name: str, store: Typestore) -> None:
        self.name = name
        self._store = store

    @cached_property
    def hash(self) -> str:
        """RIHS01 of its type description (REP-2016): RIHS01_ and 64 hex digits."""
        return self._store.hash_rihs01(self.name)


class MessageSupport(TypeSupport):
    """The same of a message's class, and how its messages become bytes and come from them."""

    def __init__(self, name: str, store: Typestore, cls: type[Message]) -> None:
        super().__init__(name, store)
        self._class = cls
        self._readers = [(f"_{field.name}", field.from_wire if field.converts else None) for field in cls.__values__]

    def serialize(self, message: Message) -> bytearray:
        """Encapsulation header and fields, little endian. Raises CdrError where a value has no such form."""
        write = self.writer
        try:
            written = message if write is None else write(message)
            view = self._store.serialize_cdr(written, self.name, little_endian=True)
        except (SerdeError, struct.error, TypeError, ValueError, AttributeError) as problem:
            raise CdrError(f"this {self.name} cannot be serialized: {problem}") from None
        assert isinstance(view.obj, bytearray)
        return view.obj  # what it is a view of, uncopied

    def deserialize(self, data: bytes | bytearray | memoryview) -> Message:
        """The message of such bytes, in either byte order. Raises CdrError where they are none."""
        try:
            message = self._store.deserialize_cdr(memoryview(data), self.name)
        except Exception as problem:  # of any type: what foreign bytes make of the readers is not all foreseen
            raise CdrError(f"{len(data)} bytes are no {self.name}: {problem}") from None
        assert isinstance(message, Message)
        return message

    def read(self, values: tuple[Any, ...]) -> Message:
        """The message whose fields, in their order, rosbags read as `values`."""
        message = self._class.__new__(self._class)
        message._check_fields = True
        for (slot, convert), value in zip(self._readers, values, strict=False):  # where no field is, a placeholder is
            setattr(message, slot, value if convert is None else convert(value))
        return message

    @cached_property
    def writer(self) -> _Writer | None:
        """Makes a message of the class what rosbags can write; None where it is already."""
        fields = self._class.__values__
        if not fields:
            return lambda _: SimpleNamespace(**{PLACEHOLDER: 0})
        writers = {field.name: _field_writer(field) for field in fields}
        if not any(writers.values()):
            return None

        def write(message: Message) -> SimpleNamespace:
            written = SimpleNamespace()
            for name, convert in writers.items():
                value = getattr(message, name)
                setattr(written, name, value if convert is None else convert(value))
            return written

        return write


def _field_writer(field: Values) -> _Writer | None:
    if field.message is None:
        return field.wire if field.converts else None
    write = field.message.__support__.writer
    if write is None or field.type.shape is Shape.ONE:
        return write
    return lambda messages: [write(message) for message in messages]
