"""What a report says, section by section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten

from gar_ssl_ros.evaluation.figures import Figures, Group
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.report import plots
from gar_ssl_ros.evaluation.report.blocks import (
    Block,
    Folded,
    Gallery,
    Grid,
    Picture,
    Section,
    Text,
    Tile,
    number,
    percent,
)
from gar_ssl_ros.evaluation.report.paper import NONE, OURS, Entry, Table, read_paper, tables_with
from gar_ssl_ros.evaluation.results import Run
from gar_ssl_ros.evaluation.samples import Sample
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.media.clip import ClipError

TILES = 4  # of the best, the median and the worst samples each
KINDS = 12  # groups that are told in a table; more are a bar each


@dataclass(frozen=True)
class Subject:
    """A run as a report tells it. samples: by id, to show their pictures. notes: what was odd about the annotations."""

    name: str
    run: Run
    figures: Figures
    samples: Mapping[str, Sample]
    notes: tuple[str, ...] = ()
    method: str = ""


def sections(subjects: Sequence[Subject], published: bool, tables: Collection[str], times: bool) -> tuple[Section, ...]:
    """All of a report, as `write_report` explains."""
    found = [_evaluated(subjects, published), _scores(subjects), _paper(subjects, tables)]
    for subject in subjects:
        prefix = f"{subject.name}: " if len(subjects) > 1 else ""
        place = f"-{subjects.index(subject) + 1}" if len(subjects) > 1 else ""
        for name, title, make in DETAILS:
            found.append(Section(f"{name}{place}", f"{prefix}{title}" if prefix else title.capitalize(), make(subject)))
    found += [_reading(published), *([_times(subjects)] if times else [])]
    return tuple(section for section in found if section.blocks)


def _evaluated(subjects: Sequence[Subject], published: bool) -> Section:
    rows = []
    for subject in subjects:
        configuration, settings = subject.run.configuration, subject.run.configuration.settings
        on = [name for name in ("analysis", "refinement") if getattr(settings, name)]
        total, known = configuration.samples, len(subject.run.records)
        rows.append(
            (
                subject.name,
                configuration.dataset,
                settings.reasoner if settings.model is None else f"{settings.reasoner}: {settings.model}",
                "all" if len(on) == 2 else ", ".join(["generation", *on]),
                str(settings.trials) if settings.analysis else NONE,
                f"{settings.tau_av:g}" if settings.analysis else NONE,
                f"{settings.tau_aud:g}" if settings.analysis else NONE,
                "as true" if settings.sources is None else str(settings.sources),
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


def _scores(subjects: Sequence[Subject]) -> Section:
    whole = [(subject, subject.figures.whole) for subject in subjects if subject.figures.whole is not None]
    single = [(subject, subject.figures.single) for subject in subjects if subject.figures.single is not None]
    curves = [
        (subject.name, summary.auc, subject.figures.curve)
        for subject, summary in whole
        if subject.figures.curve is not None
    ]
    if not whole:
        return Section("scores", "Scores", ())
    union = Grid(
        "As GAR scores them: all boxes of a sample as one mask of 224 x 224 pixels against the truth's, in %. "
        "AP is CAP, and IoU@t is CIoU@t, where a sample has several sources.",
        ("Run", "Samples", "Failed", "AP", "IoU@0.3", "IoU@0.5", "AUC", "PIAP", "Mean IoU"),
        tuple(
            (
                subject.name,
                str(s.samples),
                str(s.failed),
                *map(percent, (s.ap, s.iou_03, s.iou_05, s.auc, s.piap, s.iou)),
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
        "Success curve: share of samples whose IoU is at least the threshold.",
        plots.success(curves),
        "; ".join(f"{name}: AUC {percent(area)} %" for name, area, _ in curves),
    )
    return Section("scores", "Scores", (union, matched, curve))


def _paper(subjects: Sequence[Subject], only: Collection[str]) -> Section:
    entries = [
        Entry(s.run.configuration.dataset, s.run.configuration.settings, s.figures.whole, s.method)
        for s in subjects
        if s.figures.whole is not None
    ]
    tables, paper = tables_with(entries, only), read_paper()
    note = f"{paper.source}. {paper.note} Rows of {OURS} are ours."
    beside = [_grid(table) for table in tables if table.ours]
    others = tuple(_grid(table) for table in tables if not table.ours)
    folded = [Folded("The paper's tables on other datasets", others)] if others else []
    return Section("paper", "Beside the paper", (Text(note), *beside, *folded))


def _grid(table: Table) -> Grid:
    return Grid(
        f"Table {table.id}. {table.about}",
        (*table.columns, "Whose", *(name for half in table.datasets for name in half.metrics)),
        tuple(
            (*row.settings, row.whose, *(NONE if value is None else f"{value:.1f}" for value in row.figures))
            for row in table.rows
        ),
        words=len(table.columns) + 1,
        groups=(("", len(table.columns) + 1), *((half.title, len(half.metrics)) for half in table.datasets)),
        ours=table.ours,
    )


def _groups(subject: Subject) -> tuple[Grid | Picture, ...]:
    groups = subject.figures.groups
    if len(groups) < 2:
        return ()
    blocks: list[Grid | Picture] = []
    if len(groups) <= KINDS:
        blocks.append(
            Grid(
                "Outcome right: the share whose outcome was the expected one. All found: the share in which every true "
                "source was met with an IoU of at least 0.5. Pointed at: the share in which every true box holds the "
                "center of a found one. Mean IoU: of true sources with their own found ones, box against box.",
                ("Kind", "Samples", "Outcome right, %", "All found, %", "Pointed at, %", "Mean IoU", "Outcomes"),
                tuple(_kind(group) for group in groups),
            )
        )
    if any(group.scores is not None for group in groups):
        uri, note = plots.classes(groups)
        caption = f"By class, in brackets the number of samples. {note}".strip()
        blocks.append(
            Picture(caption, uri, "A bar for each class: the share of its samples with an IoU of 0.5 or more")
        )
    return tuple(blocks)


def _kind(group: Group) -> tuple[str, ...]:
    said = ", ".join(f"{count} {outcome}" for outcome, count in group.outcomes)
    shares = map(percent, (group.right, group.found, group.pointed))
    return group.name, str(group.samples), *shares, number(group.overlap, 3), said


def _gate(subject: Subject) -> tuple[Grid, ...]:
    gate, settings = subject.figures.gate, subject.run.configuration.settings
    if gate is None:
        return ()
    total = gate.kept + gate.refined
    rows = (
        (
            "kept as first located",
            str(gate.kept),
            percent(gate.kept / total),
            number(gate.kept_iou),
            number(gate.kept_iou),
        ),
        (
            "sent to refinement",
            str(gate.refined),
            percent(gate.refined / total),
            number(gate.before),
            number(gate.after),
        ),
    )
    why = (
        ("no majority for keep", gate.votes),
        (f"S_av below {settings.tau_av:g}", gate.consistency),
        (f"s_aud below {settings.tau_aud:g}", gate.audio),
    )
    return (
        Grid(
            "What the gate (eq. 10) did with located sources, and their mean IoU with the truth.",
            ("Located sources", "Count", "%", "IoU as located", "IoU at the end"),
            rows,
        ),
        Grid(
            "Why sources were sent to refinement; several reasons may hold for one.",
            ("Reason", "Count", "% of those sent"),
            tuple((name, str(count), percent(count / gate.refined if gate.refined else None)) for name, count in why),
        ),
    )


def _calibration(subject: Subject) -> tuple[Picture, ...]:
    told = subject.figures
    kinds = [
        (title, right, calibration)
        for title, right, calibration in (
            ("av_consistency", "share with IoU ≥ 0.5", told.consistency),
            ("audio confidence", "share with the right class", told.audio),
        )
        if calibration is not None
    ]
    if not kinds:
        return ()
    caption = (
        "Whether confidences keep their word: on the dashed line, they do. A point is a tenth of the scale, its area "
        "the number of answers. An audio label is right where its words are all among those of a true class, or the "
        "other way round."
    )
    alt = "; ".join(f"{title}: mean error {number(c.error)} over {c.count}" for title, _, c in kinds)
    return (Picture(caption, plots.reliability(kinds), alt),)


def _failures(subject: Subject) -> tuple[Grid | Text, ...]:
    failures = subject.figures.failures
    if not failures:
        return (Text("No sample failed."),)
    counted = Grid("", ("Reason", "Samples"), tuple((each.outcome, str(each.count)) for each in failures))
    rows = tuple((sample, reason) for each in failures for sample, reason in each.examples)
    return counted, Grid("The first of each, in full.", ("Sample", "Reason"), rows, words=2)


def _gallery(subject: Subject) -> tuple[Gallery, ...]:
    scored = [r for r in subject.run.records if r.iou is not None and r.failure is None and r.sample in subject.samples]
    ranked = sorted(scored, key=lambda record: -(record.iou or 0.0))
    middle = max(0, len(ranked) // 2 - TILES // 2)
    taken: set[str] = set()
    galleries = []
    for title, picked in (
        ("Best", ranked[:TILES]),
        ("Median", ranked[middle : middle + TILES]),
        ("Worst", ranked[::-1][:TILES]),
    ):
        fresh = [record for record in picked if record.sample not in taken]
        taken |= {record.sample for record in fresh}
        tiles = tuple(_tile(record, subject.samples[record.sample]) for record in fresh)
        if tiles:
            galleries.append(Gallery(f"{title} samples by IoU.", tiles))
    return tuple(galleries)


def _tile(record: SampleRecord, sample: Sample) -> Tile:
    try:
        uri = plots.picture(sample.open().window.center, record)
    except (ClipError, OSError):
        uri = None
    found = record.found
    said = found.outcome.value if found is not None else record.outcome
    if found is not None and found.outcome is Outcome.LOCALIZED:
        said = ", ".join(source.label for source in found.sources)
    true = ", ".join(dict.fromkeys(truth.label for truth in record.truths if truth.label)) or NONE
    return Tile(record.sample, (f"IoU {number(record.iou)}", f"true: {true}", f"found: {said}"), uri)


def _reading(published: bool) -> Section:
    lines = (
        "AP is the average precision of the predicted pixels, AUC the area under the success curve at 21 thresholds, "
        "PIAP the average precision of all samples' pixels pooled. "
        + ("Failures are left out of them." if published else "A failure scores zero in all of them."),
        "In the pictures, dashed white boxes are true, orange ones found, and dotted yellow ones what was found before "
        "refinement.",
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


DETAILS: tuple[tuple[str, str, Callable[[Subject], tuple[Block, ...]]], ...] = (
    ("groups", "by class or kind", _groups),
    ("gate", "the gate", _gate),
    ("calibration", "calibration", _calibration),
    ("failures", "failures", _failures),
    ("gallery", "samples", _gallery),
)
