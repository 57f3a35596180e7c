"""How exactly directions are heard in rooms, beside pyroomacoustics' SRP, MUSIC and NormMUSIC on the same windows.

    python benchmarks/spatial.py                               every cell: 40 rooms, whose sounds take turns
    python benchmarks/spatial.py --all-sounds                  in each room each of the sounds, one after the other
    python benchmarks/spatial.py --cells one --arrays uma8 --rt60 0.4 --snr 10 --rooms 8            one cell, quickly
    python benchmarks/spatial.py --figures FOLDER [--rows FILE.jsonl]     draw them, of a run before with --rows

Cells: `one` source, `two` at once, and `quiet`: digital silence, and noise from everywhere. A room of a seed is the
same for every array, sound, RT60 and SNR. Errors: of azimuth for flat arrays, of the angle from their axis for two
microphones in the front half, on the great circle for the others. Where no direction is told, it is 180 degrees.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from itertools import permutations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gar_ssl_ros.evaluation.scenes.rooms import RoomOptions, draw, record
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.sound_direction import Known

ARRAYS = ("respeaker_usb_4", "uma8", "tetrahedral", "pair", "foa", "binaural")
SOUNDS = ("speech", "dog", "car", "bird")
FIRST_SEED = 20_000  # none that anything was chosen on
OURS = "ours"
LIBRARY = ("SRP", "MUSIC", "NormMUSIC")  # of pyroomacoustics
SPHERE_POINTS = 5000
FFT, HOP = 512, 256  # samples, of the library's spectra
FAR_UP = math.radians(45)  # how high and low sources are for an array that hears that
NONE = 180.0  # degrees, of no direction
Vectors = NDArray[np.float64]  # (n, 3), of length 1


@dataclass(frozen=True)
class Task:
    """One room. sounds: of each window, what sounds in it."""

    cell: str
    array: str
    rt60: float
    snrs: tuple[float, ...]
    seed: int
    sounds: tuple[tuple[str, ...], ...]
    library: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One source of one window. azimuth: true, degrees. error: degrees. cpu_ms: of the window."""

    cell: str
    array: str
    rt60: float
    snr: float
    seed: int
    sound: str
    azimuth: float
    method: str
    error: float
    cpu_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", choices=("one", "two", "quiet"), default=["one", "two", "quiet"])
    parser.add_argument("--arrays", nargs="+", choices=sorted(arrays()), default=ARRAYS)
    parser.add_argument("--rt60", nargs="+", type=float, default=[0.2, 0.4, 0.6], help="s; of `two`: 0.4 alone")
    parser.add_argument("--snr", nargs="+", type=float, default=[0, 10, 20], help="dB; of `two`: 15 alone")
    parser.add_argument("--sounds", nargs="+", choices=SOUNDS, default=SOUNDS)
    parser.add_argument("--all-sounds", action="store_true", help="all in each room, not one in each, in turn")
    parser.add_argument("--rooms", type=int, default=40, help="a cell")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first room; the others follow")
    parser.add_argument("--library", nargs="*", choices=LIBRARY, default=LIBRARY, help="which beside ours")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="write each result there; with --figures alone, read them")
    parser.add_argument("--figures", type=Path, help="draw what --rows holds into this folder, and measure nothing")
    options = parser.parse_args()
    if options.figures and not (options.rows and options.rows.is_file()):
        parser.error("--figures draws what an earlier run wrote: name its file with --rows")
    if options.figures:
        from spatial_figures import draw_figures  # noqa: PLC0415  # needs matplotlib

        rows = [Row(**json.loads(line)) for line in options.rows.read_text().splitlines()]
        print(*draw_figures(rows, options.figures), sep="\n")
        return
    rows = measured(list(tasks(options)), options.jobs)
    if options.rows:
        options.rows.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    told(rows)
    for name in options.arrays:
        print(f"{name}: steering tables {held(listener(name, 1)) / 2**20:.1f} MiB")


