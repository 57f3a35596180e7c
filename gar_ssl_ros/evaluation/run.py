"""An evaluation from dataset to records on disk, in one go or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from gar_ssl_ros.evaluation.columns import write_columns
from gar_ssl_ros.evaluation.engines import gar_options
from gar_ssl_ros.evaluation.figures import figures
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.report.sections import Subject
from gar_ssl_ros.evaluation.results import (
    CONFIG,
    RESULTS,
    Manifest,
    Origin,
    Results,
    ResultsError,
    Run,
    Settings,
    Shard,
    configuration,
    read_runs,
    write_whole,
)
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Sample

COLUMNS = "results.parquet"
Engine = Callable[[Sequence[Sample], Settings], Iterator[SampleRecord]]


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """Its first `limit` samples. Raises DatasetError where there is none."""
    if not dataset.samples:
        raise DatasetError(f"{dataset.name} holds no sample: check its annotations")
    return replace(dataset, samples=dataset.samples[:limit])


def evaluate_dataset(
    dataset: Dataset, origin: Origin, settings: Settings, shard: Shard, out: Path, resume: bool, engine: Engine
) -> Run:
    """Evaluate what of a shard has no record in `out` yet, each record on disk as soon as it is known.

    Returns all that `out` holds now, in the dataset's order. Raises ResultsError, EngineError and OSError; what was
    computed stays.
    """
    part = shard.part(dataset.samples)
    if not part:
        count = len(dataset.samples)
        raise ResultsError(f"shard {shard.index}/{shard.of} holds none of {count} samples: use at most {count} shards")
    results = Results(out, Manifest(configuration=configuration(dataset, settings), origin=origin), shard, resume)
    with results.writer() as writer:
        done = results.done()
        waiting = [sample for sample in part if sample.id not in done]
        with tqdm(
            total=len(part), initial=len(part) - len(waiting), desc=dataset.name, unit="sample", disable=None
        ) as bar:
            for record in engine(waiting, settings) if waiting else ():
                writer.write(record)
                bar.update()
    (run,) = read_runs([out])
    return ordered(run, dataset)


def ordered(run: Run, dataset: Dataset) -> Run:
    """With its records in the order of the dataset's samples."""
    place = {sample.id: number for number, sample in enumerate(dataset.samples)}
    return replace(run, records=tuple(sorted(run.records, key=lambda record: place.get(record.sample, len(place)))))


def write_run(run: Run, out: Path) -> None:
    """All its records as one file and as columns, and what they are the results of. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(configuration=run.configuration, origin=run.origin)
    write_whole(out / CONFIG, manifest.model_dump_json(indent=2) + "\n")
    write_whole(out / RESULTS, "".join(record.model_dump_json() + "\n" for record in run.records))
    write_columns(run.records, out / COLUMNS)


def subject(name: str, run: Run, dataset: Dataset | None, published: bool, method: str = "") -> Subject:
    """A run as a report tells it. dataset: whose samples it shows, where there is one."""
    told = figures(run.records, gar_options(run.configuration.settings), published)
    samples = {} if dataset is None else {sample.id: sample for sample in dataset.samples}
    return Subject(name, run, told, samples, () if dataset is None else dataset.notes, method)
