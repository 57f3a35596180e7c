"""A study carried out: each sample is opened once for all variants, and no reasoner is asked the same thing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import gar_ssl_ros
from gar_ssl_ros.evaluation.cache import CachedReasoner
from gar_ssl_ros.evaluation.engines import check_reasoner, chosen_reasoner
from gar_ssl_ros.evaluation.record import evaluated, open_sample, options_for, unreadable
from gar_ssl_ros.evaluation.results import Manifest, Origin, Results, Run, Shard, configuration, read_runs
from gar_ssl_ros.evaluation.run import progress
from gar_ssl_ros.evaluation.samples import Dataset, Sample
from gar_ssl_ros.evaluation.settings import Settings
from gar_ssl_ros.evaluation.study import Study, Variant
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.masks import Segmenter, segmenter_of
from gar_ssl_ros.output.record import RecordWriter

Asked = Callable[[Settings], Reasoner]


def ablate(
    study: Study,
    dataset: Dataset,
    origin: Origin,
    out: Path,
    cache: Path,
    resume: bool,
    reasoner: Asked = chosen_reasoner,
) -> list[tuple[Variant, Run]]:
    """Evaluate every variant on every sample; what has a record in `out` already is left alone.

    cache: the file of stage results. reasoner: who answers under some settings. Returns each variant with its results.
    Raises ResultsError, EngineError, CacheError and OSError; what was computed stays.
    """
    for variant in study.variants:
        check_reasoner(variant.settings)
    cache.parent.mkdir(parents=True, exist_ok=True)
    folders = [
        Results(out / variant.folder, _manifest(variant, dataset, origin), Shard(), resume)
        for variant in study.variants
    ]
    with ExitStack() as stack:
        lanes = [
            _Lane(one.settings, stack.enter_context(folder.writer()), folder.done(), segmenter_of(one.settings.masks))
            for one, folder in zip(study.variants, folders, strict=True)
        ]
        done = sum(sample.id in lane.done for lane in lanes for sample in dataset.samples)
        bar = stack.enter_context(progress(study.title, len(dataset.samples) * len(lanes), done))
        groups: dict[str, list[_Lane]] = {}  # so that each reasoner is made once
        for lane in lanes:
            groups.setdefault(_who(lane.settings), []).append(lane)
        for who, alike in groups.items():
            most = max(lane.settings.gar.trials for lane in alike)
            with closing(CachedReasoner(reasoner(alike[0].settings), cache, who, most)) as cached:
                for place, sample in enumerate(dataset.samples):
                    _evaluate(sample, place, [lane for lane in alike if sample.id not in lane.done], cached, bar.update)
    return [(variant, read_runs([folder.folder])[0]) for variant, folder in zip(study.variants, folders, strict=True)]


@dataclass(frozen=True)
class _Lane:
    """A variant under way."""

    settings: Settings
    writer: RecordWriter
    done: set[str]
    segmenter: Segmenter | None


def _evaluate(
    sample: Sample, place: int, lanes: Sequence[_Lane], reasoner: CachedReasoner, told: Callable[[], object]
) -> None:
    if not lanes:
        return
    opened, why, seconds = open_sample(sample)
    for lane in lanes:
        gar = options_for(sample, lane.settings.gar, lane.settings.sources)
        if opened is None:
            record = unreadable(sample, why or "", seconds, gar)
        else:
            record = evaluated(sample, opened, seconds, reasoner, gar, segmenter=lane.segmenter)
        reasoner.check()  # before its failure is written down as the answer
        lane.writer.write(record.model_copy(update={"index": place}))
        told()


def _manifest(variant: Variant, dataset: Dataset, origin: Origin) -> Manifest:
    return Manifest(configuration=configuration(dataset, variant.settings), origin=origin)


def _who(settings: Settings) -> str:
    """Whatever decides a reasoner's answers beside the window and the question."""
    return repr((gar_ssl_ros.__version__, settings.reasoner, sorted(settings.told.items())))
