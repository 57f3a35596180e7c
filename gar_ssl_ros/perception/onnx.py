"""What an ONNX file says of the picture that it takes: OpenCV runs such a file, and does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gar_ssl_ros.files import read_file

# Fields on the way from a model to a size (onnx.proto3): graph, its inputs, type, tensor type, shape, dimension, size.
GRAPH, INPUT, TYPE, TENSOR, SHAPE, DIMENSION, SIZE = 7, 11, 2, 1, 2, 1, 1
VARINT, LONG, BYTES, SHORT = 0, 1, 2, 5  # protobuf's types on the wire that ONNX uses


def input_shape(path: Path) -> tuple[int, ...]:
    """Of a model's first input; 0 for a side that it leaves open.

    Raises OSError where the file cannot be read, and ValueError where it is no ONNX file.
    """
    try:
        shape: int | memoryview = memoryview(read_file(path))
        for field in (GRAPH, INPUT, TYPE, TENSOR, SHAPE):
            shape = next(value for number, value in _fields(shape) if number == field)
        sides = [dict(_fields(side)).get(SIZE, 0) for number, side in _fields(shape) if number == DIMENSION]
    except (StopIteration, IndexError, TypeError):
        raise ValueError("it is no ONNX file, or only its beginning") from None
    return tuple(side if isinstance(side, int) else 0 for side in sides)


def _fields(message: int | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message, by number."""
    if isinstance(message, int):
        raise TypeError("a number has no fields")
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if key & 7 == BYTES:
            length, at = _varint(message, at)
        elif key & 7 in (LONG, SHORT):
            length = 8 if key & 7 == LONG else 4
        else:
            raise IndexError
        if at + length > len(message):
            raise IndexError
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number = shift = 0
    while True:
        byte = message[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
        if shift > 63:
            raise IndexError
