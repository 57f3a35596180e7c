"""How exactly directions are heard in real recordings, beside pyroomacoustics' SRP, MUSIC and NormMUSIC on the same.

    python benchmarks/real_arrays.py FOLDER benchmarks/real_arrays.json            every set, each method
    python benchmarks/real_arrays.py FOLDER TRUTH.json --sets clap line --library --half first      ours, on half

FOLDER holds the repositories that the truth names, each cloned at its commit: FOLDER/rs-mnmf and so on. Nothing of
theirs is part of this one. A set holds recordings, or responses that were measured in a room, which are given dry
speech and, two of one place together, two voices. Windows of 3 s, or of 1 s where a recording is shorter, or all of it.
Errors: as in spatial.py; 180 degrees where no direction is told. Told: as many directions as there are sources. Mirror:
front and back are mistaken. More: of windows with one source, those in which a second direction is told by default.
Where the makers do not state their zero and sense, or the recordings contradict them, `fit` takes the sense and offset
that suit every second recording best, and the others are reported. SOFA files need h5py.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.io import loadmat
from scipy.signal import fftconvolve, resample_poly
from spatial import LIBRARY, OURS, SPHERE_POINTS, errors

from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.sound_direction import Known
from gar_ssl_ros.spatial.transforms import Vector

WINDOW_S, SHORT_S = 3.0, 1.0
DRY_RATE = 16_000  # Hz, of responses and what they are given
BEGIN_S = 1.0  # of a response's window: by then, the room sounds
TWO_APART = 20.0  # degrees, of two voices at least
MOST_PAIRS = 40  # of a place
FRAME_S = 0.032  # of the library's spectra
Samples = NDArray[np.float32]  # (channels, n)
Vectors = NDArray[np.float64]  # (n, 3), of length 1


class Facts(BaseModel):
    """Of the truth's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Array(Facts):
    """known: its name in the catalogue, in the place of positions. channels: all, in their order, where empty."""

    known: str = ""
    positions: tuple[Vector, ...] = ()
    channels: tuple[int, ...] = ()


class Recording(Facts):
    """One, or several with the same truth.

    files: patterns, whose channels together are recorded; each match is one of its own, or a piece where the set's are
    joined. sources: azimuth and, where it is known, elevation of each, degrees. row: of a SOFA file. place: where a
    response's array stands. channels, positions: where they are not the set's.
    """

    files: tuple[str, ...]
    sources: tuple[tuple[float, ...], ...]
    row: int = 0
    place: str = ""
    channels: tuple[int, ...] = ()
    positions: tuple[Vector, ...] = ()


class Set(Facts):
    """stated: how the makers state the truth. variable, rate: of .mat files. dry: what responses are given."""

    name: str
    source: str
    licence: str
    stated: str
    array: Array = Array()
    variable: str = ""
    rate: int = 0
    joined: bool = False
    fit: bool = False
    dry: tuple[str, ...] = ()
    recordings: tuple[Recording, ...]


class Truth(Facts):
    """All sets."""

    sets: tuple[Set, ...]


@dataclass(frozen=True, eq=False)
class Heard:
    """A window. number: of its recording in the set, from 0 on."""

    number: int
    array: MicrophoneArray
    samples: Samples
    rate: int
    true: Vectors


@dataclass(frozen=True, eq=False)
class Result:
    """What a method tells of a window, and whether, of ours, more is told by default."""

    heard: Heard
    found: Vectors
    more: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--sets", nargs="+", default=[""], help="those whose names begin so")
    parser.add_argument("--library", nargs="*", choices=LIBRARY, default=LIBRARY, help="which beside ours")
    parser.add_argument("--half", choices=("first", "second", "all"), default="all", help="every second recording")
    options = parser.parse_args()
    print(f"{'':46} {'n':>4} {'':9} {'told':>5} {'median':>7} {'<= 10':>6} {'mirror':>6} {'more':>5}")
    for one in Truth.model_validate_json(options.truth.read_text()).sets:
        if one.name.startswith(tuple(options.sets)):
            told(one, list(windows(options.folder, one)), options.library, options.half)


