"""Rooms to ask about: shoeboxes in which the listener stands at one place, and things and sources at some others.

What a room carries from each of its places to the listener is found once, and kept in a file; so a scene costs one
convolution, not a room.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.questions.options import SPLITS
from gar_ssl_ros.evaluation.scenes.acoustics import impulse_responses
from gar_ssl_ros.evaluation.scenes.rooms import ARRAY_FROM_WALL_M, SIDES_M, SOURCE_FROM_WALL_M
from gar_ssl_ros.files import read_file, write_whole
from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.questions.forms import Spot, spot_of_point
from gar_ssl_ros.spatial.transforms import Vector, as_vector

NEAREST_M, HIGHEST = 0.9, 35.0  # of a place from the listener: m, and degrees up or down
LISTENER_HEIGHTS_M = (0.9, 1.6)
HEIGHTS_M = (0.35, 2.0)  # of a place above the floor
KEPT_ROOMS = 128  # in memory
MAX_DRAWS = 200
Responses = NDArray[np.float32]  # (places, channels, taps)


@dataclass(frozen=True)
class QuestionRoom:
    """name: such as `test/3`. size: m. place, yaw: of the listener, m from a corner, rad. spots: as it sees them.
    points: the same, m from the corner. look: a seed of how its surfaces look.
    """

    name: str
    size: Vector
    place: Vector
    yaw: float
    spots: tuple[Spot, ...]
    points: tuple[Vector, ...]
    look: int


@lru_cache(maxsize=KEPT_ROOMS)
def room_of(seed: int, split: str, number: int, places: int) -> QuestionRoom:
    """A split's room by its number: alike for every array and RT60, and no other split's."""
    random = np.random.default_rng([seed, SPLITS.index(split), number, 0])
    while True:
        size = np.array([random.uniform(*side) for side in SIDES_M])
        place = random.uniform(ARRAY_FROM_WALL_M, size - ARRAY_FROM_WALL_M)
        place[2] = random.uniform(*LISTENER_HEIGHTS_M)
        yaw = float(random.uniform(-math.pi, math.pi))
        found = [_place(random, size, place, 2 * math.pi * (one / places - 0.5), places) for one in range(places)]
        points = [one for one in found if one is not None]
        if len(points) == places:
            break
    turn = np.array([[math.cos(yaw), -math.sin(yaw), 0.0], [math.sin(yaw), math.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    spots = tuple(spot_of_point((point - place) @ turn) for point in points)
    vectors = tuple(as_vector(point) for point in points)
    name, look = f"{split}/{number}", int(random.integers(2**31))
    return QuestionRoom(name, as_vector(size), as_vector(place), yaw, spots, vectors, look)


class RoomResponses:
    """What rooms carry to one array. folder: where it is kept; None for nowhere."""

    def __init__(self, array: MicrophoneArray, rt60: float, folder: Path | None) -> None:
        self._array, self._rt60, self._folder = array, rt60, folder
        self._of: Callable[[QuestionRoom], Responses] = lru_cache(maxsize=KEPT_ROOMS)(self._read)

    def of(self, room: QuestionRoom) -> Responses:
        """Of all its places. Raises OSError where they cannot be kept, UserError where there can be no such room."""
        return self._of(room)

    def _read(self, room: QuestionRoom) -> Responses:
        if self._folder is None:
            return self._found(room)
        told = repr((room.size, room.place, room.yaw, room.points, self._rt60, self._array))
        path = self._folder / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.npy"
        if path.is_file():
            try:
                return np.asarray(np.load(io.BytesIO(read_file(path)), allow_pickle=False), np.float32)
            except (ValueError, EOFError):  # damaged: found anew
                pass
        found = self._found(room)
        packed = io.BytesIO()
        np.save(packed, found)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, packed.getvalue())
        return found

    def _found(self, room: QuestionRoom) -> Responses:
        each = [
            impulse_responses(room.size, self._rt60, point, room.place, room.yaw, self._array) for point in room.points
        ]
        return np.asarray(np.stack(each), np.float32)


def _place(
    random: np.random.Generator, size: NDArray[np.float64], place: NDArray[np.float64], middle: float, places: int
) -> NDArray[np.float64] | None:
    """Somewhere in a sector about the listener, or None where there is no room for it."""
    for _ in range(MAX_DRAWS):
        bearing = middle + random.uniform(-0.5, 0.5) * 2 * math.pi / places
        far, height = random.uniform(NEAREST_M, 5.0), random.uniform(*HEIGHTS_M)
        point = np.array([place[0] + far * math.cos(bearing), place[1] + far * math.sin(bearing), height])
        inside = (point > SOURCE_FROM_WALL_M).all() and (point < size - SOURCE_FROM_WALL_M).all()
        if inside and abs(math.degrees(math.atan2(height - place[2], far))) <= HIGHEST:
            return point
    return None
