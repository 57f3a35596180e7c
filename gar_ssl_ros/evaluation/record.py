"""What became of one sample: the answer, the truth beside it, and how they compare, as one line of JSON."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import perf_counter

from pydantic import BaseModel, ConfigDict, Field

from gar_ssl_ros.evaluation.metrics.boxes import Score, missed, score
from gar_ssl_ros.evaluation.metrics.masks import Counts
from gar_ssl_ros.evaluation.metrics.segmentation import SegmentedFrame
from gar_ssl_ros.evaluation.metrics.seld import SoundEvent
from gar_ssl_ros.evaluation.pixels import segmented, unsegmented
from gar_ssl_ros.evaluation.samples import Opened, Sample, Truth
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.masks.following import anew, masked_window
from gar_ssl_ros.masks.segmenter import Segmenter
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.output.record import WindowRecord, record_from_localization

logger = logging.getLogger(__name__)


class SampleRecord(BaseModel):
    """One sample of a dataset. `Score` explains iou, ap and counts; they are null where nothing is to be located."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    sample: str = Field(description="its id in the dataset")
    index: int = Field(default=0, ge=0, description="its place in the dataset")
    group: str = Field(description="what it is counted with: a class, a kind of scene")
    expected: Outcome = Field(description="what was to be said of it")
    sources: int = Field(ge=1, description="how many were looked for at most")
    width: int = Field(ge=1, description="of the picture, pixels; 1 where it could not be read")
    height: int = Field(ge=1, description="of the picture, pixels; 1 where it could not be read")
    truths: tuple[Truth, ...] = Field(description="what sounds, in pixels of the picture (or shares, see width)")
    notes: tuple[str, ...] = Field(description="what was odd about its media")
    found: WindowRecord | None = Field(description="the answer; null where the media could not be read")
    failure: str | None = Field(description="why there is no answer, if so: it counts as a miss")
    iou: float | None
    ap: float | None
    counts: Counts | None
    open_s: float = Field(ge=0, description="seconds that reading the media took")
    heard: tuple[SoundEvent, ...] | None = Field(
        default=None, description="what sounds from where, rad about the camera's axes; null where that is not known"
    )
    segmented: SegmentedFrame | None = Field(
        default=None, description="pixels found and true, where the truth has masks; null where it has none"
    )

    @property
    def outcome(self) -> str:
        """The answer's, or UNREADABLE where there was nothing to ask about."""
        return "UNREADABLE" if self.found is None else self.found.outcome.value

    @property
    def score(self) -> Score | None:
        """As the metrics take it."""
        if self.iou is None or self.ap is None or self.counts is None:
            return None
        return Score(self.iou, self.ap, self.counts, self.failure)


def options_for(sample: Sample, gar: GarOptions, sources: int | None) -> GarOptions:
    """sources: how many to look for at most; None for as many as the sample says, the paper's setting."""
    return replace(gar, sources=sources or sample.sources)


def open_sample(sample: Sample) -> tuple[Opened | None, str | None, float]:
    """Its media; or why they cannot be read, one sentence. And the seconds that it took."""
    start = perf_counter()
    try:
        return sample.open(), None, perf_counter() - start
    except (ClipError, OSError) as problem:
        why = str(problem)
    except Exception as problem:  # one odd file shall not end the evaluation of all others
        logger.exception("the media of %s could not be read", sample.id)
        why = f"{type(problem).__name__}: {problem}"
    return None, why, perf_counter() - start


def evaluated(
    sample: Sample,
    opened: Opened,
    seconds: float,
    reasoner: Reasoner,
    gar: GarOptions,
    deadline: Deadline | None = None,
    segmenter: Segmenter | None = None,
) -> SampleRecord:
    """The answer for an opened sample, scored. seconds: that opening it took. Raises Cancelled as the deadline does."""
    *_, boxed = localize(opened.window, reasoner, gar, deadline)
    localization = masked_window(boxed, opened.window, anew(segmenter), deadline)
    found = record_from_localization(sample.id, 0, opened.window, localization)
    failure = f"{found.outcome.value}: {found.detail}" if found.outcome.failed else None
    graded = None
    if (opened.outcome or sample.outcome) is Outcome.LOCALIZED:
        true = [truth.sides for truth in opened.truths]
        boxes = [source.box.sides for source in found.sources]
        size = (found.width, found.height)
        graded = score(boxes, true, *size) if failure is None else missed(failure, true, *size)
    pixels = segmented(found.sources, opened, sample, failure)
    return _record(sample, gar, (found.width, found.height), opened, found, failure, graded, seconds, pixels)


def unreadable(sample: Sample, why: str, seconds: float, gar: GarOptions) -> SampleRecord:
    """A sample whose media could not be read: a failure, and a miss where something was to be located."""
    truths = sample.truths or ()
    graded = missed(why, [truth.sides for truth in truths]) if sample.outcome is Outcome.LOCALIZED else None
    return _record(sample, gar, (1, 1), None, None, why, graded, seconds, unsegmented(sample, why))


def evaluate(
    sample: Sample,
    reasoner: Reasoner,
    gar: GarOptions,
    deadline: Deadline | None = None,
    segmenter: Segmenter | None = None,
) -> SampleRecord:
    """Open a sample, ask the reasoner, and score the answer. Failures are records, and only Cancelled is raised."""
    opened, why, seconds = open_sample(sample)
    if opened is None:
        return unreadable(sample, why or "", seconds, gar)
    return evaluated(sample, opened, seconds, reasoner, gar, deadline, segmenter)


def _record(
    sample: Sample,
    gar: GarOptions,
    size: tuple[int, int],
    opened: Opened | None,
    found: WindowRecord | None,
    failure: str | None,
    graded: Score | None,
    seconds: float,
    pixels: SegmentedFrame | None,
) -> SampleRecord:
    return SampleRecord(
        sample=sample.id,
        group=sample.group,
        expected=(opened and opened.outcome) or sample.outcome,
        sources=gar.sources,
        width=size[0],
        height=size[1],
        truths=(sample.truths or ()) if opened is None else opened.truths,
        notes=() if opened is None else opened.notes,
        found=found,
        failure=failure,
        iou=None if graded is None else graded.iou,
        ap=None if graded is None else graded.ap,
        counts=None if graded is None else graded.counts,
        open_s=seconds,
        heard=None if opened is None else opened.heard,
        segmented=pixels,
    )
