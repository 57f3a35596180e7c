"""Whose pixels are asked for, and of whom."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.options import Options, option

NONE = "none"


@dataclass(frozen=True)
class MaskOptions(Options):
    """See docs/masks.md."""

    masks: str = option(
        NONE,
        "who tells the pixels of each source, from its box: nobody; box, all of the box; grabcut, by colours and edges "
        "(OpenCV, needs no model); salient, a saliency model of one's own; sam, sam2, sam3, Segment Anything, on torch",
        choices=(NONE, "box", "grabcut", "salient", "sam", "sam2", "sam3"),
    )
    masks_model: str = option(
        "", "of salient: its ONNX file, as of u2netp; of sam, sam2, sam3: the folder of its weights", metavar="PATH"
    )
    masks_track: bool = option(
        False,
        "whether to know sources again from window to window by their masks; with a video checkpoint of sam2 each is "
        "looked for in the frames between, too",
    )
