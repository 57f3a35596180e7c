"""SAM (Kirillov et al. 2023): what a box frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import SamModel
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.pretrained.prompted import PromptedSegmenter, mask_of
from gar_ssl_ros.masks.segmenter import Image, Prompt
from gar_ssl_ros.perception.pretrained.folder import LOCAL


def sam_segmenter(options: MaskOptions) -> SamSegmenter:
    """As the registry makes it. Raises SegmenterError."""
    return SamSegmenter(Path(options.masks_model))


class SamSegmenter(PromptedSegmenter):
    """Of the three masks that a box may mean, the whole, a part or a part of that, the one it is surest of."""

    name, kinds, model_class = "sam", ("sam",), SamModel

    def _prepare(self, folder: Path) -> None:
        self._processor = SamImageProcessorPil.from_pretrained(folder, **LOCAL)

    def _encoded(self, image: Image) -> tuple[torch.Tensor, Any]:
        inputs = self._processor(image, input_data_format="channels_last", return_tensors="pt")
        pixels = inputs.pop("pixel_values").to(self._model.device)
        return self._model.get_image_embeddings(pixels), inputs

    def _mask(self, seen: tuple[torch.Tensor, Any], prompt: Prompt, size: tuple[int, int]) -> Mask:
        embeddings, sizes = seen
        down, across = (sizes["reshaped_input_sizes"][0] / torch.tensor(size)).tolist()
        scale = torch.tensor([across, down, across, down])
        box = (torch.tensor(prompt.box.sides) * scale).to(embeddings.device)
        out = self._model(image_embeddings=embeddings, input_boxes=box[None, None])
        surest = out.pred_masks[:, :, out.iou_scores[0, 0].argmax()][:, :, None].float()
        (mask,) = self._processor.post_process_masks(surest, **sizes)
        return mask_of(mask[0, 0])
