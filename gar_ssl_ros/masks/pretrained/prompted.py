"""What the segmenters of the transformers library share: a folder that is loaded, one encoding for all prompts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.gar.boxes import Box, box_from_reply
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.crop import outside
from gar_ssl_ros.masks.segmenter import Image, Prompt, SegmenterError
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.pretrained.folder import load, model_type, whole

TRIAL = np.zeros((48, 64, 3), np.uint8)


class PromptedSegmenter(ABC):
    """An image is encoded once, and decoded for each prompt. Thread-safe: one image at a time.

    Raises SegmenterError where the folder holds no such model.
    """

    name: str
    kinds: tuple[str, ...]  # model_type of a config.json: a video checkpoint holds what one image needs, too
    model_class: Any

    def __init__(self, folder: Path) -> None:
        what = f"a {self.name.upper().replace('SAM', 'SAM ').strip()} of the transformers library"
        self._guard = Lock()
        lacking = ""
        try:
            if (kind := model_type(folder, what)) not in self.kinds:
                raise ModelError(folder, what, f"it is a {kind}")
            with whole(folder, what):
                try:
                    with enough_memory():
                        self._model = load(self.model_class, folder)
                        self._prepare(folder)
                        self.segment(TRIAL, [Prompt(Box(16, 16, 48, 32), "a thing")], Deadline())
                except MemoryError as problem:  # which is no fault of the folder's
                    lacking = sentence(problem)
        except ModelError as problem:
            wanted = "name a folder as `hf download` or save_pretrained writes it (docs/masks.md)"
            raise SegmenterError(f"{problem.fault}: {wanted}") from None
        if lacking:
            raise SegmenterError(f"{folder}: {lacking}")

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> list[Mask | Failure]:
        """As of Segmenter. The deadline is looked at between forward passes."""
        height, width = image.shape[:2]
        answers: list[Mask | Failure] = []
        with self._guard, computing(self._model.device):
            deadline.check()
            seen = self._encoded(image)
            for prompt in prompts:
                deadline.check()
                box = box_from_reply(prompt.box.sides, width, height)
                if box is None:
                    answers.append(Failure(outside(prompt.box, width, height)))
                else:
                    answers.append(self._mask(seen, Prompt(box, prompt.words), (height, width)))
        return answers

    @abstractmethod
    def _prepare(self, folder: Path) -> None:
        """Once the model is loaded. Raises ValueError where what stands beside it does not fit it."""

    @abstractmethod
    def _encoded(self, image: Image) -> Any:
        """The image, as the model sees it."""

    @abstractmethod
    def _mask(self, seen: Any, prompt: Prompt, size: tuple[int, int]) -> Mask | Failure:
        """size: height and width of the image, in which the prompt's box lies."""


@contextmanager
def computing(device: torch.device) -> Iterator[None]:
    """Without gradients; on a GPU that can in bfloat16, as SAM 2 and SAM 3's publisher runs them."""
    half = device.type == "cuda" and torch.cuda.is_bf16_supported()
    with enough_memory(), torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=half):
        yield


@contextmanager
def enough_memory() -> Iterator[None]:
    """Within it, too little memory is a MemoryError, whose device's own words fill a page."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise MemoryError from None
    except RuntimeError as problem:
        if "can't allocate memory" in str(problem):  # of the CPU
            raise MemoryError from None
        raise


def enlarged(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(h, w) at the image's size, (height, width), as every publisher's code does it: bilinear, corners not aligned."""
    whole = logits.float()[None, None]
    return torch.nn.functional.interpolate(whole, size, mode="bilinear", align_corners=False)[0, 0]


def mask_of(pixels: torch.Tensor) -> Mask:
    """Of bool (height, width)."""
    return Mask(pixels.cpu().numpy())
