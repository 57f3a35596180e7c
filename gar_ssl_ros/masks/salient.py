"""A saliency model of the user's, as OpenCV runs it: what stands out around a box.

U^2-Net's interface, which most such models share: a picture of the size that the model asks for, scaled so that its
brightest value is 1, less ImageNet's mean and over its spread; of what comes out, the first is the saliency, 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.crop import grown, outside, pixels_of_box
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.segmenter import Image, Prompt, SegmenterError
from gar_ssl_ros.perception.onnx import input_shape

IMAGENET_MEAN, IMAGENET_SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of RGB, 0..1
CONTEXT = 0.25  # of a box's sides, to each side of it, that the model sees, too
MIN_SALIENCY = 0.5  # of the greatest in the box
MIN_PEAK = 0.1  # of the saliency in a box: what is less is noise
MAX_SIDE_PX = 4096  # pixels: of a picture that a model may ask for


def salient_segmenter(options: MaskOptions) -> SalientSegmenter:
    """As the registry makes it. Raises SegmenterError."""
    return SalientSegmenter(Path(options.masks_model))


class SalientSegmenter:
    """Raises SegmenterError where the file holds no such model."""

    name = "salient"

    def __init__(self, path: Path) -> None:
        try:
            self._size = _size(input_shape(path))
            self._guard = Lock()  # of the net, which remembers its input
            self._net = cv2.dnn.readNetFromONNX(str(path))
            self._output = self._net.getUnconnectedOutLayersNames()[0]
            probe = np.random.default_rng(0).integers(0, 256, (*self._size, 3), dtype=np.uint8)
            self._saliency(probe)
        except (cv2.error, OSError, ValueError) as problem:
            said = " ".join(sentence(problem).split())[:120]
            told = f"{path} is no saliency model that OpenCV can run ({said})"
            raise SegmenterError(f"{told}: name an ONNX file with one picture in and its saliency out") from None

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> list[Mask | Failure]:
        """As of Segmenter."""
        masks = []
        for prompt in prompts:
            deadline.check()
            masks.append(self._mask(image, prompt.box))
        return masks

    def _mask(self, image: Image, box: Box) -> Mask | Failure:
        height, width = image.shape[:2]
        inside = pixels_of_box(box, width, height)
        around = pixels_of_box(grown(box, CONTEXT), width, height)
        if inside is None or around is None:
            return Failure(outside(box, width, height))
        crop = image[around]
        saliency = np.zeros((height, width), np.float32)
        saliency[around] = cv2.resize(self._saliency(crop), (crop.shape[1], crop.shape[0]))
        peak = float(saliency[inside].max())
        if peak < MIN_PEAK:
            return Failure("nothing in the box is salient")
        return Mask(saliency >= MIN_SALIENCY * peak)

    def _saliency(self, picture: Image) -> NDArray[np.float32]:
        """0..1, of the model's size. Raises ValueError where it gives something else."""
        scaled = cv2.resize(picture, self._size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
        normal = (scaled / max(1.0, float(scaled.max())) - IMAGENET_MEAN) / IMAGENET_SPREAD
        with self._guard:
            self._net.setInput(np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32))
            out = np.array(self._net.forward(self._output), np.float32)
        if out.ndim != 4 or out.shape[:2] != (1, 1) or not (out.min() >= 0 and out.max() <= 1):
            shape = "x".join(map(str, out.shape))
            raise ValueError(f"its first output is {shape} in {out.min():.3g}..{out.max():.3g}, not 1x1xHxW in 0..1")
        return np.asarray(out[0, 0])


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width. Raises ValueError."""
    if len(shape) != 4 or shape[0] not in (0, 1) or shape[1] != 3 or not all(0 < s <= MAX_SIDE_PX for s in shape[2:]):
        raise ValueError(f"its input is {'x'.join(map(str, shape))}, not 1x3xHxW")
    return shape[2], shape[3]
