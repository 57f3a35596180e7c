"""Models in ONNX, written without the library onnx: detectors of any size and family, and a saliency model.

The detectors see white squares. A cell that is all white holds a thing of the kind that is asked for; its box reaches
one cell to each side of the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

WHITE = (7.0, -5.25)  # of the mean of a cell that is 0..1: what makes 1.75 of white, and little of all else
BRIGHTNESS = {"yolox": (1 / 255, 0.0), "nanodet": (0.2264, 0.4478)}  # of what the network is given: to 0..1, roughly


def _varint(number: int) -> bytes:
    low = number & 127
    return bytes([low]) if number < 128 else bytes([low | 128]) + _varint(number >> 7)


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: int | Sequence[int]) -> bytes:
    told = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(3, output) + _field(4, kind)
    for name, value in attributes.items():
        content = _field(3, value) if isinstance(value, int) else b"".join(_field(8, one) for one in value)
        told += _field(5, _field(1, name) + content + _field(20, 2 if isinstance(value, int) else 7))
    return _field(1, told)


def _tensor(name: str, values: np.ndarray) -> bytes:
    kind = {"f": 1, "i": 7}[values.dtype.kind]
    dims = b"".join(_field(1, side) for side in values.shape)
    return _field(5, dims + _field(2, kind) + _field(8, name) + _field(9, values.tobytes()))


def _value(number: int, name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_field(1, _field(1, side)) for side in shape)
    return _field(number, _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims))))


def write(path: Path, family: str, height: int, width: int, kinds: int, kind: int) -> Path:
    """A detector of `kinds` kinds that takes pictures of that size. family: yolox, nanodet or nanodet-plus."""
    slope, shift = BRIGHTNESS[family.removesuffix("-plus")]
    scores = [(WHITE[0], WHITE[1]) if each == kind else (0.0, -9.0) for each in range(kinds)]
    distances = [(0.0, 50.0 * (at == (1 if "plus" in family else 2))) for _ in range(4) for at in range(8)]
    outputs = {  # each channel by how much of a cell's brightness it is, and what is added
        "yolox": [[(0, 0.5), (0, 0.5), (0, np.log(3)), (0, np.log(3)), WHITE, *((0, float(s[0] > 0)) for s in scores)]],
        "nanodet": [scores, distances],
        "nanodet-plus": [[*scores, *distances]],
    }[family]
    nodes, tensors, values, parts = b"", b"", b"", []
    for stride in (8, 16, 32, 64)[: 4 if "plus" in family else 3]:
        rows, columns = -(-height // stride), -(-width // stride)
        for i, channels in enumerate(outputs):
            name = f"s{stride}_{i}"
            weights = np.zeros((len(channels), 3, stride, stride), np.float32)
            weights += np.array([part for part, _ in channels], np.float32)[:, None, None, None] * slope / 3 / stride**2
            bias = np.array([more + part * shift for part, more in channels], np.float32)
            tensors += _tensor(f"{name}_w", weights) + _tensor(f"{name}_b", bias)
            tensors += _tensor(f"{name}_s", np.array([1, len(channels), -1], np.int64))
            pads = (0, 0, rows * stride - height, columns * stride - width)
            nodes += _node("Conv", ["images", f"{name}_w", f"{name}_b"], f"{name}_c", kernel_shape=(stride, stride),
                           strides=(stride, stride), pads=pads)  # fmt: skip
            nodes += _node("Reshape", [f"{name}_c", f"{name}_s"], f"{name}_r")
            nodes += _node("Transpose", [f"{name}_r"], name, perm=(0, 2, 1))
            parts.append((name, (1, rows * columns, len(channels))))
    if len(outputs) == 1:
        nodes += _node("Concat", [name for name, _ in parts], "output", axis=1)
        parts = [("output", (1, sum(shape[1] for _, shape in parts), parts[0][1][2]))]
    values = b"".join(_value(12, name, shape) for name, shape in parts)
    graph = nodes + _field(2, family) + tensors + _value(11, "images", (1, 3, height, width)) + values
    path.write_bytes(_field(1, 8) + _field(8, _field(1, "") + _field(2, 13)) + _field(7, graph))
    return path


def write_saliency(path: Path, height: int, width: int, channels: int = 1, squashed: bool = True) -> Path:
    """A model with U^2-Net's interface to which red is salient; its second output is the opposite of the first.

    channels: of its outputs. squashed: False for outputs that are not in 0..1.
    """
    red = np.zeros((channels, 3, 1, 1), np.float32)
    red[:, 0], red[:, 1:] = 4.0, -4.0
    tensors, nodes, values = b"", b"", b""
    for name, sign in (("first", 1), ("second", -1)):
        tensors += _tensor(f"{name}_w", sign * red) + _tensor(f"{name}_b", np.full(channels, -sign, np.float32))
        conv = name if not squashed else f"{name}_c"
        nodes += _node("Conv", ["images", f"{name}_w", f"{name}_b"], conv, kernel_shape=(1, 1))
        nodes += _node("Sigmoid", [conv], name) if squashed else b""
        values += _value(12, name, (1, channels, height, width))
    graph = nodes + _field(2, "saliency") + tensors + _value(11, "images", (1, 3, height, width)) + values
    path.write_bytes(_field(1, 8) + _field(8, _field(1, "") + _field(2, 13)) + _field(7, graph))
    return path
