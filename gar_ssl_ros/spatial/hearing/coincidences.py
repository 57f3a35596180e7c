"""Sounds kept with what in view may have made them: for a camera's turn, and for the order of an array's channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, permutations

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.spatial.camera import Camera, Points
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.calibration import (
    MIN_EVENTS,
    Calibration,
    CalibrationError,
    Coincidence,
    agreement,
    calibrated,
)
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.mounting import Mounting
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.panorama import Panorama

MAX_KEPT = 200  # coincidences, the newest
MAX_TRIED = 40  # of them whose sound is kept, to try other orders of the channels with: 0.4 MB each of 4 channels
MAX_ORDERED = 4  # channels of which every order is tried; of more, pairs that are swapped, and all the other way round
PLAIN_SHARE, PLAIN_EXACTNESS = 0.6, 0.05  # of what agrees, and rad: other orders need not be tried then
MIN_BETTER = 12.0  # log likelihood by which another order has to be better
SAME_FIT = 4.0  # log likelihood within which two are as good: of a circle, each order that is turned about it


@dataclass(frozen=True, eq=False)
class _Kept:
    """samples: of the array's channels, in its order, 16 bits."""

    samples: NDArray[np.int16]
    rate: int
    rays: Points


class Coincidences:
    """Those of one array and camera. Not thread-safe."""

    def __init__(self, array: MicrophoneArray, options: HearingOptions, given: Mounting) -> None:
        """given: as of `calibrated`."""
        self._array, self._given = array, given
        self._own = replace(array, channels=tuple(range(len(array.channels))), recorded=0)
        self._listeners: dict[int, Listener] = {}
        self._options = replace(options, array_directions=1)
        self._kept: list[_Kept] = []
        self._heard: list[Coincidence] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._heard)

    def add(self, window: Window, boxes: Sequence[Box], camera: Camera | Panorama) -> bool:
        """What was heard in a window while what is in these boxes of its center frame may have made it.

        The boxes were chosen without the directions. Returns True if it counts. Raises ArrayError.
        """
        if window.audio is None or not boxes:
            return False
        rays = camera.rays(np.array([box.center for box in boxes]))
        rays, rate, samples = rays[np.isfinite(rays).all(axis=1)], window.audio.rate, window.audio.samples
        if rate not in self._listeners:
            self._listeners[rate] = Listener(self._array, rate, self._options)
        directions = self._listeners[rate].directions(samples)
        if not len(rays) or not directions:
            return False
        own = (samples[list(self._array.channels)] * 32767).astype(np.int16)
        self._kept = [*self._kept, _Kept(own, rate, rays)][-MAX_TRIED:]
        self._heard = [*self._heard, Coincidence(directions[0], rays)][-MAX_KEPT:]
        return True

    def calibration(self) -> Calibration:
        """Of them all. Raises CalibrationError where too little is known, or the channels are in another order."""
        try:
            found = calibrated(self._heard, self._given)
            if found.used >= PLAIN_SHARE * found.events and found.exactness <= PLAIN_EXACTNESS:
                return found
        except CalibrationError as problem:
            raise CalibrationError(self._order_problem() or str(problem)) from None
        if wrong := self._order_problem():
            raise CalibrationError(wrong)
        return found

    def _order_problem(self) -> str:
        """Why the channels are not in the order that is told, and which order suits better; empty where they are."""
        if len(self._kept) < MIN_EVENTS or self._array.kind is not Kind.MICROPHONES:
            return ""
        as_told = agreement(self._coincidences(self._own), self._given)
        tried = []  # how well it fits, how many channels it moves, what it is
        for order in _orders(len(self._own.channels)):
            fit = agreement(self._coincidences(replace(self._own, channels=order)), self._given)
            told = ", ".join(str(self._array.channels[at]) for at in order)
            moved = sum(at != place for place, at in enumerate(order))
            tried.append((fit, moved, f"array_channels were `{told}`: set them, or mend its wiring"))
        for at, channel in enumerate(self._array.channels):
            fit = agreement(self._coincidences(self._own, turned=at), self._given)
            tried.append((fit, 1, f"channel {channel} were the other way round: mend its polarity"))
        best = max(fit for fit, _, _ in tried)
        if best < as_told + MIN_BETTER:
            return ""
        _, _, words = min((one for one in tried if one[0] >= best - SAME_FIT), key=lambda one: one[1])
        return f"what is seen and heard agrees better if, of array {self._array.name}, {words}"

    def _coincidences(self, array: MicrophoneArray, turned: int | None = None) -> list[Coincidence]:
        """Those whose sound is kept, as that array would hear them. turned: the channel that is the other way round."""
        listeners = {rate: Listener(array, rate, self._options) for rate in {one.rate for one in self._kept}}
        found = []
        for one in self._kept:
            samples = one.samples.astype(np.float32) / np.float32(32767)
            if turned is not None:
                samples[turned] *= -1
            directions = listeners[one.rate].directions(samples)
            found += [Coincidence(direction, one.rays) for direction in directions[:1]]
        return found


def _orders(count: int) -> Iterator[tuple[int, ...]]:
    """Other orders of so many channels that are worth a try."""
    own = tuple(range(count))
    if count <= MAX_ORDERED:
        yield from islice(permutations(own), 1, None)
        return
    yield own[::-1]
    yield (0, *own[:0:-1])  # a circle the other way round, about a middle one or the first
    for one, other in combinations(own, 2):
        yield tuple(other if at == one else one if at == other else at for at in own)
