"""Rendered scenes as a dataset: nothing to fetch, and the truth is exact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gar_ssl_ros.evaluation.samples import Dataset, Opened, Sample, Truth
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions, TrueSource
from gar_ssl_ros.gar.localization import Outcome

SEEDS = range(10_000, 10_200)  # none that `signal` was tuned on
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
        return Opened(window, truths_at(scene.truth(masks=True).sources, index))


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
