"""The sounding object's pixels: what is asked for them, after any reasoner, and who answers."""

from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.registry import segmenter_of
from gar_ssl_ros.masks.segmenter import Prompt, Segmenter, SegmenterError, masked, unmasked

__all__ = ["MaskOptions", "Prompt", "Segmenter", "SegmenterError", "masked", "segmenter_of", "unmasked"]
