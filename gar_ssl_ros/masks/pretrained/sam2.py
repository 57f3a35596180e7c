"""SAM 2 (Ravi et al. 2024) of one image: what a box frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import Sam2Model

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.masks.pretrained.picture import Preprocessing, Size, preprocessing
from gar_ssl_ros.masks.pretrained.prompted import PromptedSegmenter, enlarged, mask_of
from gar_ssl_ros.masks.segmenter import Image, Prompt

VIDEO = "sam2_video"  # the model_type of the published checkpoints, which hold both
# As of Sam2ImageProcessor; ImageNet's colours.
USUAL = Preprocessing(
    size=Size(height=1024, width=1024), image_mean=(0.485, 0.456, 0.406), image_std=(0.229, 0.224, 0.225)
)


class Sam2Segmenter(PromptedSegmenter):
    """Of the three masks that a box may mean the one it is surest of."""

    name, model_class = "sam2", Sam2Model
    kinds: tuple[str, ...] = ("sam2", VIDEO)

    def _prepare(self, folder: Path) -> None:
        self._side = int(self._model.config.prompt_encoder_config.image_size)
        self._preprocessed = preprocessing(folder, USUAL, self._side)

    def _pixels(self, image: Image) -> torch.Tensor:
        return self._preprocessed(image, self._model.device)

    def _corners(self, box: Box, size: tuple[int, int]) -> torch.Tensor:
        """x1, y1, x2, y2 in pixels of what the model sees, which is stretched to a square."""
        height, width = size
        scale = torch.tensor([self._side / width, self._side / height] * 2)
        return (torch.tensor(box.sides) * scale).to(self._model.device)

    def _encoded(self, image: Image) -> Any:
        return self._model.get_image_embeddings(self._pixels(image))

    def _mask(self, seen: Any, prompt: Prompt, size: tuple[int, int]) -> Mask:
        box = self._corners(prompt.box, size)
        out = self._model(image_embeddings=seen, input_boxes=box[None, None])
        return mask_of(enlarged(out.pred_masks[0, 0, out.iou_scores[0, 0].argmax()], size) > 0)
