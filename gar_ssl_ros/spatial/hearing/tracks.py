"""Directions followed from one time to the next, by a Kalman filter on what of them is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.spatial.transforms import as_vector

MAX_TRACKS = 8
KEPT_NS = 3 * SECOND  # without being heard, until a track is given up: as long as a speaker's pause
JUMP_NS = 5 * SECOND  # time that goes further at once, or back, begins anew
WANDERS = math.radians(15.0)  # rad per root of a second: a walker at 2 m
GATE_SDS = 3.0  # beyond which a direction is another sound's
LEAST_GATE = math.radians(8.0)


@dataclass
class _Track:
    identity: int
    said: SoundDirection
    variance: float  # rad**2
    seen: int  # ns


class DirectionTracker:
    """Gives directions their identities, from 1 on, and smooths them. Not thread-safe."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next, self._stamp = 1, 0

    def follow(self, directions: Sequence[SoundDirection], stamp: int) -> tuple[SoundDirection, ...]:
        """The same directions, in their order, smoothed and with their identities, all different.

        stamp: ns, of the window's end. All are of one array, in one frame.
        """
        passed = stamp - self._stamp
        if not 0 <= passed <= JUMP_NS:
            self._tracks.clear()
        grown = WANDERS**2 * max(passed, 0) / SECOND
        self._stamp = stamp
        for track in self._tracks:
            track.variance = min(track.variance + grown, math.pi**2)
        self._tracks = [track for track in self._tracks if stamp - track.seen <= KEPT_NS]
        taken = self._matched(directions)
        return tuple(self._told(one, taken.get(at), stamp) for at, one in enumerate(directions))

    def identified(self, directions: Sequence[SoundDirection], stamp: int) -> tuple[SoundDirection, ...]:
        """Directions of a longer time, which is over, as they are, with the identities of those that are followed.

        stamp: ns, of its end, which counts where none are. What is not followed yet is from here on.
        """
        now = self._stamp = self._stamp or stamp
        taken = self._matched(directions)
        known = [
            taken[at].identity if at in taken else self._told(one, None, now).identity
            for at, one in enumerate(directions)
        ]
        return tuple(replace(one, identity=identity) for one, identity in zip(directions, known, strict=True))

    def _matched(self, directions: Sequence[SoundDirection]) -> dict[int, _Track]:
        """Which track each continues, the nearest first."""
        near = []
        for at, one in enumerate(directions):
            for index, track in enumerate(self._tracks):
                apart = float(one.apart(np.array([track.said.vector]))[0])
                gate = max(GATE_SDS * math.hypot(one.sd, math.sqrt(track.variance)), LEAST_GATE)
                if apart <= gate and one.known is track.said.known:
                    near.append((apart / gate, at, index))
        taken: dict[int, _Track] = {}
        for _, at, index in sorted(near):
            if at not in taken and all(self._tracks[index] is not other for other in taken.values()):
                taken[at] = self._tracks[index]
        return taken

    def _told(self, one: SoundDirection, track: _Track | None, stamp: int) -> SoundDirection:
        if track is None:
            said = replace(one, identity=self._next)
            if len(self._tracks) >= MAX_TRACKS:
                self._tracks.remove(min(self._tracks, key=lambda track: track.seen))
            self._tracks.append(_Track(self._next, said, one.sd**2, stamp))
            self._next += 1
            return said
        gain = track.variance / (track.variance + one.sd**2)
        vector = _between(np.array(track.said.vector), np.array(one.vector), gain)
        track.variance *= 1 - gain
        track.said = replace(one, vector=as_vector(vector), sd=math.sqrt(track.variance), identity=track.identity)
        track.seen = stamp
        return track.said


def _between(one: Points, other: Points, share: float) -> Points:
    """Along the great circle, which of level directions is the horizon and of lateral ones their half circle."""
    angle = math.acos(float(np.clip(one @ other, -1.0, 1.0)))
    if angle < 1e-9 or math.pi - angle < 1e-9:
        return other
    mixed = math.sin((1 - share) * angle) * one + math.sin(share * angle) * other
    return np.asarray(mixed / np.linalg.norm(mixed))
