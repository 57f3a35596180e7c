"""The tables of the papers whose methods or datasets these are, and where our figures stand in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gar_ssl_ros.evaluation.metrics.boxes import Summary
from gar_ssl_ros.evaluation.metrics.segmentation import SegmentationSummary
from gar_ssl_ros.evaluation.settings import Settings

TABLES_FILE = Path(__file__).with_name("tables.json")
THIS_RUN = "this run"
TICK, NO_VALUE = "✓", "—"


class Half(BaseModel):
    """The columns of one dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    title: str
    metrics: tuple[str, ...]


class Row(BaseModel):
    """settings: under `Table.columns`. whose: who got these figures. figures: %, null where none is printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: tuple[str, ...]
    whose: str
    figures: tuple[float | None, ...]


class Table(BaseModel):
    """id: as in the paper, after its method's name where that is not GAR. settings: what of an evaluation stands in
    each of its first columns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    about: str
    columns: tuple[str, ...]
    settings: tuple[str, ...]
    datasets: tuple[Half, ...]
    rows: tuple[Row, ...]

    @property
    def ours(self) -> tuple[int, ...]:
        """The places of our rows."""
        return tuple(place for place, row in enumerate(self.rows) if row.whose == THIS_RUN)


class Paper(BaseModel):
    """source: which paper. note: how its figures are to be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    note: str
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Entry:
    """One run, as it enters the tables. scores, masks: of its boxes, of its masks; None where there is none to score.

    method: of a study's variant; else it is named by its settings.
    """

    dataset: str
    settings: Settings
    scores: Summary | None
    method: str = ""
    masks: SegmentationSummary | None = None


def read_papers() -> list[Paper]:
    """The figures that come with the package: GAR's, OpenAVS's."""
    return TypeAdapter(list[Paper]).validate_json(TABLES_FILE.read_text(encoding="utf-8"))


def tables_with(paper: Paper, entries: Sequence[Entry], only: Collection[str] = ()) -> list[Table]:
    """A paper's tables, those first that have a column for one of the entries, these as further rows.

    Entries with the same settings on the two datasets of a table share a row. only: the tables to look at, by id.
    """
    tables = [_with(table, entries) for table in paper.tables if not only or table.id in only]
    return sorted(tables, key=lambda table: not table.ours)


def metric(entry: Entry | None, name: str) -> float | None:
    """The figure that a column of that name holds, 0..1; None where there is none."""
    scores, masks = (None, None) if entry is None else (entry.scores, entry.masks)
    if masks is not None and name in ("mIoU", "F-score"):
        return masks.iou if name == "mIoU" else masks.f  # AVSBench's own
    if scores is None:
        return None
    return {
        "AP": scores.ap,
        "CAP": scores.ap,
        "IoU@0.3": scores.iou_03,
        "CIoU@0.3": scores.iou_03,
        "IoU@0.5": scores.iou_05,
        "AUC": scores.auc,
    }.get(name)


def _with(table: Table, entries: Sequence[Entry]) -> Table:
    ours: dict[tuple[str, ...], dict[str, Entry]] = {}
    for entry in entries:
        if entry.dataset in {half.dataset for half in table.datasets}:
            label = tuple(_setting(entry, name) for name in table.settings)
            ours.setdefault(label, {})[entry.dataset] = entry
    rows = [
        Row(
            settings=label,
            whose=THIS_RUN,
            figures=tuple(
                None if (value := metric(known.get(half.dataset), name)) is None else 100 * value
                for half in table.datasets
                for name in half.metrics
            ),
        )
        for label, known in ours.items()
    ]
    return table.model_copy(update={"rows": (*table.rows, *rows)})


def _setting(entry: Entry, name: str) -> str:
    settings = entry.settings
    who = settings.reasoner if not settings.model else f"{settings.reasoner} ({Path(settings.model).name})"
    return {
        "method": entry.method or f"gar-ssl {who}, N = {settings.gar.trials}",
        "model": who,
        "trials": str(settings.gar.trials),
        "tau_av": f"{settings.gar.tau_av:g}",
        "tau_aud": f"{settings.gar.tau_aud:g}",
        "generation": TICK,
        "analysis": TICK if settings.gar.analysis else NO_VALUE,
        "refinement": TICK if settings.gar.refinement else NO_VALUE,
        "none": NO_VALUE,
    }[name]
