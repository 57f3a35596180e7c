"""Who answers the three stages of GAR, by name."""

from gar_ssl_ros.reasoners.registry import (
    AUTO,
    OURS,
    is_factory,
    known,
    named_options,
    names,
    reasoner,
    refuse_unused,
)

__all__ = ["AUTO", "OURS", "is_factory", "known", "named_options", "names", "reasoner", "refuse_unused"]
