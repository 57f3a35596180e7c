"""Messages of any type with values of any kind, for hypothesis."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from gar_ssl_ros.interfaces import Message
from gar_ssl_ros.interfaces.definition import Shape
from gar_ssl_ros.interfaces.fields import Values


def messages(cls: type[Message]) -> st.SearchStrategy[Message]:
    """Instances of `cls` without NaN, with at most three elements in a sequence."""
    return st.fixed_dictionaries({field.name: _values(field) for field in cls.__values__}).map(lambda v: cls(**v))


def _values(field: Values) -> st.SearchStrategy[Any]:
    type_ = field.type
    one: st.SearchStrategy[Any]
    if field.message:
        one = messages(field.message)
    elif field.number and field.number.python is float:
        # The largest 32-bit number is too large for rosidl's classes, and so for ours.
        single = field.number.dtype.itemsize == 4
        one = st.floats(allow_nan=False, width=32 if single else 64)
        one = one.filter(lambda number: abs(number) < 3.4e38 or math.isinf(number)) if single else one
    elif field.number:
        one = st.integers(int(field.number.low), int(field.number.high))
    elif type_.base == "string":
        one = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=type_.characters or 8)
    else:
        one = st.booleans() if type_.base == "bool" else st.binary(min_size=1, max_size=1)
    if type_.shape is Shape.ONE:
        return one
    if type_.shape is Shape.ARRAY:
        return st.lists(one, min_size=type_.size, max_size=type_.size)
    return st.lists(one, max_size=min(3, type_.size or 3))
