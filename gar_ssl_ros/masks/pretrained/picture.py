"""An image as SAM 2 and SAM 3 take it. The library's own way needs torchvision, which is large: this does the same.

Stretched to a square (bilinear, antialiased, in whole grey levels), then less the mean and over the spread of each
colour; what is read of preprocessor_config.json is what the publishers' processors read there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict

from gar_ssl_ros.files import read_file
from gar_ssl_ros.masks.segmenter import Image

BILINEAR = 2  # as PIL numbers it
FILES = ("preprocessor_config.json", "processor_config.json")  # before transformers 5, and since
Colour = tuple[float, float, float]


class Size(BaseModel):
    """Pixels."""

    height: int
    width: int


class Preprocessing(BaseModel):
    """As of an image processor of the library. image_mean, image_std: of RGB in 0..1. resample: as PIL numbers it."""

    model_config = ConfigDict(extra="ignore")

    size: Size
    image_mean: Colour
    image_std: Colour
    resample: int = BILINEAR
    rescale_factor: float = 1 / 255

    def __call__(self, image: Image, device: torch.device) -> torch.Tensor:
        """float32 (1, 3, height, width)."""
        levels = torch.as_tensor(image.copy(), device=device).permute(2, 0, 1)[None].float()
        scaled = torch.nn.functional.interpolate(
            levels, (self.size.height, self.size.width), mode="bilinear", antialias=True, align_corners=False
        )
        mean, std = (torch.tensor(one, device=device).view(1, 3, 1, 1) for one in (self.image_mean, self.image_std))
        return (scaled.round().clamp(0, 255) * self.rescale_factor - mean) / std


def preprocessing(folder: Path, usual: Preprocessing, side: int) -> Preprocessing:
    """What a folder says of it, and else what is usual. side: of the images that its model takes, pixels.

    Raises ValueError where that is nothing that is done here, or not for this model.
    """
    told: dict[str, Any] = {}
    for name in FILES:
        if (folder / name).is_file():
            described = json.loads(read_file(folder / name))
            told = described.get("image_processor", described)
            break
    known = usual.model_dump() | {"size": {"height": side, "width": side}}
    made = Preprocessing.model_validate(known | {name: value for name, value in told.items() if value is not None})
    if made.resample != BILINEAR:
        raise ValueError(f"its images are to be resampled in way {made.resample}, not bilinearly ({BILINEAR})")
    if (made.size.height, made.size.width) != (side, side):
        size = f"{made.size.width}x{made.size.height}"
        raise ValueError(f"its processor makes images of {size} pixels, and its model takes {side}x{side}")
    return made
