"""An evaluation from dataset to records on disk, in one go or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from gar_ssl_ros.evaluation.columns import write_columns
from gar_ssl_ros.evaluation.datasets import dataset as read_dataset
from gar_ssl_ros.evaluation.figures import figures
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.report.subject import Subject
from gar_ssl_ros.evaluation.results import (
    CONFIG,
    RESULTS,
    Manifest,
    Origin,
    Results,
    ResultsError,
    Run,
    Shard,
    configuration,
    read_runs,
)
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Sample
from gar_ssl_ros.evaluation.settings import Settings
from gar_ssl_ros.files import write_whole
from gar_ssl_ros.masks.options import NONE
from gar_ssl_ros.output.record import json_text

COLUMNS_FILE = "results.parquet"
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

    Returns all that `out` holds now. Raises ResultsError, EngineError and OSError; what was computed stays.
    """
    part = shard.part(dataset.samples)
    if not part:
        count = len(dataset.samples)
        raise ResultsError(f"shard {shard.index}/{shard.of} holds none of {count} samples: use at most {count} shards")
    results = Results(out, Manifest(configuration=configuration(dataset, settings), origin=origin), shard, resume)
    places = {sample.id: place for place, sample in enumerate(dataset.samples)}
    with results.writer() as writer:
        done = results.done()
        waiting = [sample for sample in part if sample.id not in done]
        with progress(dataset.name, len(part), len(part) - len(waiting)) as bar:
            for record in engine(waiting, settings) if waiting else ():
                writer.write(record.model_copy(update={"index": places[record.sample]}))
                bar.update()
    (run,) = read_runs([out])
    return run


def progress(name: str, total: int, done: int) -> tqdm[NoReturn]:
    """A bar over samples with the time that is left, where someone is watching."""
    return tqdm(total=total, initial=done, desc=name, unit="sample", disable=None)


def write_run(run: Run, out: Path) -> None:
    """All its records as one file and as columns, and what they are the results of. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(configuration=run.configuration, origin=run.origin)
    write_whole(out / CONFIG, json_text(manifest, indent=2) + "\n")
    write_whole(out / RESULTS, "".join(json_text(record) + "\n" for record in run.records))
    write_columns(run.records, out / COLUMNS_FILE)


def same_dataset(run: Run) -> Dataset | None:
    """The dataset that it was made from, where it can still be read and is the same."""
    origin, told = run.origin, run.configuration
    try:
        found = limited(read_dataset(origin.dataset, origin.root, origin.annotations, origin.rendered), told.samples)
    except DatasetError:
        return None
    return found if configuration(found, told.settings) == told else None


def subject(run: Run, dataset: Dataset | None, published: bool, name: str = "", method: str = "") -> Subject:
    """A run with its figures. dataset: whose samples are shown, where there is one. name, method: see Subject."""
    told = figures(run.records, run.configuration.settings.gar, published)
    samples = {} if dataset is None else {sample.id: sample for sample in dataset.samples}
    notes = () if dataset is None else dataset.notes
    return Subject(name or named(run.configuration.settings), run, told, samples, notes, method)


def named(settings: Settings) -> str:
    """Settings in a few words: who answers, N, and what is not the paper's."""
    gar, usual = settings.gar, Settings().gar
    told = [Path(settings.model).name if settings.model else settings.reasoner]
    told += [f"N = {gar.trials}"] if gar.analysis else ["no analysis"]
    told += [f"τ_av = {gar.tau_av:g}"] if gar.tau_av != usual.tau_av else []
    told += [f"τ_aud = {gar.tau_aud:g}"] if gar.tau_aud != usual.tau_aud else []
    told += [f"K = {settings.sources}"] if settings.sources is not None else []
    told += [] if gar.refinement else ["no refinement"]
    told += [] if settings.masks.masks == NONE else [f"masks of {settings.masks.masks}"]
    return ", ".join([*told, *(name for name, value in settings.told.items() if value is True)])