def told(one: Set, every: list[Heard], library: list[str], half: str) -> None:
    """Print what each method tells of one source, and of several at once."""
    if one.fit:
        way = fitted([by_method(OURS, heard, 1) for heard in every if len(heard.true) == 1 and heard.number % 2 == 0])
        every = [turned(heard, *way) for heard in every]
        print(f"{one.name}: sense {way[0]:+d}, offset {way[1]} degrees, fitted on the first half")
    kept = {"all": {0, 1}, "first": {0}, "second": {1}}["second" if one.fit else half]
    for count in sorted({len(heard.true) for heard in every}):
        some = [heard for heard in every if len(heard.true) == count and heard.number % 2 in kept]
        for method in (OURS, *library) if some else ():
            results = [by_method(method, heard, count) for heard in some]
            print(f"{one.name + (f', {count} sources' if count > 1 else ''):46} {line(method, results)}", flush=True)


def line(method: str, results: list[Result]) -> str:
    each = [(r, error) for r in results for error in errors(r.heard.array, r.found, r.heard.true)]
    error = np.array([value for _, value in each])
    round_about = [r for r in results if r.heard.array.known is not Known.LATERAL and len(r.heard.true) == 1]
    mirrored = [is_mirrored(r.heard.true[0], r.found[0]) for r in round_about if len(r.found)]
    answered = np.mean([len(r.found) >= len(r.heard.true) for r in results])
    parts = [f"{len(results):4} {method:9} {answered:5.0%} {np.median(error):7.1f} {(error <= 10).mean():6.0%}"]
    parts.append(f"{np.mean(mirrored):6.0%}" if mirrored else " " * 6)
    if method == OURS and len(results[0].heard.true) == 1:
        parts.append(f"{np.mean([r.more for r in results]):5.0%}")
    return " ".join(parts)


def is_mirrored(true: NDArray[np.float64], found: NDArray[np.float64]) -> bool:
    """Whether it is nearer when it is mirrored, front to back."""
    return float((found * (-1.0, 1.0, 1.0)) @ true) > float(found @ true)


def fitted(results: list[Result]) -> tuple[int, int]:
    """Which sense, and what offset in degrees, suit them best."""
    ways = [(sense, offset) for offset in range(0, 360, 2) for sense in (1, -1)]  # of as good ones, the least
    return min(ways, key=lambda way: sum(min(error, 45.0) for r in results for error in off(r, *way)))


def off(result: Result, sense: int, offset: int) -> list[float]:
    return errors(result.heard.array, result.found, turned(result.heard, sense, offset).true)


def turned(heard: Heard, sense: int, offset: int) -> Heard:
    azimuth = sense * np.arctan2(heard.true[:, 1], heard.true[:, 0]) + math.radians(offset)
    true = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    return replace(heard, true=true)


def windows(folder: Path, one: Set) -> Iterator[Heard]:
    """Of a set: each recording's, in their order, then those of two voices."""
    if not one.dry:
        for number, recording in enumerate(one.recordings):
            array, true = array_of(one, recording), vectors(recording)
            for samples, rate in recorded(folder, one, recording):
                size = next((s for s in (round(WINDOW_S * rate), round(SHORT_S * rate)) if s <= samples.shape[1]), None)
                for at in range(0, samples.shape[1] - (size or 0) + 1, size or samples.shape[1] + 1):
                    yield Heard(number, array, samples[:, at : at + (size or samples.shape[1])], rate, true)
        return
    voices = [mono(folder / name) for name in one.dry]
    at_place = defaultdict(list)
    for number, recording in enumerate(one.recordings):
        (response, rate), *_ = recorded(folder, one, recording)
        response = resample_poly(response, DRY_RATE, rate, axis=1).astype(np.float32)
        at_place[recording.place].append((number, recording, response))
        yield spoken(one, number, [(recording, response)], voices)
    for some in at_place.values():
        two = [pair for pair in combinations(some, 2) if apart(pair[0][1], pair[1][1]) >= TWO_APART]
        for (number, first, response), (_, second, other) in two[:: math.ceil(len(two) / MOST_PAIRS)]:
            yield spoken(one, number, [(first, response), (second, other)], voices)


