"""Pseudo labels (OpenAVS-ST, section 3.7): what a teacher says of samples, as results of an evaluation without truths.

A folder of them is one of `gar-ssl evaluate`, and is filled by the same means: in shards, with several in flight, by a
Ray cluster, and resumed. What is true of a sample, where a dataset knows it, never comes near it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gar_ssl_ros.evaluation.datasets import dataset as read_dataset
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.results import Origin, ResultsError, Run, configuration
from gar_ssl_ros.evaluation.run import limited
from gar_ssl_ros.evaluation.samples import Dataset, Media, Opened, Sample, Truth
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.stages import SILENCE
from gar_ssl_ros.output.record import WindowRecord


@dataclass(frozen=True)
class Unlabelled:
    """Media whose truths are forgotten when they are opened."""

    media: Media

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError."""
        return Opened(self.media.open(()).window, ())


@dataclass(frozen=True)
class PseudoLabel:
    """What a teacher said of a sample. label: of its sound; None where it has none."""

    sample: Sample
    found: WindowRecord

    @property
    def label(self) -> str | None:
        """Of its sound."""
        if self.found.sound is not None:
            return self.found.sound.label
        return SILENCE if self.found.outcome is Outcome.SILENT else None


def unlabelled(origin: Origin, limit: int | None = None) -> Dataset:
    """The samples of a dataset without their truths. Raises DatasetError."""
    read = limited(read_dataset(origin.dataset, origin.root, origin.annotations, origin.rendered), limit)
    bare = [
        replace(one, media=Unlabelled(one.media), truths=(), outcome=Outcome.UNCERTAIN, group="", mask_classes=None)
        for one in read.samples
    ]
    return replace(read, name=f"{read.name}, unlabelled", samples=tuple(bare))


def pseudo_labels(run: Run) -> list[PseudoLabel]:
    """What can be learned from a folder of labels, its samples read again.

    Raises ResultsError where the samples are not those that the labels are of, and DatasetError.
    """
    told = run.configuration
    read = unlabelled(run.origin, told.samples)
    if configuration(read, told.settings) != told:
        raise ResultsError(f"{read.name} is not what these pseudo labels are of: label it again")
    return list(usable(run.records, read))


def usable(records: Sequence[SampleRecord], read: Dataset) -> Iterator[PseudoLabel]:
    """Of samples: sources with masks, or that nothing in view sounds; not what was uncertain or failed."""
    samples = {sample.id: sample for sample in read.samples}
    for record in records:
        found = record.found
        if found is None or record.sample not in samples:
            continue
        masked = any(source.mask is not None for source in found.sources)
        if masked or found.outcome in (Outcome.SILENT, Outcome.OFF_SCREEN):
            yield PseudoLabel(samples[record.sample], found)