def tasks(options: argparse.Namespace) -> Iterator[Task]:
    """In the order in which they are measured."""
    seeds = range(options.seed, options.seed + options.rooms)
    library = tuple(options.library)
    kinds = options.sounds
    for name in options.arrays:
        if "one" in options.cells:
            for rt60 in options.rt60:
                for seed in seeds:
                    single = [(sound,) for sound in (kinds if options.all_sounds else [kinds[seed % len(kinds)]])]
                    yield Task("one", name, rt60, tuple(options.snr), seed, tuple(single), library)
        if "two" in options.cells:
            for seed in seeds:
                others = (1, 2) if options.all_sounds else (1 + seed // len(kinds) % 2,)
                pairs = tuple((kinds[seed % len(kinds)], kinds[(seed + by) % len(kinds)]) for by in others)
                yield Task("two", name, 0.4, (15.0,), seed, pairs, library)
        if "quiet" in options.cells:
            yield from (Task("quiet", name, 0.4, (0.0,), seed, ((),), ()) for seed in seeds)


def measured(every: list[Task], jobs: int) -> list[Row]:
    """The rows of all, in their order."""
    rows: list[Row] = []
    with get_context("spawn").Pool(jobs, initializer=threadpool_limits, initargs=(1,)) as pool:
        for count, some in enumerate(pool.imap(of_room, every), 1):
            rows += some
            if count % 20 == 0:
                print(f"\r{count} of {len(every)} rooms", end="", flush=True)
    print("\r", end="")
    return rows


def of_room(task: Task) -> list[Row]:
    """Each window of a room, by each method."""
    array = arrays()[task.array]
    front = array.known is Known.LATERAL
    all_around = array.known is Known.SPHERE
    rows = []
    for sounds in task.sounds:
        for snr in task.snrs:
            options = RoomOptions(
                seed=task.seed,
                rt60=task.rt60,
                snr=snr,
                sounds=sounds,
                azimuths=(-math.pi / 2, math.pi / 2) if front else (-math.pi, math.pi),
                elevations=(-FAR_UP, FAR_UP) if all_around else RoomOptions().elevations,
            )
            truth = draw(options, array)
            samples = record(truth, array)
            if task.cell == "quiet":
                rows += quiet(task, samples)
                continue
            true = np.array([source.path[0].vector for source in truth.sources])
            true /= np.linalg.norm(true, axis=1)[:, None]
            for method, (found, cpu_ms) in by_each(task, array, samples, len(true)).items():
                for source, error in zip(truth.sources, errors(array, found, true), strict=True):
                    azimuth = math.degrees(source.path[0].azimuth)
                    rows.append(
                        Row(
                            task.cell,
                            task.array,
                            task.rt60,
                            snr,
                            task.seed,
                            source.label,
                            azimuth,
                            method,
                            error,
                            cpu_ms,
                        )
                    )
    return rows


def quiet(task: Task, samples: NDArray[np.float32]) -> Iterator[Row]:
    """Of each window the directions that are told, in the place of an error."""
    for kind, window in {"zeros": np.zeros_like(samples), "diffuse": samples}.items():
        found, cpu_ms = timed(lambda heard=window: listener(task.array, 2).directions(heard))
        yield Row(task.cell, task.array, task.rt60, 0.0, task.seed, kind, 0.0, OURS, len(found), cpu_ms)


def by_each(
    task: Task, array: MicrophoneArray, samples: NDArray[np.float32], count: int
) -> Mapping[str, tuple[Vectors, float]]:
    """The directions that each method tells, and its CPU time, ms."""
    own = listener(task.array, count)
    found, cpu_ms = timed(lambda: own.directions(samples))
    results = {OURS: (np.array([one.vector for one in found]).reshape(-1, 3), cpu_ms)}
    if array.kind is not Kind.AMBISONIC:  # for which the library has none
        for name in task.library:
            results[name] = timed(lambda named=name: by_library(named, task.array, samples, count))
    return results


@cache
def listener(name: str, count: int) -> Listener:
    return Listener(arrays()[name], SPEECH_RATE_HZ, HearingOptions(array_directions=count))


@cache
def of_library(method: str, name: str, count: int) -> Any:
    """A localizer of pyroomacoustics, its grid 1 degree, or over the sphere SPHERE_POINTS, about 2.9 degrees apart."""
    from pyroomacoustics import doa  # noqa: PLC0415  # an extra

    array = arrays()[name]
    if array.known is Known.SPHERE:
        return doa.algorithms[method](array.points.T, SPEECH_RATE_HZ, FFT, num_src=count, dim=3, n_grid=SPHERE_POINTS)
    half = array.known is Known.LATERAL
    azimuth = np.radians(np.arange(-90, 91) if half else np.arange(-180, 180))
    return doa.algorithms[method](array.points.T[:2], SPEECH_RATE_HZ, FFT, num_src=count, dim=2, azimuth=azimuth)


def by_library(method: str, name: str, samples: NDArray[np.float32], count: int) -> Vectors:
    from pyroomacoustics.transform import stft  # noqa: PLC0415  # an extra

    hearing = HearingOptions()
    own = samples[list(arrays()[name].channels)]
    spectra = stft.analysis(own.T, FFT, HOP, win=np.hanning(FFT)).transpose(2, 1, 0)
    localizer = of_library(method, name, count)
    localizer.locate_sources(spectra, num_src=count, freq_range=[hearing.fmin, hearing.fmax])
    azimuth = np.atleast_1d(localizer.azimuth_recon)
    up = np.pi / 2 - localizer.colatitude_recon if arrays()[name].known is Known.SPHERE else 0 * azimuth
    return np.array([np.cos(azimuth) * np.cos(up), np.sin(azimuth) * np.cos(up), np.sin(up) + 0 * azimuth]).T


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    result = call()
    return result, 1000 * (time.process_time() - began)


def errors(array: MicrophoneArray, found: Vectors, true: Vectors) -> list[float]:
    """Of each true direction, degrees, to its own found one: so assigned that their sum is least."""
    apart = np.array([[error(array, one, other) for other in found] + [NONE] * len(true) for one in true])
    ways = permutations(range(apart.shape[1]), len(true))
    return min(([float(apart[i, j]) for i, j in enumerate(way)] for way in ways), key=sum)


def error(array: MicrophoneArray, true: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Degrees, of what the array can know."""
    if array.known is Known.SPHERE:
        return math.degrees(math.acos(min(1.0, max(-1.0, float(true @ found)))))
    if array.known is Known.LATERAL:
        one, other = (math.asin(min(1.0, max(-1.0, float(ray @ array.axis)))) for ray in (true, found))
        return math.degrees(abs(one - other))
    turn = math.atan2(true[1], true[0]) - math.atan2(found[1], found[0])
    return math.degrees(abs(math.remainder(turn, math.tau)))


def told(rows: list[Row]) -> None:
    """Of each cell and method: median error, degrees, share within 10 degrees, CPU time."""
    methods = [method for method in (OURS, *LIBRARY) if any(row.method == method for row in rows)]
    heard = [row for row in rows if row.cell != "quiet"]
    print("median error in degrees, share within 10 degrees; CPU ms a window\n")
    print(f"{'array':16} {'cell':4} {'RT60':>4} {'SNR':>4} {'n':>4} " + " ".join(f"{m:>18}" for m in methods))
    for key, some in grouped(heard, lambda row: (row.array, row.cell, row.rt60, row.snr)):
        print(f"{key[0]:16} {key[1]:4} {key[2]:4.1f} {key[3]:4.0f} {line(some, methods)}")
    print("\nby sound, over all of RT60 and SNR")
    for key, some in grouped(heard, lambda row: (row.array, row.cell, row.sound)):
        print(f"{key[0]:16} {key[1]:4} {key[2]:>9} {line(some, methods)}")
    if quiet_rows := [row for row in rows if row.cell == "quiet"]:
        print("\nwindows without a source in which a direction is told")
        for key, some in grouped(quiet_rows, lambda row: (row.array, row.sound)):
            print(f"{key[0]:16} {key[1]:9} {sum(row.error > 0 for row in some)} of {len(some)}")
    print()


def line(rows: list[Row], methods: list[str]) -> str:
    parts = []
    for method in methods:
        some = [row for row in rows if row.method == method]
        if some:
            error = np.array([row.error for row in some])
            spent = np.median([row.cpu_ms for row in some])
            parts.append(f"{np.median(error):5.1f} {(error <= 10).mean():4.0%} {spent:4.0f} ms")
        else:
            parts.append("-")
    return f"{sum(row.method == OURS for row in rows):4} " + " ".join(f"{part:>18}" for part in parts)


def grouped(rows: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())


def held(part: object, seen: set[int] | None = None) -> int:
    """Bytes of the arrays that something holds."""
    seen = set() if seen is None else seen
    if id(part) in seen:
        return 0
    seen.add(id(part))
    if isinstance(part, np.ndarray):
        return part.nbytes
    inner = list(part) if isinstance(part, (list, tuple)) else list(getattr(part, "__dict__", {}).values())
    return sum(held(one, seen) for one in inner)


if __name__ == "__main__":
    main()