def spoken(one: Set, number: int, sources: list[tuple[Recording, Samples]], voices: list[Samples]) -> Heard:
    """A window of responses given a voice each, the next one's number on."""
    begin, size = round(BEGIN_S * DRY_RATE), round(WINDOW_S * DRY_RATE)
    samples = np.zeros((len(array_of(one, sources[0][0]).channels), size), np.float32)
    for which, (recording, response) in enumerate(sources):
        voice = voices[(number + which * len(voices) // 2) % len(voices)][: begin + size]
        wet = fftconvolve(response[list(recording.channels) or slice(None)], voice[None], axes=1)
        samples += wet[:, begin : begin + size].astype(np.float32)
    array = array_of(one, sources[0][0])
    own = MicrophoneArray(array.name, tuple(range(len(samples))), array.positions, array.kind)
    true = np.concatenate([vectors(recording) for recording, _ in sources])
    return Heard(number, own, samples / np.abs(samples).max(), DRY_RATE, true)


def apart(one: Recording, other: Recording) -> float:
    return abs(one.sources[0][0] - other.sources[0][0])


def recorded(folder: Path, one: Set, recording: Recording) -> Iterator[tuple[Samples, int]]:
    """The recordings that match, as they are in the files."""
    matches = [sorted(folder.glob(pattern)) for pattern in recording.files]
    if not all(matches):
        raise SystemExit(f"{folder} has none of {recording.files}: clone {one.source} there")
    every = [[of_file(path, one, recording) for path in alike] for alike in zip(*matches, strict=True)]
    rate = every[0][0][1]
    stacked = [np.concatenate([samples for samples, _ in alike]) for alike in every]
    yield from ((samples, rate) for samples in ([np.concatenate(stacked, axis=1)] if one.joined else stacked))


def of_file(path: Path, one: Set, recording: Recording) -> tuple[Samples, int]:
    if path.suffix == ".mat":
        return np.asarray(loadmat(path)[one.variable].T, np.float32), one.rate
    if path.suffix == ".sofa":
        try:
            import h5py  # noqa: PLC0415  # what no other set needs
        except ImportError:
            raise SystemExit(f"{path} is read by h5py, which is not installed: pip install h5py") from None
        with h5py.File(path) as file:
            return np.asarray(file["Data.IR"][recording.row], np.float32), round(float(file["Data.SamplingRate"][0]))
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.T, rate


def mono(path: Path) -> Samples:
    """A voice, of power 1."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    voice = resample_poly(samples.mean(axis=1), DRY_RATE, rate)
    return np.asarray(voice / np.sqrt((voice**2).mean()), np.float32)


def array_of(one: Set, recording: Recording) -> MicrophoneArray:
    if one.array.known:
        return arrays()[one.array.known]
    positions = recording.positions or one.array.positions
    channels = recording.channels or one.array.channels or tuple(range(len(positions)))
    return MicrophoneArray(one.name, channels, positions)


def vectors(recording: Recording) -> Vectors:
    angles = np.radians([(*source, 0.0)[:2] for source in recording.sources])
    azimuth, up = angles.T
    return np.stack([np.cos(azimuth) * np.cos(up), np.sin(azimuth) * np.cos(up), np.sin(up)], axis=1)


def by_method(method: str, heard: Heard, count: int) -> Result:
    """What it tells, given how many sources there are."""
    if method != OURS:
        return Result(heard, by_library(method, heard, count))
    found, more = (
        Listener(heard.array, heard.rate, HearingOptions(array_directions=many)).directions(heard.samples)
        for many in (count, HearingOptions().array_directions)
    )
    return Result(heard, np.array([one.vector for one in found]).reshape(-1, 3), len(more) > count)


def by_library(method: str, heard: Heard, count: int) -> Vectors:
    """Its grid is 1 degree, or over the sphere as in spatial.py."""
    from pyroomacoustics import doa  # noqa: PLC0415  # an extra
    from pyroomacoustics.transform import stft  # noqa: PLC0415

    array, hearing = heard.array, HearingOptions()
    size = 2 * round(FRAME_S * heard.rate / 2)
    samples = heard.samples[list(array.channels)]
    spectra = stft.analysis(samples.T, size, size // 2, win=np.hanning(size)).transpose(2, 1, 0)
    grid: dict[str, Any] = {"dim": 3, "n_grid": SPHERE_POINTS}
    if array.known is not Known.SPHERE:
        around = np.arange(-90, 91) if array.known is Known.LATERAL else np.arange(-180, 180)
        grid = {"dim": 2, "azimuth": np.radians(around)}
    places = array.points.T[: grid["dim"]]
    localizer = doa.algorithms[method](places, heard.rate, size, num_src=count, **grid)
    localizer.locate_sources(spectra, num_src=count, freq_range=[hearing.fmin, min(hearing.fmax, 0.47 * heard.rate)])
    azimuth = np.atleast_1d(localizer.azimuth_recon)
    up = np.pi / 2 - localizer.colatitude_recon if grid["dim"] == 3 else 0 * azimuth
    return np.array([np.cos(azimuth) * np.cos(up), np.sin(azimuth) * np.cos(up), np.sin(up) + 0 * azimuth]).T


if __name__ == "__main__":
    main()
