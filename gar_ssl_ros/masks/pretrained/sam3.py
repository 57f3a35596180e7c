"""SAM 3 (Carion et al. 2025): the things that words name and that look like what a box frames."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import AutoTokenizer
from transformers.models.sam3.modeling_sam3 import Sam3Model  # by a shorter name, only where there is torchvision

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.pretrained.picture import Preprocessing, Size, preprocessing
from gar_ssl_ros.masks.pretrained.prompted import PromptedSegmenter, enlarged, mask_of
from gar_ssl_ros.masks.segmenter import Image, Prompt
from gar_ssl_ros.perception.pretrained.folder import LOCAL

MAX_TOKENS = 32  # of the words, as Sam3Processor has it
WORDLESS = "visual"  # what Sam3Processor says where a box comes without words
MIN_SCORE, MIN_PIXEL = 0.3, 0.5  # of an instance, of a pixel: as of post_process_instance_segmentation
MIN_OVERLAP = 0.1  # intersection over union of an instance's box and the prompt's: below it, it is another one
# As of Sam3ImageProcessor.
USUAL = Preprocessing(size=Size(height=1008, width=1008), image_mean=(0.5, 0.5, 0.5), image_std=(0.5, 0.5, 0.5))


def sam3_segmenter(options: MaskOptions) -> Sam3Segmenter:
    """As the registry makes it. Raises SegmenterError."""
    return Sam3Segmenter(Path(options.masks_model))


class Sam3Segmenter(PromptedSegmenter):
    """Of the instances that it finds by a prompt's words and box, or else by its box alone, the one in the box."""

    name, kinds, model_class = "sam3", ("sam3", "sam3_video"), Sam3Model

    def _prepare(self, folder: Path) -> None:
        module: Any = sys.modules[Sam3Model.__module__]
        if not hasattr(module, "torchvision"):  # which it imports where it is, for this one function
            module.torchvision = SimpleNamespace(ops=SimpleNamespace(roi_align=roi_align))
        self._tokenizer = AutoTokenizer.from_pretrained(folder, **LOCAL)
        self._preprocessed = preprocessing(folder, USUAL, int(self._model.config.image_size))

    def _encoded(self, image: Image) -> Any:
        return self._model.get_vision_features(self._preprocessed(image, self._model.device))

    def _mask(self, seen: Any, prompt: Prompt, size: tuple[int, int]) -> Mask | Failure:
        for words in dict.fromkeys((prompt.words or WORDLESS, WORDLESS)):
            if (mask := self._instance(seen, words, prompt.box, size)) is not None:
                return mask
        by = f"by the words {prompt.words!r:.60} and by the box" if prompt.words else "by the box"
        return Failure(f"it found nothing there, {by}")

    def _instance(self, seen: Any, words: str, box: Box, size: tuple[int, int]) -> Mask | None:
        """The one whose box fits best, of those that it is sure of."""
        height, width = size
        device = self._model.device
        text = self._tokenizer(
            words, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
        ).to(device)
        (x, y), sides = box.center, (box.width, box.height)
        place = torch.tensor([x / width, y / height, sides[0] / width, sides[1] / height], device=device)
        out = self._model(
            vision_embeds=seen,
            input_ids=text.input_ids,
            attention_mask=text.attention_mask,
            input_boxes=place[None, None],
            input_boxes_labels=torch.ones((1, 1), dtype=torch.long, device=device),
        )
        scores = (out.pred_logits[0].float().sigmoid() * out.presence_logits[0].float().sigmoid()).tolist()
        boxes = (out.pred_boxes[0].float().cpu() * torch.tensor([width, height, width, height])).tolist()
        found = [index for index, score in enumerate(scores) if score > MIN_SCORE]
        best = max(found, key=lambda index: _overlap(box, boxes[index]), default=None)
        if best is None or _overlap(box, boxes[best]) < MIN_OVERLAP:
            return None
        mask = mask_of(enlarged(out.pred_masks[0, best].float().sigmoid(), size) > MIN_PIXEL)
        return mask if mask.area else None


def _overlap(box: Box, sides: Sequence[float]) -> float:
    x1, y1, x2, y2 = sides
    return box.iou(Box(x1, y1, x2, y2)) if x1 < x2 and y1 < y2 else 0.0


def roi_align(features: torch.Tensor, boxes: list[torch.Tensor], side: int) -> torch.Tensor:
    """What torchvision.ops.roi_align gives for one box of one image, with its own defaults (not `aligned`).

    features: (1, channels, height, width). boxes: one of (1, 4): x1, y1, x2, y2 in its pixels. Gives (1, channels,
    side, side): the mean of as many evenly spread points of a bin as it has pixels, each interpolated bilinearly.
    """
    x1, y1, x2, y2 = boxes[0][0].float().tolist()
    height, width = features.shape[-2:]
    rows = _points(y1, y2, side, height, features.device)
    columns = _points(x1, x2, side, width, features.device)
    sampled = torch.einsum("rh,nchw,sw->ncrs", rows, features.float(), columns)
    return sampled.to(features.dtype)


def _points(start: float, end: float, bins: int, length: int, device: torch.device) -> torch.Tensor:
    """(bins, length): how much of each pixel is in the mean of each bin's points, along one axis."""
    bin_size = max(end - start, 1.0) / bins
    each = max(1, math.ceil(bin_size))
    at = start + bin_size * (torch.arange(bins * each, device=device) + 0.5) / each
    inside = (at >= -1) & (at <= length)  # what lies further out counts as 0
    at = at.clamp(0, length - 1)
    low = at.floor().long()
    high = (low + 1).clamp(max=length - 1)
    weights = torch.zeros(bins * each, length, device=device)
    each_row = torch.arange(bins * each, device=device)
    weights[each_row, low] += 1 - (at - low)
    weights[each_row, high] += at - low
    return (weights * inside[:, None]).view(bins, each, length).mean(dim=1)
