"""The values that a field takes, in Python and on the wire: those of rclpy's messages.

Fixed arrays of numbers are NumPy arrays, sequences of numbers are array.array, every other array and sequence is a
list, a byte is bytes of length 1. Refused values raise AssertionError, as rosidl_generator_py's classes do.
"""

from __future__ import annotations

import math
from array import array
from collections import UserList, UserString
from collections.abc import Sequence, Set
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .definition import Field, FieldType, InterfaceError, Literal, Shape

if TYPE_CHECKING:
    from .message import Message


@dataclass(frozen=True)
class _Number:
    """A primitive type of numbers. code: of array.array."""

    dtype: np.dtype[Any]
    code: str
    idl: str  # its name in rosidl's Python
    low: float
    high: float

    @property
    def python(self) -> type:
        return float if self.dtype.kind == "f" else int

    @property
    def kind(self) -> str:
        """As rosidl's messages tell it."""
        return {"i": "integer", "u": "unsigned integer"}.get(self.dtype.kind, self.idl)


def _integer(name: str, code: str) -> _Number:
    limits = np.iinfo(name)
    return _Number(np.dtype(name), code, name, int(limits.min), int(limits.max))


NUMBER_TYPES = {
    "int8": _integer("int8", "b"),
    "uint8": _integer("uint8", "B"),
    "int16": _integer("int16", "h"),
    "uint16": _integer("uint16", "H"),
    "int32": _integer("int32", "i"),
    "uint32": _integer("uint32", "I"),
    "int64": _integer("int64", "q"),
    "uint64": _integer("uint64", "Q"),
    "float32": _Number(np.dtype(np.float32), "f", "float", -3.402823466e38, 3.402823466e38),  # as rosidl has them
    "float64": _Number(np.dtype(np.float64), "d", "double", -1.7976931348623157e308, 1.7976931348623157e308),
}


def idl_name(type_: FieldType) -> str:
    """The type as `get_fields_and_field_types()` of rclpy's messages names it: sequence<uint8>, double[9]."""
    if type_.nested:
        package, _, name = type_.base.split("/")
        base = f"{package}/{name}"
    elif type_.base in NUMBER_TYPES:
        base = NUMBER_TYPES[type_.base].idl
    else:
        base = {"bool": "boolean", "byte": "octet"}.get(type_.base, type_.base)
    if type_.characters:
        base += f"<{type_.characters}>"
    if type_.shape is Shape.ARRAY:
        return f"{base}[{type_.size}]"
    if type_.shape is Shape.SEQUENCE:
        return f"sequence<{base}, {type_.size}>" if type_.size else f"sequence<{base}>"
    return base


