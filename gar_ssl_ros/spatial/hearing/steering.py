"""How a sound from each direction arrives at an array: its delays between microphones, and those of a grid at once."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.sound_direction import Known

SPEED_OF_SOUND = 343.0  # m/s, in air at 20 degrees Celsius
AZIMUTH_STEPS, LATERAL_STEPS, SPHERE_POINTS = 120, 91, 2000


def delays(array: MicrophoneArray, vectors: Points) -> Points:
    """When a sound from far away in each direction comes to each microphone, after it came to their middle.

    vectors: (n, 3), of length 1. Returns (n, microphones), s. Around a head it takes the way along its surface
    (Woodworth and Schlosberg, Experimental Psychology, 1954).
    """
    toward = vectors @ array.points.T  # m
    if array.kind is Kind.BINAURAL:
        radius = np.linalg.norm(array.points, axis=1)
        hidden = np.arcsin(np.clip(-toward / radius, 0.0, 1.0)) * radius
        toward = np.where(toward < 0, -hidden, toward)
    return np.asarray(-toward / SPEED_OF_SOUND)


def grid(array: MicrophoneArray) -> Points:
    """The directions that it can tell apart, (n, 3): all around the sphere, level around, or from end to end."""
    if array.known is Known.SPHERE:
        return sphere(SPHERE_POINTS)
    if array.known is Known.AZIMUTH:
        turn = np.arange(AZIMUTH_STEPS) * (math.tau / AZIMUTH_STEPS)
        return np.stack([np.cos(turn), np.sin(turn), np.zeros(AZIMUTH_STEPS)], axis=1)
    turn = np.linspace(0.0, math.pi, LATERAL_STEPS)
    axis, front = lateral_basis(array)
    return np.asarray(np.cos(turn)[:, None] * axis + np.sin(turn)[:, None] * front)


def spacing(array: MicrophoneArray) -> float:
    """From a direction of the grid to the next, rad."""
    if array.known is Known.SPHERE:
        return math.sqrt(4 * math.pi / SPHERE_POINTS)
    return math.tau / AZIMUTH_STEPS if array.known is Known.AZIMUTH else math.pi / (LATERAL_STEPS - 1)


def lateral_basis(array: MicrophoneArray) -> tuple[Points, Points]:
    """The axis of a line of microphones, and what is at right angles to it and in front: (3,) each, of length 1."""
    axis = np.array(array.axis)
    forward = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.99 else np.array([0.0, 0.0, 1.0])
    front = forward - (forward @ axis) * axis
    return axis, np.asarray(front / np.linalg.norm(front))


def sphere(count: int) -> Points:
    """Points evenly on the unit sphere, (count, 3), on a Fibonacci spiral."""
    up = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.arange(count) * (math.pi * (3 - math.sqrt(5)))
    level = np.sqrt(1 - up**2)
    return np.stack([np.cos(turn) * level, np.sin(turn) * level, up], axis=1)


def pairs(microphones: int) -> NDArray[np.intp]:
    """All pairs of so many, (2, pairs)."""
    return np.array(list(combinations(range(microphones), 2)), np.intp).T
