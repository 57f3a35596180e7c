"""The sources' pixels as a picture of their numbers, and what each number is."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from sensor_msgs.msg import Image
from vision_msgs.msg import LabelInfo, VisionClass

from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.window import Frame, Window
from gar_ssl_ros.messages.answers import header_of_frame


def masks_message(found: Localization, frame: Frame) -> Image | None:
    """A mono8 Image of the frame's size: 0 where nothing sounds, k where sources[k - 1] does, the surest on top.

    None where that would say what is not known: of an answer that failed or is UNCERTAIN, and of sources none of which
    has a mask.
    """
    masks = [source.mask for source in found.sources]
    if not found.outcome.conclusive or (masks and all(mask is None for mask in masks)):
        return None
    return _message(masks, frame)


def newest_masks_message(found: Localization, window: Window) -> Image | None:
    """The same of the window's last frame, where its sources were looked for; None where none was."""
    masks = [source.newest for source in found.sources]
    return None if all(mask is None for mask in masks) else _message(masks, window.frames[-1])


def label_info_message(found: Localization, frame: Frame) -> LabelInfo:
    """What each number of `masks_message` sounds like."""
    labels = [VisionClass(class_id=number, class_name=one.label) for number, one in enumerate(found.sources, 1)]
    return LabelInfo(header=header_of_frame(frame), class_map=labels)


def _message(masks: Sequence[Mask | None], frame: Frame) -> Image:
    numbers = np.zeros((frame.height, frame.width), np.uint8)
    for number in range(len(masks), 0, -1):
        if (mask := masks[number - 1]) is not None:
            numbers[mask.pixels] = number
    return Image(
        header=header_of_frame(frame),
        height=frame.height,
        width=frame.width,
        encoding="mono8",
        step=frame.width,
        data=array("B", numbers.tobytes()),
    )
