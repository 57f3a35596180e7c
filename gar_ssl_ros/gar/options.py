"""The method's parameters."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.options import Options, option


@dataclass(frozen=True)
class GarOptions(Options):
    """The defaults are the paper's (arXiv:2604.06824, section 4.2). Raises OptionError where one is out of range."""

    sources: int = option(1, "sources to look for at most", least=1, most=16, metavar="K")
    trials: int = option(5, "analysis trials", least=1, most=50, metavar="N")
    tau_av: float = option(
        0.5, "gate: least audio-visual consistency for the first box to stand", least=0, most=1, metavar="T"
    )  # eq. 10
    tau_aud: float = option(
        0.75, "gate: least audio confidence for the first box to stand", least=0, most=1, metavar="T"
    )
    analysis: bool = option(True, "without it no box is kept unrefined", offered=False)  # for ablations, as is
    refinement: bool = option(True, "without it the initial boxes are final", offered=False)
