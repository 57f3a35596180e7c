"""A folder of results: what they are results of, one line a sample, and nothing in it that another run would spoil.

config.json              what was evaluated: results of anything else are refused
results.jsonl            a record a sample
results-2-of-4.jsonl     the records of one shard
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationError

import gar_ssl_ros
from gar_ssl_ros.errors import UserError, misfit
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.samples import Dataset, Sample
from gar_ssl_ros.evaluation.settings import Settings, settings_from_values, values_of
from gar_ssl_ros.files import read_file, write_whole
from gar_ssl_ros.output.record import RecordError, RecordWriter, json_text, read_lines

CONFIG = "config.json"
RESULTS = "results.jsonl"
OUTPUT_PREFIXES = (CONFIG, "results", "report")  # what the names of our files begin with


class ResultsError(UserError):
    """A folder that cannot take or give results: one sentence that names it, what is wrong and what to do."""


@dataclass(frozen=True)
class Shard:
    """Part `index` (1..of) of the samples: every `of`-th one."""

    index: int = 1
    of: int = 1

    @property
    def file(self) -> str:
        """Where its records go."""
        return RESULTS if self.of == 1 else f"results-{self.index}-of-{self.of}.jsonl"

    def part(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Its samples."""
        return samples[self.index - 1 :: self.of]


class Origin(BaseModel):
    """Where a dataset was read from on the machine that evaluated it. rendered: as of `datasets.dataset`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    root: Path | None = None
    annotations: Path | None = None
    rendered: str = ""


class Configuration(BaseModel):
    """What the records of a folder are the results of. content: a digest of the samples' names and truths."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = gar_ssl_ros.__version__
    dataset: str
    samples: int
    content: str
    settings: Annotated[Settings, PlainValidator(settings_from_values), PlainSerializer(values_of)]

    def differences(self, other: Configuration) -> str:
        """In words, what `other` has otherwise; empty where nothing."""
        mine, theirs = _flat(self), _flat(other)
        return ", ".join(f"{name} {theirs[name]}, not {mine[name]}" for name in mine if mine[name] != theirs[name])


class Manifest(BaseModel):
    """What `config.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    configuration: Configuration
    origin: Origin


@dataclass(frozen=True)
class Run:
    """Results as they are read back: of what, from which media, and the records in the dataset's order."""

    configuration: Configuration
    origin: Origin
    records: tuple[SampleRecord, ...]


def configuration(dataset: Dataset, settings: Settings) -> Configuration:
    """Of an evaluation of all of `dataset`."""
    content = hashlib.sha256()
    for sample in dataset.samples:
        own = [getattr(sample.media, name, None) for name in ("truth", "truths")]  # of media that bring their own
        told = (sample.id, sample.truths, own, sample.outcome.value, sample.sources, sample.group)
        content.update(repr(told).encode())
    return Configuration(
        dataset=dataset.name, samples=len(dataset.samples), content=content.hexdigest()[:16], settings=settings
    )


class Results:
    """A folder that is being filled. Raises ResultsError where it holds results of something else, or of the same and
    `resume` is not given; OSError where it cannot be written. Nothing that is there is replaced.
    """

    def __init__(self, folder: Path, manifest: Manifest, shard: Shard, resume: bool) -> None:
        self.folder = folder
        self._path = folder / shard.file
        folder.mkdir(parents=True, exist_ok=True)
        spoilt = _ours(folder)  # before CONFIG is looked for: another shard, starting now, writes that first
        if (folder / CONFIG).exists():
            held = read_manifest(folder).configuration
            if held != manifest.configuration:
                told = manifest.configuration.differences(held)
                raise ResultsError(f"{folder} holds results of another configuration ({told}): give another --out")
        elif spoilt:
            raise ResultsError(f"{spoilt[0]} exists already and would be replaced: give another --out")
        if not resume and self._path.exists() and self._path.stat().st_size:
            raise ResultsError(f"{self._path} exists already: go on with --resume, or give another --out")
        write_whole(folder / CONFIG, json_text(manifest, indent=2) + "\n")

    def done(self) -> set[str]:
        """The ids of samples that have a record, of whatever shard."""
        return {record.sample for record in _records(self.folder)}

    @contextmanager
    def writer(self) -> Iterator[RecordWriter]:
        """Appends records, whatever was begun before. Raises ResultsError where another process is at it."""
        try:
            writer = RecordWriter(self._path, resume=True)
        except BlockingIOError:
            raise ResultsError(f"{self._path} is being written by another run: let it end first") from None
        with closing(writer):
            yield writer


def refuse_to_replace(folder: Path) -> None:
    """Raises ResultsError where it holds what a report would replace."""
    for path in _ours(folder):
        raise ResultsError(f"{path} exists already and would be replaced: give another --out")


def read_manifest(folder: Path) -> Manifest:
    """Raises ResultsError where there is none."""
    path = folder / CONFIG
    try:
        return Manifest.model_validate_json(read_file(path))
    except OSError as problem:
        raise ResultsError(
            f"{folder} holds no results ({CONFIG}: {problem.strerror}): give a folder that gar-ssl evaluate has filled"
        ) from None
    except ValidationError as problem:
        raise ResultsError(f"{path} does not say what the results are of: {misfit(problem)}") from None


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """The results in `folders`, those of one configuration taken together, in the order of the folders.

    Records are in the dataset's order, each sample once. Raises ResultsError.
    """
    found: dict[str, tuple[Manifest, dict[str, SampleRecord]]] = {}
    for folder in folders:
        manifest = read_manifest(folder)
        _, records = found.setdefault(manifest.configuration.model_dump_json(), (manifest, {}))
        for record in _records(folder):
            records.setdefault(record.sample, record)
    return [
        Run(manifest.configuration, manifest.origin, tuple(sorted(records.values(), key=lambda record: record.index)))
        for manifest, records in found.values()
    ]


def _ours(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.startswith(OUTPUT_PREFIXES)) if folder.is_dir() else []


def _records(folder: Path) -> Iterator[SampleRecord]:
    for path in sorted(folder.glob("results*.jsonl")):
        try:
            yield from read_lines(path, SampleRecord, unfinished=True)
        except RecordError as problem:
            raise ResultsError(f"{problem}: take that line out, and --resume does its sample again") from None


def _flat(configuration: Configuration) -> dict[str, object]:
    told = configuration.model_dump(mode="json")
    settings = told.pop("settings")
    return {**told, **settings}
