"""Segmenters by name: one of ours is a line in SEGMENTERS and a choice in `options.py`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from gar_ssl_ros.errors import UsageError, pip_install
from gar_ssl_ros.masks.options import NONE, MaskOptions
from gar_ssl_ros.perception.quiet import quiet

if TYPE_CHECKING:
    from gar_ssl_ros.masks.segmenter import Segmenter

SEGMENTERS: Mapping[str, str] = {  # module:factory, called with the options
    "box": "gar_ssl_ros.masks.box:box_segmenter",
    "grabcut": "gar_ssl_ros.masks.grabcut:grabcut_segmenter",
    "salient": "gar_ssl_ros.masks.salient:salient_segmenter",
    "sam": "gar_ssl_ros.masks.pretrained.sam:sam_segmenter",
    "sam2": "gar_ssl_ros.masks.pretrained.sam2_video:sam2_segmenter",
    "sam3": "gar_ssl_ros.masks.pretrained.sam3:sam3_segmenter",
}
MODELS: Mapping[str, str] = {  # what masks_model is to name
    "salient": "the ONNX file of a saliency model, as u2netp's",
    **dict.fromkeys(("sam", "sam2", "sam3"), "the folder of its weights (docs/masks.md)"),
}


def segmenter_of(options: MaskOptions) -> Segmenter | None:
    """The one that is asked for, ready; None where none is. Only what it needs is imported.

    Raises UsageError where a model is named that nobody asks, and SegmenterError where it cannot be had.
    """
    if options.masks_model and options.masks not in MODELS:
        raise UsageError(f"masks_model: only masks of {', '.join(MODELS)} have one: choose one, or leave it out")
    if options.masks == NONE:
        if options.masks_track:
            raise UsageError("masks_track: there are no masks to follow: choose masks, or leave it out")
        return None
    from gar_ssl_ros.masks.following import Follower  # noqa: PLC0415 - heavy, and --help needs the names alone
    from gar_ssl_ros.masks.segmenter import SegmenterError  # noqa: PLC0415 - the same

    if options.masks in MODELS and not options.masks_model:
        raise SegmenterError(f"masks of {options.masks} need a masks_model: name {MODELS[options.masks]}")
    module, _, factory = SEGMENTERS[options.masks].partition(":")
    try:
        with quiet():
            made: Segmenter = getattr(import_module(module), factory)(options)
    except ModuleNotFoundError as problem:
        told = f"masks of {options.masks} need {problem.name}, which is not installed: {pip_install('omni')}"
        raise SegmenterError(told) from None
    return Follower(made) if options.masks_track else made
