"""Microphone arrays: where each channel's microphone is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.sound_direction import Known
from gar_ssl_ros.spatial.transforms import Vector

MIN_APERTURE_M, MAX_APERTURE_M = 0.005, 5.0  # from one microphone to the one furthest from it
FLAT = 0.02  # of the aperture: microphones that near a plane, or a line, are on it


class ArrayError(UserError):
    """What describes no array, or not the one that was recorded: one sentence with the remedy."""


class Kind(Enum):
    """What the channels are: microphones in the open, first-order ambisonics (ACN, SN3D), or the ears of a head."""

    MICROPHONES = "microphones"
    AMBISONIC = "ambisonic"
    BINAURAL = "binaural"


@dataclass(frozen=True)
class MicrophoneArray:
    """An array as it is recorded.

    positions: m, of each microphone, in the array's frame (REP-103: x forward, y left, z up; a flat array lies in the
    plane of x and y); of a head, where the ears are; none for AMBISONIC. channels: of the recording, from 0 on, which
    carry those, in their order. recorded: how many the device records in all, 0 where that may be any. source: who
    says so. responses: of a head that is simulated, a SOFA file of its own; KEMAR's where empty. Raises ArrayError
    where it is no array.
    """

    name: str
    channels: tuple[int, ...]
    positions: tuple[Vector, ...] = ()
    kind: Kind = Kind.MICROPHONES
    recorded: int = 0
    source: str = ""
    responses: str = ""

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise ArrayError(f"array {self.name}: {problem}")

    @cached_property
    def points(self) -> Points:
        """The positions about their middle, (n, 3), m."""
        given = np.array(self.positions, np.float64).reshape(-1, 3)
        return np.asarray(given - given.mean(axis=0))

    @cached_property
    def known(self) -> Known:
        """What it can tell of a direction."""
        if self.kind is Kind.AMBISONIC:
            return Known.SPHERE
        spread = np.linalg.svd(self.points, compute_uv=False)
        flat = spread <= FLAT * spread[0]
        return Known.LATERAL if flat[1] else Known.AZIMUTH if len(spread) < 3 or flat[2] else Known.SPHERE

    @cached_property
    def axis(self) -> Vector:
        """Of length 1: what its angles are about; see SoundDirection. Of a line, that end which is more to the left."""
        if self.known is not Known.LATERAL:
            return 0.0, 0.0, 1.0
        x, y, z = np.linalg.svd(self.points)[2][0].tolist()
        turn = 1.0 if (y, x, z) >= (0.0, 0.0, 0.0) else -1.0
        return turn * x, turn * y, turn * z

    def _problem(self) -> str:
        """Why it is no array; empty where it is one."""
        if len(set(self.channels)) < len(self.channels) or min(self.channels, default=0) < 0:
            return f"its channels {list(self.channels)} are not all different, from 0 on: name each once"
        if self.recorded and max(self.channels, default=0) >= self.recorded:
            return f"its channel {max(self.channels)} is not one of the {self.recorded} recorded, which count from 0"
        if self.kind is Kind.AMBISONIC:
            return (
                "" if len(self.channels) == 4 else f"it has {len(self.channels)} channels: first order has 4 (W Y Z X)"
            )
        count = len(self.positions)
        if count != len(self.channels):
            return f"it has {len(self.channels)} channels and {count} positions: give each microphone both"
        if count < 2:
            return f"it has {count} microphones: a direction needs 2"
        if self.kind is Kind.BINAURAL and count != 2:
            return f"it has {count} ears: a head has 2"
        points = np.array(self.positions, np.float64)
        if not np.isfinite(points).all():
            return "its positions are not all numbers: give m"
        apart = [math.dist(one, other) for i, one in enumerate(self.positions) for other in self.positions[:i]]
        if not (min(apart) >= MIN_APERTURE_M and max(apart) <= MAX_APERTURE_M):
            told = f"its microphones are {min(apart):g} to {max(apart):g} m apart"
            return f"{told}: give positions in m, {MIN_APERTURE_M:g} to {MAX_APERTURE_M:g} apart"
        return ""
