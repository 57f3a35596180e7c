"""A report of answers to spatial questions: our figures beside those of "Hear You Are"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gar_ssl_ros.evaluation.metrics.questions import (
    ACCURATE_DEGREES,
    METRICS,
    Figure,
    Metric,
    chance,
    differences,
    figures,
    read_all,
    unread,
)
from gar_ssl_ros.evaluation.questions.record import QuestionRecord
from gar_ssl_ros.evaluation.report.blocks import Grid, Section, Text
from gar_ssl_ros.evaluation.report.paper import NO_VALUE, Paper, Table, read_papers
from gar_ssl_ros.evaluation.report.write import write_page

PAPER = "Hear You Are"  # what its source begins with
CHANCE, ORACLE = "random chance", "oracle"  # of our own questions


@dataclass(frozen=True)
class Answered:
    """Who answered, and the figures; unread: how many answers could not be read, None where that means nothing."""

    name: str
    figures: Mapping[str, Figure]
    unread: int | None = None


@dataclass(frozen=True)
class Difference:
    """How much better one who answered is than another, on the same questions: see metrics' differences."""

    name: str
    figures: Mapping[str, Figure]


def scored(name: str, records: Sequence[QuestionRecord], answers: Mapping[str, str]) -> Answered:
    """answers: in words, by id."""
    told = read_all(records, answers)
    return Answered(name, figures(records, told), unread(told))


def by_chance(records: Sequence[QuestionRecord]) -> Answered:
    """As good as answers to other questions of the same type are."""
    return Answered(CHANCE, chance(records))


def compared(records: Sequence[QuestionRecord], named: Sequence[tuple[str, Mapping[str, str]]]) -> list[Difference]:
    """The first against each other one. named: names, and answers in words by id."""
    if not named:
        return []
    (name, answers), *others = named
    mine = read_all(records, answers)
    return [
        Difference(f"{name} less {other}", differences(records, mine, read_all(records, theirs)))
        for other, theirs in others
    ]


def write_questions_report(
    out: Path, title: str, about: str, rows: Sequence[Answered], pairs: Sequence[Difference] = ()
) -> None:
    """Into the folder `out`: report.html and report.md. Raises OSError."""
    write_page(out, title, sections(about, rows, pairs))


def sections(about: str, rows: Sequence[Answered], pairs: Sequence[Difference] = ()) -> tuple[Section, ...]:
    """All of a report. about: what was answered."""
    read = [f"{one.name}: {one.unread} answers could not be read" for one in rows if one.unread is not None]
    note = (
        f"Directions are right within {ACCURATE_DEGREES} degrees on the great circle. What cannot be read is wrong, "
        "and 180 degrees off; distances are of the others. After a figure, half of its 95 % interval. Random chance: "
        "the true answers to other questions of the same type. Oracle: the answerer that is told the source as it is."
    )
    whole = [Text(about), Text(note), Text("; ".join(read) + ".")] if read else [Text(about), Text(note)]
    paper = _paper()
    return (
        Section("questions", "Questions", (*whole, _ours(rows))),
        *_paired(pairs),
        Section("paper", "Beside the paper", (Text(f"{paper.source}. {paper.note}"), *_beside(paper, rows))),
    )


def told(metric: Metric, figure: Figure | None) -> str:
    """A figure in the metric's unit."""
    if figure is None or figure.value != figure.value:
        return NO_VALUE
    scale, digits = (100, 1) if metric.unit == "%" else (1, 1) if metric.unit == "°" else (1, 2)
    return f"{scale * figure.value:.{digits}f}"


def paired_cells(pairs: Sequence[Difference]) -> list[tuple[str, ...]]:
    """Of each figure its name and how many questions there are, then each pair's difference, with half its interval."""
    lines = []
    for metric in METRICS:
        found = [one.figures.get(metric.name) for one in pairs]
        if any(found):
            count = next(str(one.count) for one in found if one is not None)
            lines.append((f"{metric.name}, {metric.unit}", count, *(_signed(metric, one) for one in found)))
    return lines


def _signed(metric: Metric, figure: Figure | None) -> str:
    if figure is None:
        return NO_VALUE
    return f"{'+' if figure.value > 0 else ''}{told(metric, figure)} ± {_half(metric, figure)}"


def _paired(pairs: Sequence[Difference]) -> tuple[Section, ...]:
    rows = tuple(paired_cells(pairs))
    if not rows:
        return ()
    note = (
        "How much more of the same questions the first has right than the other, and half of the 95 % interval of the "
        "mean of paired differences: where it does not reach 0, they differ by more than chance."
    )
    columns = ("Figure", "Questions", *(one.name for one in pairs))
    return (Section("paired", "Paired differences", (Text(note), Grid("", columns, rows))),)


def _ours(rows: Sequence[Answered]) -> Grid:
    lines = []
    for metric in METRICS:
        own = [one.figures.get(metric.name) for one in rows]
        if any(own):
            count = next(str(one.count) for one in own if one is not None)
            cells = [
                told(metric, one)
                if one is None or one.half != one.half
                else f"{told(metric, one)} ± {_half(metric, one)}"
                for one in own
            ]
            lines.append((f"{metric.name}, {metric.unit}", count, *cells))
    return Grid("", ("Figure", "Questions", *(one.name for one in rows)), tuple(lines))


def _half(metric: Metric, figure: Figure) -> str:
    return told(metric, Figure(figure.half, figure.half, figure.count))


def _beside(paper: Paper, rows: Sequence[Answered]) -> list[Grid]:
    """Its tables turned, a figure a row: ours first, then the paper's."""
    units = {metric.name: metric for metric in METRICS}
    grids = []
    for table in paper.tables:
        names = [name for half in table.datasets for name in half.metrics]
        if not any(name in one.figures for one in rows for name in names):
            continue
        lines = []
        for place, name in enumerate(names):
            own = [told(units[name], one.figures.get(name)) for one in rows]
            theirs = [_printed(units[name], row.figures[place]) for row in table.rows]
            lines.append((f"{name}, {units[name].unit}", *own, *theirs))
        columns = ("Figure", *(one.name for one in rows), *(row.settings[0] for row in table.rows))
        grids.append(Grid(_caption(table), columns, tuple(lines), groups=_groups(table, rows)))
    return grids


def _printed(metric: Metric, value: float | None) -> str:
    """As told() has it."""
    return NO_VALUE if value is None else f"{value:.{2 if metric.unit == 'm' else 1}f}"


def _caption(table: Table) -> str:
    return f"Table {table.id.rpartition(' ')[2]}. {table.about}"


def _groups(table: Table, rows: Sequence[Answered]) -> tuple[tuple[str, int], ...]:
    return (("", 1), ("these questions", len(rows)), ("the paper's", len(table.rows)))


def _paper() -> Paper:
    return next(one for one in read_papers() if one.source.startswith(PAPER))
