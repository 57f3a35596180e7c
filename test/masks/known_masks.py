"""Segmenters of the transformers library, and what they find where that is made to be known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.following import Follower

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("transformers", reason="needs transformers, which is not installed")

KINDS = {"sam": "sam", "sam2": "sam2", "sam2_video": "sam2", "sam3": "sam3"}  # folders, and whose `masks` they are
RANDOM = np.random.default_rng(0)


def segmenter(folder, what: str, track: bool = False):
    made = segmenter_of(MaskOptions(KINDS[what], str(folder(what)), track))
    return made.segmenter if isinstance(made, Follower) else made


def picture(width: int, height: int) -> np.ndarray:
    return RANDOM.integers(0, 255, (height, width, 3), dtype=np.uint8)


def grid(side: int, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    """x and y of the middles of a low-resolution mask's pixels, in those of what the model sees."""
    along = (torch.arange(side) + 0.5) * scale
    return along[None, :].expand(side, side), along[:, None].expand(side, side)


def inside(box: torch.Tensor, side: int, scale: float) -> torch.Tensor:
    """Logits: how deep in the box each pixel is."""
    x, y = grid(side, scale)
    x1, y1, x2, y2 = box
    return torch.stack([x - x1, x2 - x, y - y1, y2 - y]).amin(dim=0)


def knowing(made, what: str) -> None:
    """A model whose three masks are known: nothing, the prompt's box, which it is surest of, and everything."""
    model, framed = made._model, []

    def of_image(input_boxes, **_):
        known = inside(input_boxes[0, 0], 16, 4.0)
        masks = torch.stack([known * 0 - 9, known, known * 0 + 9])[None, None]
        return SimpleNamespace(pred_masks=masks, iou_scores=torch.tensor([[[0.2, 0.9, 0.5]]]))

    def of_video(inference_session, frame, frame_idx):
        framed.extend(one["point_coords"].reshape(4) for one in inference_session.point_inputs_per_obj[0].values())
        return SimpleNamespace(pred_masks=inside(framed[-1], 16, 4.0)[None, None])

    def of_words(input_boxes, **_):
        x, y, across, down = input_boxes[0, 0]
        box = torch.stack([x - across / 2, y - down / 2, x + across / 2, y + down / 2])
        known = inside(box, 28, 1 / 28) * 100
        others = torch.tensor([[0.0, 0.0, 0.01, 0.01], [0.0, 0.0, 1.0, 1.0]])
        return SimpleNamespace(
            pred_masks=torch.stack([known * 0 + 9, known * 0 + 9, known])[None],
            pred_boxes=torch.stack([*others, box])[None],
            pred_logits=torch.tensor([[3.0, 3.0, 1.0]]),
            presence_logits=torch.tensor([[3.0]]),
        )

    model.forward = of_video if what == "sam2_video" else of_words if what == "sam3" else of_image
