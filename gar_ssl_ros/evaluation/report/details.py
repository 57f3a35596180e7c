"""What a report says of one run."""

from __future__ import annotations

from collections.abc import Callable

from gar_ssl_ros.evaluation.figures import Group
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.report import plots
from gar_ssl_ros.evaluation.report.blocks import (
    Block,
    Gallery,
    Grid,
    Picture,
    Section,
    Text,
    Tile,
    number,
    overlap,
    percent,
)
from gar_ssl_ros.evaluation.report.directions import directions
from gar_ssl_ros.evaluation.report.paper import NO_VALUE
from gar_ssl_ros.evaluation.report.segmentation import by_group
from gar_ssl_ros.evaluation.report.subject import Subject
from gar_ssl_ros.evaluation.samples import Sample
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.media.clip import ClipError

TILES_PER_GALLERY = 4  # of the best, the median and the worst samples each
MAX_TABLE_GROUPS = 12  # groups that are told in a table; more are a bar each


def details(subject: Subject, place: int) -> list[Section]:
    """place: of the subject in its report, from 1; 0 where it is the only one. Those that say something."""
    parts = [(name, title, blocks) for name, title, make in _PARTS if (blocks := make(subject))]
    if not place:
        return [Section(name, title.capitalize(), blocks) for name, title, blocks in parts]
    return [
        Section(f"{name}-{place}", f"{subject.name}: {title}", blocks, link="" if number else subject.name)
        for number, (name, title, blocks) in enumerate(parts)
    ]


def _groups(subject: Subject) -> tuple[Grid | Picture, ...]:
    groups = subject.figures.groups
    if len(groups) < 2:
        return ()
    blocks: list[Grid | Picture] = []
    if len(groups) <= MAX_TABLE_GROUPS:
        blocks.append(
            Grid(
                "Outcome right: the share whose outcome was the expected one. All found: the share in which every true "
                "source was met with an IoU of at least 0.5. Pointed at: the share in which every true box holds the "
                "center of a found one. Mean IoU: of true sources with their own found ones, box against box.",
                ("Kind", "Outcomes", "Samples", "Outcome right, %", "All found, %", "Pointed at, %", "Mean IoU"),
                tuple(_kind(group) for group in groups),
                words=2,
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
    return group.name, said, str(group.samples), *shares, overlap(group.overlap)


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
            overlap(gate.kept_iou),
            overlap(gate.kept_iou),
        ),
        (
            "sent to refinement",
            str(gate.refined),
            percent(gate.refined / total),
            overlap(gate.before),
            overlap(gate.after),
        ),
    )
    why = (
        ("no majority for keep", gate.votes),
        (f"S_av below {settings.gar.tau_av:g}", gate.consistency),
        (f"s_aud below {settings.gar.tau_aud:g}", gate.audio),
    )
    return (
        Grid(
            "What the gate (eq. 10) did with located sources, and their mean IoU with the truth, box against box.",
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
    middle = max(0, len(ranked) // 2 - TILES_PER_GALLERY // 2)
    taken: set[str] = set()
    galleries = []
    for title, picked in (
        ("Best samples", [record for record in ranked[:TILES_PER_GALLERY] if record.iou]),
        ("Median samples", ranked[middle : middle + TILES_PER_GALLERY] if ranked and ranked[0].iou else []),
        ("Worst samples", ranked[::-1][:TILES_PER_GALLERY]),
    ):
        fresh = [record for record in picked if record.sample not in taken]
        taken |= {record.sample for record in fresh}
        tiles = tuple(_tile(record, subject.samples[record.sample]) for record in fresh)
        if tiles:
            galleries.append(Gallery(f"{title} by cIoU.", tiles))
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
    true = ", ".join(dict.fromkeys(truth.label for truth in record.truths if truth.label)) or NO_VALUE
    return Tile(record.sample, (f"cIoU {overlap(record.iou)}", f"true: {true}", f"found: {said}"), uri)


_PARTS: tuple[tuple[str, str, Callable[[Subject], tuple[Block, ...]]], ...] = (
    ("groups", "by class or kind", _groups),
    ("pixels", "masks by class or kind", by_group),
    ("directions", "directions", directions),
    ("gate", "the gate", _gate),
    ("calibration", "calibration", _calibration),
    ("failures", "failures", _failures),
    ("gallery", "samples", _gallery),
)
