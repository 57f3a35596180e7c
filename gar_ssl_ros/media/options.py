"""How time is cut into windows."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.options import Options, option


@dataclass(frozen=True)
class WindowOptions(Options):
    """Lengths of time, s. Raises OptionError where one is out of its range."""

    window: float = option(3.0, "length of a window, s", least=0.5, most=60, metavar="S")
    hop: float = option(
        1.0,
        "from one window to the next, s; later on a robot where the reasoner takes longer",
        least=0.1,
        most=600,
        metavar="S",
    )

    @property
    def length_ns(self) -> int:
        """Of a window."""
        return round(self.window * 1e9)

    @property
    def hop_ns(self) -> int:
        """From one to the next."""
        return round(self.hop * 1e9)
