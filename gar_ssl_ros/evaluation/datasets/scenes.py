"""Rendered scenes as a dataset: nothing to fetch, and the truth is exact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Opened, Sample, Truth
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions, TrueSource
from gar_ssl_ros.gar.localization import Outcome

SEEDS = range(10_000, 10_200)  # none that `signal` was tuned on
MAX_SEED = 2**31
OUTCOMES = {Kind.SILENT: Outcome.SILENT, Kind.OFFSCREEN: Outcome.OFF_SCREEN}


@dataclass(frozen=True)
class RenderedScene:
    """A scene that is rendered, in memory, when it is opened."""

    options: SceneOptions

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """The whole scene as one window, and what sounds in its middle frame."""
        scene = Scene(self.options)
        window = scene.window()
        index = window.frames.index(window.center)
        seen = zip(scene.truth().sources, scene.masks(index), strict=True)
        sources = [replace(source, masks=(mask,) * scene.frames) for source, (mask, _) in seen]
        return Opened(window, truths_at(sources, index))


def kinds_and_seeds(text: str) -> tuple[tuple[Kind, ...], range]:
    """Which scenes `one,two,face:60000-60299` means. Raises DatasetError where it means none."""
    kinds, _, seeds = text.partition(":")
    found = re.fullmatch(r"([0-9]{1,10})-([0-9]{1,10})", seeds)
    first, last = (int(one) for one in found.groups()) if found else (0, -1)
    known = {kind.value: kind for kind in Kind}
    if not set(kinds.split(",")) <= known.keys() or not first <= last < MAX_SEED:
        wanted = f"kinds of {', '.join(known)}, and the first and last seed, as in one,two:60000-60299"
        raise DatasetError(f"{text!r:.60} says no scenes: give {wanted}")
    return tuple(known[kind] for kind in kinds.split(",")), range(first, last + 1)


def truths_at(sources: Iterable[TrueSource], index: int) -> tuple[Truth, ...]:
    """Of what sounds and is in sight in a frame."""
    return tuple(
        Truth(box.sides, source.label, source.masks[index] if source.masks else None)
        for source in sources
        if (box := source.boxes[index]) is not None
    )


def scenes(
    kinds: Sequence[Kind] = tuple(Kind), seeds: Sequence[int] = SEEDS, difficulty: Difficulty = Difficulty.MEDIUM
) -> Dataset:
    """A scene of each kind for each seed, the seeds in turn, so that the first few hold every kind."""
    samples = tuple(
        Sample(
            id=f"{kind.value}_{difficulty.value}_{seed:05d}",
            media=RenderedScene(SceneOptions(kind=kind, difficulty=difficulty, seed=seed)),
            truths=None,
            outcome=OUTCOMES.get(kind, Outcome.LOCALIZED),
            sources=2 if kind is Kind.TWO else 1,
            group=kind.value,
            mask_classes=(),
        )
        for seed in seeds
        for kind in kinds
    )
    return Dataset(f"scenes-{difficulty.value}", samples)
