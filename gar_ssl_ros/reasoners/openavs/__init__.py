"""OpenAVS: language between sound and picture, without training, for whatever can be named. See docs/openavs.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gar_ssl_ros.reasoners.options import OpenAvsOptions

if TYPE_CHECKING:
    from gar_ssl_ros.reasoners.openavs.reasoner import OpenAvsReasoner

__all__ = ["openavs_reasoner"]


def openavs_reasoner(options: OpenAvsOptions) -> OpenAvsReasoner:
    """It with the models that are named, or are here. Raises OptionError and ReasonerError."""
    from gar_ssl_ros.reasoners.openavs.assembly import assembled

    return assembled(options)
