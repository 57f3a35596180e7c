"""Does a student beat its teacher? Both on the same unseen rendered scenes, and the student on sounds of elsewhere.

    python benchmarks/students.py STUDENT [--count 80] [--seed 50000] [--jobs 2] [--json FILE]
    python benchmarks/students.py STUDENT --real FOLDER TRUTH.json

Of single sources, medium and hard, so many consecutive seeds of each kind, and half as many of the other kinds. The
teacher is `signal` with `grabcut`; both look for two sources at most, since nobody tells them how many there are, and
`teacher, one` is told that there is one. `teacher, sure` is the teacher without the sources whose S_av is below 0.7,
from which no student learns. IoU: of all found pixels with all true ones, in the window's center frame. Differences are
paired, with 95 % bootstrap intervals over scenes.
Foreign: the picture of one scene with the sound of the next. A false positive is anything that is localized then.
--real: windows of clips with truth drawn by eye, as benchmarks/real.py judges them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from real_clips import Truth, chosen, cut, judged

from gar_ssl_ros.evaluation.pixels import pixels_of
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.segmenter import Segmenter, masked
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.reasoners import reasoner

SINGLE, DIFFICULTIES = (Kind.ONE, Kind.FACE), (Difficulty.MEDIUM, Difficulty.HARD)
WAYS = ("student", "student, refined", "teacher", "teacher, one", "teacher, sure")
SURE = 0.7
SAMPLES = 10_000  # of the bootstrap


@cache
def asked(folder: str) -> tuple[Reasoner, Reasoner, Segmenter]:
    """Student, teacher and the teacher's segmenter, once a process."""
    import torch  # noqa: PLC0415 - in the processes that ask

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    segmenter = segmenter_of(MaskOptions(masks="grabcut"))
    assert segmenter is not None
    return reasoner("student", {"student": folder}), reasoner("signal"), segmenter


def union(found: Localization, window: Window) -> NDArray[np.bool_]:
    shape = window.center.image.shape[:2]
    return np.any([np.zeros(shape, np.bool_), *(pixels_of(one, shape) for one in found.sources)], axis=0)


