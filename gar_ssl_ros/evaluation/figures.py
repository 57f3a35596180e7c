"""What a report says of the records of one run, as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.metrics import boxes, segmentation, sources
from gar_ssl_ros.evaluation.metrics.assignment import assigned
from gar_ssl_ros.evaluation.metrics.sources import Found, same_class
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.scenes.score import MIN_FOUND_IOU
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.consensus import unit
from gar_ssl_ros.gar.localization import Case, Outcome, Source, with_cases
from gar_ssl_ros.gar.options import GarOptions

CALIBRATION_BINS = 10  # of a calibration curve
STAGES = ("open", "read", "classify", "locate", "analyze", "refine", "total")
MAX_EXAMPLES = 10  # failures that are told in full, for each outcome


@dataclass(frozen=True)
class Group:
    """Samples of one class or kind. right: share whose outcome was the expected one. found: share in which every true
    source was met with an IoU of at least 0.5; overlap: mean IoU of true sources with their own found ones (boxes, not
    masks); pointed: share in which every true box holds the center of a found one; None where there is nothing to be
    located. scores: as GAR counts them.
    """

    name: str
    samples: int
    right: float
    outcomes: tuple[tuple[str, int], ...]
    found: float | None
    overlap: float | None
    pointed: float | None
    scores: boxes.Summary | None


@dataclass(frozen=True)
class Said:
    """What was said of the samples of which `expected` was to be said. outcomes: how many of each, UNREADABLE too.

    UNCERTAIN claims nothing: it is right of no sample, and no failure.
    """

    expected: Outcome
    samples: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True)
class Gate:
    """What the gate did with located sources. kept, refined: how many. votes, consistency, audio: of the refined ones,
    how many failed that condition of eq. 10. before, after: mean IoU of the refined ones with their truth, of the
    initial and of the final box; kept_iou: of the kept ones. NaN where there is none.
    """

    kept: int
    refined: int
    votes: int
    consistency: int
    audio: int
    before: float
    after: float
    kept_iou: float


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence: their mean confidence, the share that were right, how many they are."""

    confidence: float
    right: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """How well a confidence keeps its word. error: the mean distance of confidence and share, weighted by count."""

    bins: tuple[Bin, ...]
    count: int
    error: float


@dataclass(frozen=True)
class Latency:
    """Of one stage where it ran, s."""

    stage: str
    count: int
    median: float
    p90: float
    worst: float


@dataclass(frozen=True)
class Failures:
    """Samples without an answer, by outcome, with the first few told in full: sample and reason."""

    outcome: str
    count: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figures:
    """All of one run. answered: samples that did not fail. whole: as GAR counts; single: source by source; None where
    nothing is to be located. masks: as segmentation is scored; None where no truth has masks.
    """

    answered: int
    said: tuple[Said, ...]
    whole: boxes.Summary | None
    single: sources.SourceSummary | None
    curve: NDArray[np.float64] | None
    groups: tuple[Group, ...]
    gate: Gate | None
    consistency: Calibration | None
    audio: Calibration | None
    failures: tuple[Failures, ...]
    latency: tuple[Latency, ...]
    masks: segmentation.SegmentationSummary | None = None


def figures(records: Sequence[SampleRecord], options: GarOptions, published: bool) -> Figures:
    """published: failures leave the denominator of every score, as in the published numbers."""
    counted = [record for record in records if not (published and record.failure is not None)]
    scored = [record for record in records if record.score is not None]
    located = [one for record in records for one in _located(record)]
    frames = [record.segmented for record in records if record.segmented is not None]
    return Figures(
        answered=sum(record.failure is None for record in records),
        said=_said(records),
        whole=_whole(records, published),
        single=sources.summary([_by_source(record) for record in scored], published) if scored else None,
        curve=boxes.curve(ious) if (ious := [r.iou for r in counted if r.iou is not None]) else None,
        groups=_groups(counted, published),
        gate=_gate(located, options) if options.analysis else None,
        consistency=calibration([(one.consistency, one.iou >= MIN_FOUND_IOU) for one in located]),
        audio=calibration(list(_heard(records))),
        failures=_failures(records),
        latency=_latency(records),
        masks=segmentation.summary(frames, published) if frames else None,
    )


def calibration(answers: Sequence[tuple[float | None, bool]]) -> Calibration | None:
    """Of confidences (None where there was none) with whether the answer was right; None where there is none at all."""
    known = [(unit(confidence), right) for confidence, right in answers if confidence is not None]
    if not known:
        return None
    bins = []
    for index in range(CALIBRATION_BINS):
        inside = [one for one in known if min(CALIBRATION_BINS - 1, int(one[0] * CALIBRATION_BINS)) == index]
        if inside:
            mean, right = np.mean(np.array(inside, float), axis=0)
            bins.append(Bin(float(mean), float(right), len(inside)))
    error = sum(b.count * abs(b.confidence - b.right) for b in bins) / len(known)
    return Calibration(tuple(bins), len(known), error)


@dataclass(frozen=True)
class _Located:
    """A found source: how its stages went, and the IoU of its boxes with the true one that it stands for, else 0."""

    case: Case
    consistency: float | None
    iou: float
    initial_iou: float


