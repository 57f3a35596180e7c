"""Any OpenAI-compatible server that sees and hears, as a runtime of the prompted reasoner. See docs/served.md.

Nothing of HTTP is imported before `connect` or `served_reasoner` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

if TYPE_CHECKING:
    from gar_ssl_ros.reasoners.served.reasoner import ServedReasoner
    from gar_ssl_ros.reasoners.served.runtime import ServedRuntime

__all__ = ["connect", "served_reasoner"]


def served_reasoner(options: ServedOptions) -> ServedReasoner:
    """The prompted reasoner over servers, which need not be there yet. Raises ModelError."""
    from gar_ssl_ros.reasoners.served.reasoner import ServedReasoner

    return ServedReasoner(connect(options), options)


def connect(options: ServedOptions) -> ServedRuntime:
    """What asks the servers; nothing is asked so far. Raises ModelError where it cannot be, whatever they say."""
    try:
        import httpx2  # noqa: F401
    except ImportError as missing:
        raise ModelError(
            f"the reasoner served needs {missing.name}, which is not installed: {pip_install('served')}"
        ) from None
    from gar_ssl_ros.reasoners.served.runtime import ServedRuntime

    return ServedRuntime(options)
