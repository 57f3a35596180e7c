"""What a report says, section by section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from textwrap import shorten

from gar_ssl_ros.evaluation.report import plots
from gar_ssl_ros.evaluation.report.blocks import (
    Block,
    Folded,
    Grid,
    Picture,
    Section,
    Text,
    number,
    overlap,
    percent,
)
from gar_ssl_ros.evaluation.report.details import details
from gar_ssl_ros.evaluation.report.paper import NO_VALUE, THIS_RUN, Entry, Table, read_papers, tables_with
from gar_ssl_ros.evaluation.report.segmentation import segmentation
from gar_ssl_ros.evaluation.report.subject import Subject
from gar_ssl_ros.gar.localization import Outcome

ANSWERED_OUTCOMES = [outcome for outcome in Outcome if not outcome.failed]  # that have a column of their own


def sections(subjects: Sequence[Subject], published: bool, tables: Collection[str], times: bool) -> tuple[Section, ...]:
    """All of a report, as `write_report` explains."""
    beside, others = _paper(subjects, tables)
    scores = [_scores(subjects, published), segmentation(subjects)]
    found = [_evaluated(subjects, published), *scores, _outcomes(subjects), beside]
    for place, subject in enumerate(subjects, start=1):
        found += details(subject, place if len(subjects) > 1 else 0)
    found += [_reading(subjects, published), *([_times(subjects)] if times else []), others]
    return tuple(section for section in found if section.blocks)


def _evaluated(subjects: Sequence[Subject], published: bool) -> Section:
    rows = []
    for subject in subjects:
        configuration, settings = subject.run.configuration, subject.run.configuration.settings
        on = [name for name in ("analysis", "refinement") if getattr(settings.gar, name)]
        total, known = configuration.samples, len(subject.run.records)
        rows.append(
            (
                subject.name,
                configuration.dataset,
                settings.reasoner if not settings.model else f"{settings.reasoner}: {settings.model}",
                "all" if len(on) == 2 else ", ".join(["generation", *on]),
                str(settings.gar.trials) if settings.gar.analysis else NO_VALUE,
                f"{settings.gar.tau_av:g}" if settings.gar.analysis else NO_VALUE,
                f"{settings.gar.tau_aud:g}" if settings.gar.analysis else NO_VALUE,
                "as many as true" if settings.sources is None else str(settings.sources),
                str(known) if known == total else f"{known} of {total}",
                str(known - subject.figures.answered),
            )
        )
    columns = ("Run", "Dataset", "Reasoner", "Stages", "N", "τ_av", "τ_aud", "Sources", "Samples", "Failed")
    which = (
        "Samples without an answer are left out of every score, as in the published numbers; they are counted here."
        if published
        else "Every sample counts: one without an answer is a miss."
    )
    notes = [note for subject in subjects for note in subject.notes]
    odd = Counter(note for subject in subjects for record in subject.run.records for note in record.notes)
    told = [Text(shorten(note, 400, placeholder=" ...")) for note in dict.fromkeys(notes)]
    told += [Text(f"{shorten(note, 400, placeholder=' ...')} ({count} samples)") for note, count in odd.most_common(10)]
    return Section("evaluated", "What was evaluated", (Grid("", columns, tuple(rows), words=4), Text(which), *told))


_UNSCORED = (
    " Scored are the samples with a source in view: where nothing sounds, or nothing in view does, there is no box to "
    "compare, and the outcome alone is judged (under Outcomes)."
)


def _scores(subjects: Sequence[Subject], published: bool) -> Section:
    whole = [(subject, subject.figures.whole) for subject in subjects if subject.figures.whole is not None]
    single = [(subject, subject.figures.single) for subject in subjects if subject.figures.single is not None]
    curves = [
        (subject.name, summary.auc, subject.figures.curve)
        for subject, summary in whole
        if subject.figures.curve is not None
    ]
    if not whole:
        return Section("scores", "Scores", ())
    unscored = any(len(subject.run.records) > s.samples for subject, s in whole)
    union = Grid(
        "As GAR scores them: all boxes of a sample as one mask of 224 x 224 pixels against the truth's. In %, but for "
        "cIoU, the overlap of the two masks, from 0 to 1. AP is CAP, and IoU@t is CIoU@t, where a sample has several "
        "sources." + (_UNSCORED if unscored else "") + (" Neither are failures." if unscored and published else ""),
        ("Run", "Scored", "Failed", "AP", "IoU@0.3", "IoU@0.5", "AUC", "PIAP", "Mean cIoU"),
        tuple(
            (
                subject.name,
                str(s.samples),
                str(s.failed),
                *map(percent, (s.ap, s.iou_03, s.iou_05, s.auc, s.piap)),
                overlap(s.iou),
            )
            for subject, s in whole
        ),
    )
    matched = Grid(
        "Source by source: each found source against the true one of its class, one to one, in %; missing and surplus "
        "sources count as zero.",
        ("Run", "True", "Missing", "Surplus", "CAP", "CIoU@0.3", "CIoU@0.5", "AUC", "AP@0.5", "Precision", "Recall"),
        tuple(
            (
                subject.name, str(s.true), str(s.missing), str(s.surplus),
                *map(percent, (s.cap, s.ciou_03, s.ciou_05, s.auc, s.ap, s.precision, s.recall)),
            )
            for subject, s in single
        ),
    )  # fmt: skip
    if not curves:
        return Section("scores", "Scores", (union, matched))
    curve = Picture(
        "Success curve: share of the scored samples whose cIoU is at least the threshold.",
        plots.success(curves),
        "; ".join(f"{name}: AUC {percent(area)} %" for name, area, _ in curves),
    )
    return Section("scores", "Scores", (union, matched, curve))


def _outcomes(subjects: Sequence[Subject]) -> Section:
    rows = []
    for subject in subjects:
        for said in subject.figures.said:
            counts = [said.outcomes.get(outcome.value, 0) for outcome in ANSWERED_OUTCOMES]
            told = (*counts, said.samples - sum(counts))
            rows.append((subject.name, said.expected.value, str(said.samples), *map(str, told)))
    caption = (
        "What was said, beside what was to be said. OFF_SCREEN is a claim. UNCERTAIN claims nothing and is no failure: "
        "it is no sample's right answer, and where a source is in view, it has found none of it."
    )
    columns = ("Run", "Expected", "Samples", *(outcome.value for outcome in ANSWERED_OUTCOMES), "Failed")
    return Section("outcomes", "Outcomes", (Grid(caption, columns, tuple(rows), words=2),) if rows else ())


def _paper(subjects: Sequence[Subject], only: Collection[str]) -> tuple[Section, Section]:
    """The papers' tables that have a row of ours, and the others of these papers, which come last."""
    entries = [
        Entry(s.run.configuration.dataset, s.run.configuration.settings, s.figures.whole, s.method, s.figures.masks)
        for s in subjects
        if s.figures.whole is not None or s.figures.masks is not None
    ]
    papers = [(paper, tables_with(paper, entries, only)) for paper in read_papers()]
    told = [(paper, tables) for paper, tables in papers if any(table.ours for table in tables)]
    beside: list[Block] = []
    rest: list[Block] = []
    for paper, tables in told or papers[:1]:
        note = f"{paper.source}. {paper.note}"
        ours, others = [table for table in tables if table.ours], [table for table in tables if not table.ours]
        beside += [Text(f"{note} Rows of {THIS_RUN} are ours."), *map(_grid, ours)] if ours else []
        why = "They have no column for what was evaluated here."
        folded = Folded(f"Tables {', '.join(table.id for table in others)}", tuple(map(_grid, others)))
        rest += [Text(why if ours else f"{note} {why}"), folded] if others else []
    return (
        Section("paper", "Beside the paper", tuple(beside)),
        Section("others", "The paper's other tables" if told else "The paper's tables", tuple(rest)),
    )


