"""A run as a report tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gar_ssl_ros.evaluation.figures import Figures
from gar_ssl_ros.evaluation.results import Run
from gar_ssl_ros.evaluation.samples import Sample


@dataclass(frozen=True)
class Subject:
    """A run with its figures. name: in the report's tables and titles. samples: by id, to show their pictures. notes:
    what was odd about the annotations. method: in the paper's tables; empty for its settings.
    """

    name: str
    run: Run
    figures: Figures
    samples: Mapping[str, Sample]
    notes: tuple[str, ...] = ()
    method: str = ""
