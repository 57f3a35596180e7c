"""Segmenters by name: one of ours is a line in SEGMENTERS and a choice in `options.py`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.masks.options import NONE, MaskOptions
from gar_ssl_ros.masks.segmenter import Segmenter

SEGMENTERS: Mapping[str, str] = {  # module:factory, called with the options
    "box": "gar_ssl_ros.masks.box:box_segmenter",
    "grabcut": "gar_ssl_ros.masks.grabcut:grabcut_segmenter",
    "salient": "gar_ssl_ros.masks.salient:salient_segmenter",
}
WITH_MODEL = ("salient",)


def segmenter_of(options: MaskOptions) -> Segmenter | None:
    """The one that is asked for, ready; None where none is. Only what it needs is imported.

    Raises UsageError where a model is named that nobody asks, and SegmenterError where it cannot be had.
    """
    if options.masks_model and options.masks not in WITH_MODEL:
        raise UsageError(f"masks_model: only masks of {' or '.join(WITH_MODEL)} have one: choose it, or leave it out")
    if options.masks == NONE:
        return None
    module, _, factory = SEGMENTERS[options.masks].partition(":")
    made: Segmenter = getattr(import_module(module), factory)(options)
    return made
