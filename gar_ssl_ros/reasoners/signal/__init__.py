"""Sound source localization by audio-visual synchrony: no weights, CPU, milliseconds."""

from gar_ssl_ros.reasoners.signal.reasoner import SignalReasoner

__all__ = ["SignalReasoner"]
