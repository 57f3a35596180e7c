"""Rooms whose truth is known: sounds at bearings about a microphone array, with echoes and noise, as it records them.

Conventions are REP-103's, in the array's frame: x forward, y left, z up; azimuth positive to the left, elevation
positive up, both in rad. The same options give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.evaluation.scenes.acoustics import diffuse_noise, impulse_responses
from gar_ssl_ros.evaluation.scenes.recognisable import CLASSES
from gar_ssl_ros.evaluation.scenes.sounds import KINDS, Samples
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.transforms import Vector, as_vector

Random = np.random.Generator
SOUNDS = {**KINDS, **CLASSES}
SIDES_M = ((4.0, 9.0), (4.0, 8.0), (2.4, 3.6))  # of a room: length, width, height
ARRAY_FROM_WALL_M, SOURCE_FROM_WALL_M = 0.8, 0.3
ARRAY_HEIGHTS_M = (0.8, 1.6)  # on a robot, or on a table
STEP_S = 0.125  # between two places of a source that moves; from one to the next, it fades over
SENSOR_NOISE_DB = -10.0  # of each channel's own, beside the noise that comes from everywhere
QUIET_DBFS = (-60.0, -35.0)  # of a room in which nothing sounds
PEAK = 0.5  # of a recording
MAX_DRAWS = 500  # rooms, before the sources are brought nearer
Range = tuple[float, float]


@dataclass(frozen=True)
class Position:
    """From the array's middle. azimuth, elevation: rad. distance: m."""

    azimuth: float
    elevation: float
    distance: float

    @property
    def vector(self) -> Vector:
        """In the array's frame, m."""
        x, y, z = body_of_angles(self.azimuth, self.elevation)
        return x * self.distance, y * self.distance, z * self.distance


@dataclass(frozen=True)
class RoomSource:
    """What sounds, from `start` to `end`, s. path: where it is, at even times between; one place where it stands."""

    label: str
    start: float
    end: float
    path: tuple[Position, ...]

    def at(self, time: float) -> Position:
        """Where it is at a time, s; before its start and after its end, where it is then."""
        share = (time - self.start) / max(self.end - self.start, 1e-9)
        return self.path[round(min(1.0, max(0.0, share)) * (len(self.path) - 1))]


@dataclass(frozen=True)
class RoomTruth:
    """All that is true of a recording, and all that it is made from.

    array: its name. seconds: length. size: of the room, m. place, yaw: of the array in the room, m from a corner, rad.
    rt60: s, by Sabine's formula. snr: dB, of each source's sound in the room, over the whole recording, to the noise.
    noise_dbfs: of the noise, where nothing sounds.
    """

    seed: int
    array: str
    seconds: float
    size: Vector
    place: Vector
    yaw: float
    rt60: float
    snr: float
    noise_dbfs: float
    sources: tuple[RoomSource, ...]


@dataclass(frozen=True)
class RoomOptions:
    """What is drawn. seed: the same gives the same room. rt60: s. snr: dB. seconds: length. sounds: what sounds at the
    same time, a name of SOUNDS each; none for noise alone. azimuths, elevations: rad, and distances: m, that the
    sources are drawn from. separation: between two sources at least, as azimuth, rad. turning: of a source that moves
    about the array, rad/s, either way. Raises OptionError where a sound is not known.
    """

    seed: int = 0
    rt60: float = 0.4
    snr: float = 10.0
    seconds: float = 3.0
    sounds: tuple[str, ...] = ("speech",)
    azimuths: Range = (-math.pi, math.pi)
    elevations: Range = (math.radians(-10), math.radians(15))
    distances: Range = (1.0, 3.0)
    separation: float = math.radians(30)
    turning: float = 0.0

    def __post_init__(self) -> None:
        if unknown := set(self.sounds) - set(SOUNDS):
            raise OptionError(f"no sound is called {sorted(unknown)[0]!r}: choose of {', '.join(SOUNDS)}")


def draw(options: RoomOptions, array: MicrophoneArray) -> RoomTruth:
    """A room by its seed, alike for every array, rt60 and snr."""
    random = np.random.default_rng([options.seed, 0])
    starts: list[Position] = []
    while len(starts) < len(options.sounds):
        azimuth, elevation = random.uniform(*options.azimuths), random.uniform(*options.elevations)
        clear = [abs(math.remainder(azimuth - one.azimuth, math.tau)) >= options.separation for one in starts]
        if all(clear):
            starts.append(Position(azimuth, elevation, random.uniform(*options.distances)))
        elif random.random() < 0.01:
            starts.clear()  # those that are placed may leave no place for another
    way = float(random.choice([-1.0, 1.0])) * options.turning
    places = 1 + (round(options.seconds / STEP_S) if options.turning else 0)
    turned = np.linspace(0, way * options.seconds, places)
    paths = [
        tuple(replace(one, azimuth=math.remainder(one.azimuth + float(by), math.tau)) for by in turned)
        for one in starts
    ]
    told = zip(options.sounds, paths, strict=True)
    sources = [RoomSource(label, 0.0, options.seconds, path) for label, path in told]
    return room_around(sources, options, array)


