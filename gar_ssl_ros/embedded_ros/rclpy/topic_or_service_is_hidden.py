"""Names that are left out of lists."""

from __future__ import annotations

from .. import names


def topic_or_service_is_hidden(name: str) -> bool:
    """True if a part of the name starts with an underscore."""
    return names.hidden(name)
