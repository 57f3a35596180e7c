"""A direction that a sound comes from, as far as an array can know it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.direction import angles_of_body
from gar_ssl_ros.spatial.transforms import Transform, Vector


class Known(Enum):
    """What an array can tell of a direction: all of it, its azimuth alone, or its angle from the array's axis alone."""

    SPHERE = "sphere"
    AZIMUTH = "azimuth"
    LATERAL = "lateral"


class Distance(Enum):
    """How far a sound's source is: all that reverberation tells."""

    UNKNOWN = "unknown"
    NEAR = "near"
    MID = "mid"
    FAR = "far"


@dataclass(frozen=True)
class SoundDirection:
    """Where a sound comes from.

    vector: of length 1, towards its source, in a body frame (REP-103: x forward, y left, z up). known: what of it the
    array can tell; where it is AZIMUTH, `vector` lies level in the array's own frame, where LATERAL in its front half.
    axis: of length 1, in the frame of `vector`: up, of which an azimuth is about, or the line through the microphones
    of a lateral angle. sd: standard deviation of the angle that is known, rad. power: level of that sound at the
    array, dBFS. probability: that there is a source at all, 0..1. identity: the same from one time to the next, from 1
    on; 0 where it is not followed.
    """

    vector: Vector
    sd: float
    power: float
    probability: float
    known: Known = Known.SPHERE
    axis: Vector = (0.0, 0.0, 1.0)
    distance: Distance = Distance.UNKNOWN
    identity: int = 0

    @property
    def azimuth(self) -> float:
        """From straight ahead, positive to the left (counter-clockwise about up), rad."""
        return angles_of_body(np.array(self.vector))[0]

    @property
    def elevation(self) -> float:
        """Positive up, rad; 0 where it is not known."""
        return angles_of_body(np.array(self.vector))[1]

    @property
    def elevation_known(self) -> bool:
        """False if it may come from above or below as well."""
        return self.known is Known.SPHERE

    @property
    def front_back_known(self) -> bool:
        """False if it may come from behind as well, mirrored."""
        return self.known is not Known.LATERAL

    def apart(self, rays: Points) -> Points:
        """How far rays (n, 3) of length 1, in the frame of `vector`, are from it in what is known of it: (n,), rad."""
        given, own, axis = np.asarray(rays, np.float64), np.array(self.vector), np.array(self.axis)
        if self.known is Known.SPHERE:
            return _angle(given, own)
        if self.known is Known.LATERAL:
            return np.abs(_angle(given, axis) - _angle(own[None], axis))
        # As seen from above: what is nearly overhead has hardly an azimuth, and is hardly apart from any.
        flat = given - (given @ axis)[:, None] * axis
        level = np.linalg.norm(flat, axis=1)
        own_flat = own - (own @ axis) * axis
        turned = _angle(flat / np.maximum(level, 1e-9)[:, None], own_flat / max(float(np.linalg.norm(own_flat)), 1e-9))
        return np.asarray(turned * level)

    def turned(self, transform: Transform) -> SoundDirection:
        """The same in the transform's parent frame."""
        vector, axis = transform.turn(np.array([self.vector, self.axis])).tolist()
        return replace(self, vector=tuple(vector), axis=tuple(axis))


def _angle(rays: Points, other: Points) -> Points:
    """Between rays (n, 3) and one (3,), all of length 1: (n,), rad. Exact also where they are close."""
    return np.asarray(2 * np.arcsin(np.minimum(1.0, np.linalg.norm(rays - other, axis=1) / 2)))