class Values:
    """What one field takes. message: the class of its values where they are messages, else None."""

    def __init__(self, owner: str, field: Field, message: type[Message] | None) -> None:
        self.name = field.name
        self.type = field.type
        self.number = NUMBER_TYPES.get(field.type.base)
        self.message = message
        self._element: type = message or (
            self.number.python if self.number else {"bool": bool, "byte": bytes, "string": str}[field.type.base]
        )
        self._default = None if field.default is None else self._literal(owner, field.default)

    @property
    def default(self) -> Any:
        """A new one of the values that the field has where none is given."""
        if self._default is not None:
            return copy(self._default)
        if self.type.shape is Shape.SEQUENCE:
            return array(self.number.code) if self.number else []
        if self.type.shape is Shape.ARRAY:
            if self.number:
                return np.zeros(self.type.size, self.number.dtype)
            return [self._zero() for _ in range(self.type.size)]
        return self._zero()

    @property
    def given_default(self) -> Any | None:
        """The default that the definition gives; None where it gives none."""
        return copy(self._default)

    def initial(self, value: Any) -> Any:
        """`value` as rclpy's constructors take it: numbers of NumPy arrays too."""
        if self.number and self.type.shape is Shape.SEQUENCE:
            return self.checked(self._array(value))
        if self.number and self.type.shape is Shape.ARRAY:
            numbers = self.checked(np.array(value, self.number.dtype))
            if numbers.ndim != 1:
                raise AssertionError(f"The '{self.name}' field must have the shape ({self.type.size},)")
            return numbers
        return self.checked(value)

    def unchecked(self, value: Any) -> Any:
        """`value` as the field keeps it, whatever it is."""
        if self.number and self.type.shape is Shape.SEQUENCE:
            return value if isinstance(value, array) else self._array(value)
        if self.number and self.type.shape is Shape.ARRAY:
            return np.asarray(value, self.number.dtype)
        return value

    def checked(self, value: Any) -> Any:
        """`value` as the field keeps it. Raises AssertionError where the field does not take it."""
        if self.type.shape is Shape.ONE:
            self._check_one(value)
            return value
        if self.number:
            return self._checked_numbers(value)
        self._check_many(value)
        return value

    def wire(self, value: Any) -> Any:
        """`value` as rosbags writes it."""
        if self.type.shape is Shape.ONE:
            return int.from_bytes(value, "little", signed=True) if self.type.base == "byte" else value
        if self.number:
            return np.ascontiguousarray(value, self.number.dtype)
        if self.type.base == "byte":
            return np.frombuffer(b"".join(value), np.int8)
        if self.type.base == "bool":
            return np.array(value, np.bool_)
        return value

    def from_wire(self, value: Any) -> Any:
        """The field's value of what rosbags read. Raises ValueError where there is more than the field holds."""
        shape = self.type.shape
        if self.type.size and shape is Shape.SEQUENCE and len(value) > self.type.size:
            raise ValueError(f"{self.name} holds at most {self.type.size} values, not {len(value)}")
        if self.number and shape is Shape.SEQUENCE:
            numbers = array(self.number.code)
            numbers.frombytes(value.view(np.uint8))
            return numbers
        if self.number and shape is Shape.ARRAY:
            return value.copy()  # its own memory, which may be written to
        if self.type.base == "byte":
            return bytes_of(value) if shape is Shape.ONE else [bytes_of(byte) for byte in value.tolist()]
        if self.type.base == "bool" and shape is not Shape.ONE:
            return value.tolist()
        return value

    @property
    def converts(self) -> bool:
        """True if `wire` or `from_wire` has anything to do."""
        many = self.type.shape is not Shape.ONE
        bounded = self.type.shape is Shape.SEQUENCE and self.type.size > 0
        return self.type.base == "byte" or bounded or (many and (self.number is not None or self.type.base == "bool"))

    def _zero(self) -> Any:
        return bytes(1) if self.type.base == "byte" else self._element()

    def _array(self, value: Any) -> array[Any]:
        assert self.number
        if isinstance(value, np.ndarray) and value.dtype == self.number.dtype and value.ndim == 1:
            numbers: array[Any] = array(self.number.code)
            numbers.frombytes(np.ascontiguousarray(value).view(np.uint8).data)
            return numbers
        return array(self.number.code, value)

    def _check_one(self, value: Any) -> None:
        name, type_ = self.name, self.type
        if type_.base == "byte":
            if not (isinstance(value, (bytes, bytearray)) and len(value) == 1):
                raise AssertionError(f"The '{name}' field must be of type 'bytes' or 'ByteString' with length 1")
        elif type_.characters:
            if not (isinstance(value, (str, UserString)) and len(value) <= type_.characters):
                raise AssertionError(f"The '{name}' field must be string value not longer than {type_.characters}")
        elif not isinstance(value, self._element):
            kind = "a sub message of" if self.message else "of"
            raise AssertionError(f"The '{name}' field must be {kind} type '{self._element.__name__}'")
        elif self.number and not self._in_range(value):
            number = self.number
            article = "an" if number.kind[0] in "iu" else "a"
            raise AssertionError(f"The '{name}' field must be {article} {number.kind} in [{number.low}, {number.high}]")

    def _in_range(self, value: Any) -> bool:
        assert self.number
        if self.number.python is float:
            return not (value < self.number.low or value > self.number.high) or math.isinf(value)
        return bool(self.number.low <= value <= self.number.high)

    def _checked_numbers(self, value: Any) -> Any:
        assert self.number
        size, dtype, code = self.type.size, self.number.dtype, self.number.code
        if self.type.shape is Shape.ARRAY:
            if isinstance(value, np.ndarray):
                if value.dtype != dtype:
                    raise AssertionError(f"The '{self.name}' numpy.ndarray() must have the dtype of 'numpy.{dtype}'")
                if value.size != size:
                    raise AssertionError(f"The '{self.name}' numpy.ndarray() must have a size of {size}")
                return value
            self._check_many(value)
            return np.array(value, dtype)
        if isinstance(value, array):
            if value.typecode != code:
                raise AssertionError(f"The '{self.name}' array.array() must have the type code of '{code}'")
            if size and len(value) > size:
                raise AssertionError(f"The '{self.name}' array.array() must have a size <= {size}")
            return value
        if not (code == "B" and isinstance(value, (bytes, bytearray)) and not size):  # every byte is an uint8
            self._check_many(value)
        return array(code, value)

    def _check_many(self, value: Any) -> None:
        size, element = self.type.size, self._element
        expected = ["a set or sequence"]
        fits = isinstance(value, (Sequence, Set, UserList)) and not isinstance(value, (str, UserString))
        if self.type.shape is Shape.ARRAY:
            fits = fits and len(value) == size
            expected.append(f"with length {size}")
        elif size:
            fits = fits and len(value) <= size
            expected.append(f"with length <= {size}")
        fits = fits and all(isinstance(item, element) for item in value)
        expected.append(f"and each value of type '{element.__name__}'")
        if self.type.characters:
            fits = fits and all(len(item) <= self.type.characters for item in value)
            expected.append(f"and each string value not longer than {self.type.characters}")
        if self.type.base == "byte":
            fits = fits and all(len(item) == 1 for item in value)
        if self.number:
            fits = fits and all(map(self._in_range, value))
            low, high = self.number.low, self.number.high
            bounds = f"{low:f}, {high:f}" if self.number.python is float else f"{low}, {high}"
            expected.append(f"and each {self.number.kind} in [{bounds}]")
        if not fits:
            raise AssertionError(f"The '{self.name}' field must be {' '.join(expected)}")

    def _literal(self, owner: str, literal: Literal) -> Any:
        """A default as a value of the field."""
        many = self.type.shape is not Shape.ONE
        try:
            if many != isinstance(literal, list):
                raise TypeError
            value = (
                [self._literal_one(one) for one in literal] if isinstance(literal, list) else self._literal_one(literal)
            )
            return self.checked(value)
        except (AssertionError, TypeError):
            raise InterfaceError(
                f"{owner}: {literal!r} is no default for {self.name}, which is {idl_name(self.type)}"
            ) from None

    def _literal_one(self, literal: Any) -> Any:
        if self.type.base == "byte" and isinstance(literal, int):
            return bytes_of(literal)
        if self.type.base == "bool" and literal in (0, 1):
            return bool(literal)
        if self._element is float and isinstance(literal, int):
            return float(literal)
        return literal


def bytes_of(value: int) -> bytes:
    """A byte's value as rclpy has it."""
    return bytes((value & 255,))
