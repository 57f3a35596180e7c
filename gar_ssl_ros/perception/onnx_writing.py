"""Writes a network as an ONNX file for OpenCV, so that weights in another form need no library that runs that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Numbers of onnx.proto3: of versions, types and, in the functions below, fields.
IR_VERSION, OPERATORS = 3, 9  # of 2019, which any OpenCV of today reads
FLOAT = 1  # of a tensor
AS_FLOAT, AS_INT, AS_INTS = 1, 2, 7  # of an attribute
BYTES, SHORT = 2, 5  # protobuf's types on the wire

How = dict[str, "float | int | Sequence[int]"]  # a node's attributes
Pieces = list[bytes]  # of a message: joined once, at the end, as weights are large


class Network:
    """A network as it is put together. Its input is (1, 3, height, width), of sides that are open."""

    INPUT = "picture"

    def __init__(self) -> None:
        self._graph: Pieces = _part(2, [b"network"])

    def convolution(self, x: str, weight: NDArray[Any], bias: NDArray[Any], stride: int = 1, groups: int = 1) -> str:
        """Of x, padded as TensorFlow does where the stride divides its sides. weight: (out, in, side, side)."""
        name = f"convolution{len(self._graph)}"
        self._graph += _tensor(f"{name}.weight", weight) + _tensor(f"{name}.bias", bias)
        side = weight.shape[2]
        missing = max(0, side - stride)
        before, after = missing // 2, missing - missing // 2
        how: How = {
            "kernel_shape": [side] * 2,
            "strides": [stride] * 2,
            "pads": [before] * 2 + [after] * 2,
            "group": groups,
        }
        return self._node("Conv", (x, f"{name}.weight", f"{name}.bias"), name, how)

    def within_0_and_6(self, x: str) -> str:
        """Of x, what is below or above cut off."""
        return self._node("Clip", (x,), f"clip{len(self._graph)}", {"min": 0.0, "max": 6.0})

    def sum(self, x: str, y: str) -> str:
        """Of both."""
        return self._node("Add", (x, y), f"sum{len(self._graph)}", {})

    def file(self, output: str) -> bytes:
        """It as an ONNX file that answers with that."""
        ends = _part(11, _value(self.INPUT, (1, 3, 0, 0))) + _part(12, _value(output, (1, 0, 0, 0)))
        versions = [_number(1, IR_VERSION), *_part(8, [*_part(1, [b""]), _number(2, OPERATORS)])]
        return b"".join(versions + _part(7, self._graph + ends))

    def _node(self, kind: str, inputs: Iterable[str], output: str, how: How) -> str:
        node = [piece for one in inputs for piece in _part(1, [one.encode()])]
        for field, name in ((2, output), (3, output), (4, kind)):
            node += _part(field, [name.encode()])
        for name, value in how.items():
            node += _part(5, _part(1, [name.encode()]) + _attribute(value))
        self._graph += _part(1, node)
        return output


def _attribute(value: float | int | Sequence[int]) -> Pieces:
    if isinstance(value, float):
        return [_varint(2 << 3 | SHORT), np.float32(value).tobytes(), _number(20, AS_FLOAT)]
    if isinstance(value, int):
        return [_number(3, value), _number(20, AS_INT)]
    return [*(_number(8, one) for one in value), _number(20, AS_INTS)]


def _tensor(name: str, values: NDArray[Any]) -> Pieces:
    sides = [_number(1, side) for side in values.shape]
    content = _part(8, [name.encode()]) + _part(9, [values.astype("<f4").tobytes()])
    return _part(5, [*sides, _number(2, FLOAT), *content])


def _value(name: str, sides: Sequence[int]) -> Pieces:
    """An input or output. sides: 0 for an open one."""
    shape = [piece for side in sides for piece in _part(1, [_number(1, side)] if side else _part(2, [b"open"]))]
    return _part(1, [name.encode()]) + _part(2, _part(1, [_number(1, FLOAT), *_part(2, shape)]))


def _part(field: int, content: Pieces) -> Pieces:
    return [_varint(field << 3 | BYTES) + _varint(sum(map(len, content))), *content]


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """A number >= 0, of seven bits a byte."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
