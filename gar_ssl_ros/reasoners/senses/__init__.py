"""Small trained models and synchrony together: what is heard names its maker, and what is seen is held against it."""

from gar_ssl_ros.reasoners.options import SensesOptions
from gar_ssl_ros.reasoners.senses.reasoner import SensesReasoner
from gar_ssl_ros.reasoners.senses.senses import Senses, lacking, load

__all__ = ["Senses", "SensesReasoner", "lacking", "load", "senses_reasoner"]


def senses_reasoner(options: SensesOptions) -> SensesReasoner:
    """It with the models that are here, or are named. Raises OptionError and ReasonerError."""
    return SensesReasoner(load(options))