def _located(record: SampleRecord) -> Iterator[_Located]:
    if record.found is None or record.score is None:
        return
    true = [Box(*truth.sides) for truth in record.truths]
    partner = dict(assigned([[source.box.iou(t) for t in true] for source in record.found.sources]))
    for number, (source, case) in enumerate(with_cases(record.found.sources, record.found.stages)):
        goal = true[partner[number]] if number in partner else None
        ious = (source.box.iou(goal), source.initial_box.iou(goal)) if goal else (0.0, 0.0)
        yield _Located(case, source.av_consistency, *ious)


def _overlaps(record: SampleRecord) -> list[float]:
    """For each true source, the IoU with its own found one, 0 where it has none."""
    true = [Box(*truth.sides) for truth in record.truths]
    found = [] if record.found is None else [source.box for source in record.found.sources]
    partner = dict(assigned([[box.iou(t) for box in found] for t in true]))
    return [t.iou(found[partner[i]]) if i in partner else 0.0 for i, t in enumerate(true)]


def _pointed(record: SampleRecord) -> bool:
    """True if every true box holds the center of a found one."""
    found = () if record.found is None else record.found.sources
    return all(any(Box(*truth.sides).contains(*source.box.center) for source in found) for truth in record.truths)


def _whole(records: Sequence[SampleRecord], published: bool) -> boxes.Summary | None:
    scores = [score for record in records if (score := record.score) is not None]
    return boxes.summary(scores, published) if scores else None


def _by_source(record: SampleRecord) -> sources.SourceScore:
    if record.failure is not None or record.found is None:
        return sources.missed(record.outcome, record.truths)
    found = [Found(source.box.sides, source.label, _confidence(source)) for source in record.found.sources]
    return sources.score(found, record.truths, record.width, record.height)


def _confidence(source: Source) -> float:
    """What ranks it among all found ones: how sure the hearing is, times how well what is seen goes with it."""
    return source.audio_confidence * (1.0 if source.av_consistency is None else source.av_consistency)


def _groups(records: Sequence[SampleRecord], published: bool) -> tuple[Group, ...]:
    named: dict[str, list[SampleRecord]] = {}
    for record in records:
        named.setdefault(record.group, []).append(record)
    return tuple(_group(name, members, published) for name, members in named.items() if name)


def _group(name: str, records: Sequence[SampleRecord], published: bool) -> Group:
    sounding = [record for record in records if record.truths]
    overlaps = [_overlaps(record) for record in sounding]
    return Group(
        name=name,
        samples=len(records),
        right=float(np.mean([record.outcome == record.expected.value for record in records])),
        outcomes=tuple(Counter(record.outcome for record in records).most_common()),
        found=float(np.mean([min(each) >= MIN_FOUND_IOU for each in overlaps])) if overlaps else None,
        overlap=float(np.mean([iou for each in overlaps for iou in each])) if overlaps else None,
        pointed=float(np.mean([_pointed(record) for record in sounding])) if sounding else None,
        scores=_whole(records, published),
    )


def _said(records: Sequence[SampleRecord]) -> tuple[Said, ...]:
    told = []
    for expected in Outcome:
        outcomes = Counter(record.outcome for record in records if record.expected is expected)
        if outcomes:
            told.append(Said(expected, outcomes.total(), outcomes))
    return tuple(told)


def _gate(located: Sequence[_Located], options: GarOptions) -> Gate | None:
    passed = [one for one in located if one.case.kept]
    refined = [one for one in located if not one.case.kept]
    agreed = [(one.case.consensus, one.case.hypothesis) for one in refined]
    nothing = float("nan")
    if not located:
        return None
    return Gate(
        kept=len(passed),
        refined=len(refined),
        votes=sum(consensus is not None and not consensus.keep for consensus, _ in agreed),
        consistency=sum(consensus is not None and consensus.av_consistency < options.tau_av for consensus, _ in agreed),
        audio=sum(hypothesis is not None and hypothesis.sound.confidence < options.tau_aud for _, hypothesis in agreed),
        before=float(np.mean([one.initial_iou for one in refined])) if refined else nothing,
        after=float(np.mean([one.iou for one in refined])) if refined else nothing,
        kept_iou=float(np.mean([one.iou for one in passed])) if passed else nothing,
    )


def _heard(records: Sequence[SampleRecord]) -> Iterator[tuple[float, bool]]:
    """s_aud, and whether the label means one of the sample's classes, where those are known."""
    for record in records:
        labels = [truth.label for truth in record.truths if truth.label is not None]
        if labels and record.found is not None and (sound := record.found.sound) is not None:
            yield sound.confidence, any(same_class(sound.label, label) for label in labels)


def _failures(records: Sequence[SampleRecord]) -> tuple[Failures, ...]:
    by_outcome: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        if record.failure is not None:
            by_outcome.setdefault(record.outcome, []).append((record.sample, record.failure))
    return tuple(Failures(name, len(told), tuple(told[:MAX_EXAMPLES])) for name, told in sorted(by_outcome.items()))


def _latency(records: Sequence[SampleRecord]) -> tuple[Latency, ...]:
    told = []
    for stage in STAGES:
        seconds = [s for record in records if (s := _seconds(record, stage)) is not None]
        if seconds:
            median, p90, worst = np.percentile(seconds, (50, 90, 100))
            told.append(Latency(stage, len(seconds), float(median), float(p90), float(worst)))
    return tuple(told)


def _seconds(record: SampleRecord, stage: str) -> float | None:
    if stage == "open":
        return record.open_s
    return None if record.found is None else getattr(record.found.timing_s, stage)
