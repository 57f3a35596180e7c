"""The box itself as a mask: what there is without any segmentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.crop import outside, pixels_of_box
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.segmenter import Image, Prompt


def box_segmenter(_: MaskOptions) -> BoxSegmenter:
    """As the registry makes it."""
    return BoxSegmenter()


class BoxSegmenter:
    """All of the box: what there is without any segmentation."""

    name = "box"

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> list[Mask | Failure]:
        """As of Segmenter."""
        deadline.check()
        height, width = image.shape[:2]
        masks: list[Mask | Failure] = []
        for prompt in prompts:
            where = pixels_of_box(prompt.box, width, height)
            if where is None:
                masks.append(Failure(outside(prompt.box, width, height)))
                continue
            pixels = np.zeros((height, width), np.bool_)
            pixels[where] = True
            masks.append(Mask(pixels))
        return masks
