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
        "(OpenCV, needs no model); salient, a saliency model of one's own",
        choices=(NONE, "box", "grabcut", "salient"),
    )
    masks_model: str = option("", "of salient: its ONNX file, as of u2netp", metavar="FILE")