def _grid(table: Table) -> Grid:
    return Grid(
        f"Table {table.id}. {table.about}",
        (*table.columns, "Whose", *(name for half in table.datasets for name in half.metrics)),
        tuple(
            (*row.settings, row.whose, *(NO_VALUE if value is None else f"{value:.1f}" for value in row.figures))
            for row in table.rows
        ),
        words=len(table.columns) + 1,
        groups=(("", len(table.columns) + 1), *((half.title, len(half.metrics)) for half in table.datasets)),
        ours=table.ours,
    )


def _reading(subjects: Sequence[Subject], published: bool) -> Section:
    lines = [
        "cIoU is the overlap of two masks of 224 x 224 pixels, all boxes of a sample together, IoU that of two boxes. "
        "AP is the average precision of the predicted pixels, AUC the area under the success curve at 21 "
        "thresholds, PIAP the average precision of all samples' pixels pooled. "
        + ("Failures are left out of them." if published else "A failure scores zero in all of them."),
    ]
    if any(subject.samples for subject in subjects):
        lines.append(
            "In the pictures, dashed white boxes are true, orange ones found, and dotted yellow ones what was found "
            "before refinement; thin lines are the masks'."
        )
    return Section("reading", "How to read this", tuple(Text(line) for line in lines))


def _times(subjects: Sequence[Subject]) -> Section:
    """The only section that differs between two runs of the same evaluation."""
    blocks: list[Grid | Picture] = []
    for subject in subjects:
        stages = subject.figures.latency
        if not stages:
            continue
        rows = tuple(
            (stage.stage, str(stage.count), *(number(1000 * s, 1) for s in (stage.median, stage.p90, stage.worst)))
            for stage in stages
        )
        caption = f"{subject.name}: time of each stage where it ran, ms. open: reading the media; total: the window."
        blocks.append(Grid(caption, ("Stage", "Windows", "Median", "90th percentile", "Worst"), rows))
        blocks.append(Picture(f"{subject.name}: time by stage.", plots.latency(stages), "A bar for each stage"))
    return Section("times", "Times", tuple(blocks))