def overlap(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(found | true)
    return np.count_nonzero(found & true) / either if either else 1.0


def judge(place: tuple[Difficulty, Kind, int], folder: str) -> dict[str, Any]:
    """One scene by all."""
    difficulty, kind, seed = place
    student, teacher, segmenter = asked(folder)
    scene = Scene(SceneOptions(kind=kind, difficulty=difficulty, seed=seed))
    window = scene.window()
    true = np.zeros(window.center.image.shape[:2], np.bool_)
    for whole, _ in scene.masks(window.frames.index(window.center)):
        true |= whole.pixels if whole is not None else False
    two, one = GarOptions(sources=2), GarOptions(sources=1)
    began = time.process_time()
    *_, own = localize(window, student, two)
    took = 1000 * (time.process_time() - began)
    said = {
        "student": own,
        "student, refined": masked(own, window.center.image, segmenter),
        "teacher": masked([*localize(window, teacher, two)][-1], window.center.image, segmenter),
        "teacher, one": masked([*localize(window, teacher, one)][-1], window.center.image, segmenter),
    }
    sure = tuple(one for one in said["teacher"].sources if (one.av_consistency or 0.0) >= SURE)
    said["teacher, sure"] = replace(said["teacher"], sources=sure)
    told: dict[str, Any] = {"difficulty": difficulty.value, "kind": kind.value, "seed": seed, "ms": took}
    told["outcomes"] = {name: found.outcome.value for name, found in said.items()}
    if true.any():
        told["iou"] = {name: overlap(union(found, window), true) for name, found in said.items()}
    if kind in SINGLE:
        other = Scene(SceneOptions(kind=kind, difficulty=difficulty, seed=seed + 1, seconds=3.0))
        strange = replace(window, audio=replace(window.audio, samples=other.samples[None])) if window.audio else window
        for name, who in (("student", student), ("teacher", teacher)):
            *_, found = localize(strange, who, two)
            told["outcomes"][f"{name}, foreign"] = found.outcome.value
    return told


def interval(values: NDArray[np.float64], random: np.random.Generator) -> tuple[float, float, float]:
    """The mean and its 95 % bootstrap interval."""
    means = values[random.integers(0, len(values), (SAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def summary(judged_ones: list[dict[str, Any]]) -> dict[str, Any]:
    random, told = np.random.default_rng(0), {}
    groups: Mapping[str, tuple[tuple[Difficulty, ...], tuple[Kind, ...]]] = {
        "single, all": (DIFFICULTIES, SINGLE),
        **{f"{kind.value}, {one.value}": ((one,), (kind,)) for one, kind in product(DIFFICULTIES, (*SINGLE, Kind.TWO))},
        "two, all": (DIFFICULTIES, (Kind.TWO,)),
    }
    for name, (difficulties, kinds) in groups.items():
        own = [
            one
            for one in judged_ones
            if one["difficulty"] in {d.value for d in difficulties} and one["kind"] in {k.value for k in kinds}
        ]
        if not own:
            continue
        ious = {way: np.array([one["iou"][way] for one in own]) for way in WAYS}
        row: dict[str, Any] = {"scenes": len(own), **{way: round(float(some.mean()), 3) for way, some in ious.items()}}
        for first, second in (
            ("student", "teacher"),
            ("student, refined", "teacher"),
            *(("student", one) for one in WAYS[3:]),
        ):
            row[f"{first} - {second}"] = [round(one, 3) for one in interval(ious[first] - ious[second], random)]
        row["student below .5"] = round(float(np.mean(ious["student"] < 0.5)), 3)
        row["teacher below .5"] = round(float(np.mean(ious["teacher"] < 0.5)), 3)
        told[name] = row
    for what, ending, kinds in (
        ("silent", "", (Kind.SILENT,)),
        ("off screen", "", (Kind.OFFSCREEN,)),
        ("foreign", ", foreign", SINGLE),
    ):
        for who in ("student", "teacher"):
            said = Counter(
                one["outcomes"][who + ending] for one in judged_ones if one["kind"] in {kind.value for kind in kinds}
            )
            told[f"{who} on {what}"] = {outcome: round(count / said.total(), 3) for outcome, count in said.items()} | {
                "scenes": said.total()
            }
    told["cpu ms a window"] = round(float(np.median([one["ms"] for one in judged_ones if one["kind"] != "silent"])), 1)
    return told


def real(folder: str, media: Path, truth: Path) -> dict[str, Any]:
    """How the student does on real clips."""
    student, *_ = asked(folder)
    rows, took = [], []
    for clip in chosen(Truth.model_validate_json(truth.read_bytes()), "all"):
        for true, window in cut(media, clip):
            began = time.process_time()
            *_, found = localize(window, student)
            took.append(1000 * (time.process_time() - began))
            right = judged(found.sources[0].box, window, true) if found.sources and true.boxes else None
            rows.append((true.truth, found.outcome, right))
    visible = [(outcome, right) for true, outcome, right in rows if true == "VISIBLE"]
    count = len(visible)
    return {
        "windows that show their source": count,
        "boxed": round(sum(outcome is Outcome.LOCALIZED for outcome, _ in visible) / count, 2),
        "hit": round(sum(right is not None and right.hit for _, right in visible) / count, 2),
        "lenient": round(sum(right is not None and right.lenient for _, right in visible) / count, 2),
        "IoU >= 0.5": round(sum(right is not None and right.overlap >= 0.5 for _, right in visible) / count, 2),
        "outcomes": Counter(outcome.value for outcome, _ in visible),
        "of what is out of view": Counter(outcome.value for true, outcome, _ in rows if true == "OFF_SCREEN"),
        "cpu ms a window": round(float(np.median(took)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student")
    parser.add_argument("--count", type=int, default=80, help="seeds")
    parser.add_argument("--seed", type=int, default=50_000, help="the first of them")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--real", type=Path, nargs=2, metavar=("FOLDER", "TRUTH"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.real:
        told = real(options.student, *options.real)
    else:
        kinds = (Kind.ONE, Kind.FACE, Kind.TWO, Kind.OFFSCREEN, Kind.SILENT)
        places = [
            (difficulty, kind, seed)
            for seed in range(options.seed, options.seed + options.count)
            for difficulty, kind in product(DIFFICULTIES, kinds)
            if kind in SINGLE or seed < options.seed + options.count // 2
        ]
        found: list[dict[str, Any]] = []
        with ProcessPoolExecutor(options.jobs) as pool:
            for one in pool.map(partial(judge, folder=options.student), places, chunksize=4):
                found.append(one)
                if options.json:
                    options.json.with_suffix(".scenes.json").write_text(json.dumps(found))
        told = summary(found)
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
