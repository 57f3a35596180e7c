"""What a report says of directions: how exact, for which kinds, to which side, and as SELD's scores."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from gar_ssl_ros.evaluation.datasets.rooms import separation_of
from gar_ssl_ros.evaluation.metrics.directions import ACCURACY_DEGREES, Angles, DirectionScores, direction_scores
from gar_ssl_ros.evaluation.metrics.seld import FRAMES_PER_SEGMENT, SeldScores, SoundEvent, seld
from gar_ssl_ros.evaluation.metrics.sources import same_class
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.report import plots
from gar_ssl_ros.evaluation.report.blocks import Block, Grid, Picture, number, percent
from gar_ssl_ros.evaluation.report.subject import Subject
from gar_ssl_ros.spatial.direction import angles_of_body


def directions(subject: Subject) -> tuple[Block, ...]:
    """Nothing where no sample says what sounds from where."""
    records = [record for record in subject.run.records if record.heard is not None]
    if not records:
        return ()
    groups: dict[str, list[SampleRecord]] = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    kinds = {**groups, "all": records} if len(groups) > 1 else groups
    scores = {name: direction_scores([(_told(one), _true(one)) for one in some]) for name, some in kinds.items()}
    blocks: list[Block] = [
        Grid(
            "Each true direction with its own told one, on the great circle, or in azimuth where the array knows no "
            "elevation. Within: the share of the true ones that near; what is not told is not. Front and back: the "
            "share told on the wrong side.",
            ("Kind", "True", "Told", *(f"Within {d}°, %" for d in ACCURACY_DEGREES), "Median, °", "Front and back, %"),
            tuple(_row(name, one) for name, one in scores.items()),
        )
    ]
    classes = sorted({event.label for record in records for event in record.heard or ()})
    if classes:
        told = "SELD's scores in segments of a second, class by class, and with all classes as one: what is placed"
        any_class = [(_events(record, None), [_as(event, "") for event in record.heard or ()]) for record in records]
        by_class = [(_events(record, classes), record.heard or ()) for record in records]
        rows = (("by class", seld(by_class, classes)), ("as one", seld(any_class, [""])))
        columns = ("Classes", "ER20", "F20, %", "LE, °", "LR, %")
        blocks.append(Grid(f"{told}, whatever it is called.", columns, tuple(_seld_row(*row) for row in rows)))
    blocks += _pictures(records, groups)
    return tuple(blocks)


def _pictures(records: Sequence[SampleRecord], groups: dict[str, list[SampleRecord]]) -> list[Block]:
    errors = []
    for record in records:
        true = _true(record)
        own = direction_scores([(_told(record), true)]).errors
        errors += [(math.degrees(one.azimuth), math.degrees(error)) for one, error in zip(true, own, strict=True)]
    pictures: list[Block] = []
    if errors:
        alt = "A circle seen from above, with a dot for each true direction, further out the further it was missed."
        told = "Error by azimuth, ahead at the top, left at the left: each true direction, and the median of each 30°."
        pictures.append(Picture(told, plots.by_azimuth([("", errors)]), alt))
    pointed = {
        degrees: [_pointed(record) for record in some]
        for name, some in groups.items()
        if (degrees := separation_of(name)) is not None
    }
    if pointed:
        curve = [(degrees, float(np.mean(some)), len(some)) for degrees, some in sorted(pointed.items())]
        told = "Of two things that look and move alike, the one that sounds: the share of boxes on it."
        pictures.append(Picture(told, plots.by_separation(curve), "A curve that rises with their separation."))
    return pictures


def _pointed(record: SampleRecord) -> bool:
    """True if the middle of a found box lies in the true one."""
    found = () if record.found is None else record.found.sources
    return any(
        truth.sides[0] <= source.box.center[0] < truth.sides[2]
        and truth.sides[1] <= source.box.center[1] < truth.sides[3]
        for truth in record.truths
        for source in found
    )


def _row(name: str, scores: DirectionScores) -> tuple[str, ...]:
    median = number(math.degrees(scores.median), 1)
    return (name, str(scores.true), str(scores.told), *map(percent, scores.within), median, percent(scores.confused))


def _seld_row(name: str, scores: SeldScores) -> tuple[str, ...]:
    error = number(math.degrees(scores.localization_error), 1)
    return (name, number(scores.error_rate), percent(scores.f_score), error, percent(scores.localization_recall))


def _told(record: SampleRecord) -> list[Angles]:
    found = () if record.found is None else record.found.directions
    return [Angles(one.bearing, one.elevation) for one in found]


def _true(record: SampleRecord) -> list[Angles]:
    """Of each source, the middle of its directions."""
    sources: dict[tuple[str, int], list[SoundEvent]] = defaultdict(list)
    for event in record.heard or ():
        sources[event.label, event.source].append(event)
    return [Angles(*angles_of_body(np.sum([one.vector for one in some], axis=0))) for some in sources.values()]


def _events(record: SampleRecord, classes: Sequence[str] | None) -> list[SoundEvent]:
    """What was told, in each frame: of the first class that the label means, or of none where no classes are told."""
    sound = None if record.found is None else record.found.sound
    label = "" if classes is None else None
    if classes is not None and sound is not None:
        label = next((one for one in classes if same_class(sound.label, one)), None)
    if label is None:
        return []
    angles = [(one.azimuth, one.elevation or 0.0) for one in _told(record)]
    return [SoundEvent(frame, label, *one) for one in angles for frame in range(FRAMES_PER_SEGMENT)]


def _as(event: SoundEvent, label: str) -> SoundEvent:
    return SoundEvent(event.frame, label, event.azimuth, event.elevation, event.source, event.distance)