def room_around(sources: Sequence[RoomSource], options: RoomOptions, array: MicrophoneArray) -> RoomTruth:
    """A room that holds the array and these sources, which come nearer where none does."""
    random = np.random.default_rng([options.seed, 1])
    paths = [source.path for source in sources]
    while True:
        points = np.array([one.vector for path in paths for one in path]).reshape(-1, 3)
        for _ in range(MAX_DRAWS):
            size = np.array([random.uniform(*side) for side in SIDES_M])
            place = random.uniform(ARRAY_FROM_WALL_M, size - ARRAY_FROM_WALL_M)
            place[2] = random.uniform(*ARRAY_HEIGHTS_M)
            yaw = random.uniform(-math.pi, math.pi)
            turn = np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
            placed = points @ turn.T + place
            if (placed > SOURCE_FROM_WALL_M).all() and (placed < size - SOURCE_FROM_WALL_M).all():
                moved = [replace(source, path=path) for source, path in zip(sources, paths, strict=True)]
                return RoomTruth(
                    seed=options.seed,
                    array=array.name,
                    seconds=options.seconds,
                    size=as_vector(size),
                    place=as_vector(place),
                    yaw=float(yaw),
                    rt60=options.rt60,
                    snr=options.snr,
                    noise_dbfs=float(random.uniform(*QUIET_DBFS)),
                    sources=tuple(moved),
                )
        paths = [tuple(replace(one, distance=0.9 * one.distance) for one in path) for path in paths]


def record(truth: RoomTruth, array: MicrophoneArray, sounds: Sequence[Samples] | None = None) -> NDArray[np.float32]:
    """What the array records: (recorded channels, samples) at SPEECH_RATE_HZ; those that are not the array's are zero.

    sounds: of each source, at SPEECH_RATE_HZ from its start on; made of their labels where not given. Raises UserError
    where what simulates rooms is not installed.
    """
    count = round(truth.seconds * SPEECH_RATE_HZ)
    alike = replace(truth, snr=0.0)
    heard = _heard(alike, array, count) if sounds is None else _together(alike, array, count, sounds)
    noise = room_noise(truth.seed, array, count)
    if truth.sources:
        heard = heard + noise * 10 ** (-truth.snr / 20)
        heard *= PEAK / max(float(np.abs(heard).max()), 1e-9)
    else:
        heard = noise * 10 ** (truth.noise_dbfs / 20)
    recorded = np.zeros((array.recorded or 1 + max(array.channels), count), np.float32)
    recorded[list(array.channels)] = heard
    return recorded


@lru_cache(maxsize=2)  # the same again at another SNR
def _heard(truth: RoomTruth, array: MicrophoneArray, count: int) -> NDArray[np.float64]:
    sounds = []
    for number, source in enumerate(truth.sources):
        random = np.random.default_rng([truth.seed, 2, number])
        sounds.append(SOUNDS[source.label](random, source.end - source.start).samples)
    return _together(truth, array, count, sounds)


def _together(truth: RoomTruth, array: MicrophoneArray, count: int, sounds: Sequence[Samples]) -> NDArray[np.float64]:
    """All sources, of level 1 each."""
    heard = np.zeros((len(array.channels), count))
    for source, samples in zip(truth.sources, sounds, strict=True):
        arrived = _arrived(truth, source, samples.astype(np.float64), array, count)
        heard += arrived / max(level_of(arrived, array), 1e-9)
    return heard


@lru_cache(maxsize=2)
def room_noise(seed: int, array: MicrophoneArray, count: int) -> NDArray[np.float64]:
    """From everywhere and of each channel's own, of level 1: (channels, count)."""
    random = np.random.default_rng([seed, 3])
    own = random.standard_normal((len(array.channels), count)) * 10 ** (SENSOR_NOISE_DB / 20)
    noise = diffuse_noise(random, array, count) + own
    return np.asarray(noise / level_of(noise, array))


def _arrived(
    truth: RoomTruth, source: RoomSource, samples: NDArray[np.float64], array: MicrophoneArray, count: int
) -> NDArray[np.float64]:
    """A source's sound at each channel, from each of its places as much as it is there: (channels, count)."""
    first = round(source.start * SPEECH_RATE_HZ)
    at = np.linspace(0, len(source.path) - 1, len(samples))
    shares = [np.clip(1 - np.abs(at - place), 0, 1) for place in range(len(source.path))]
    total = np.zeros((len(array.channels), count))
    turn = np.exp(1j * truth.yaw)
    for position, share in zip(source.path, shares, strict=True):
        x, y, z = position.vector
        level = complex(x, y) * turn
        from_corner = as_vector(np.array([level.real, level.imag, z]) + truth.place)
        responses = impulse_responses(truth.size, truth.rt60, from_corner, truth.place, truth.yaw, array)
        arrived = convolved(samples * share, responses)[:, : count - first]
        total[:, first : first + arrived.shape[1]] += arrived
    return total


def convolved(samples: NDArray[np.floating], responses: NDArray[np.floating]) -> NDArray[np.float64]:
    """A sound, (samples,), as each channel hears it, at least as long: (channels, more)."""
    count = 1 << (len(samples) + responses.shape[1] - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(samples, count) * np.fft.rfft(responses, count), count))


def level_of(heard: NDArray[np.float64], array: MicrophoneArray) -> float:
    """RMS over the channels; of ambisonics, of the one that hears evenly."""
    even = heard[:1] if array.kind is Kind.AMBISONIC else heard
    return float(np.sqrt((even**2).mean()))
