"""How a camera is turned in an array's frame, from sounds that were heard while something in view made them, or not.

Each coincidence is a heard direction and what in view may have made the sound: one of several things, or none. The
likelihood of a turn is a mixture over those, with an even part for what comes from elsewhere or was heard wrongly, and
how exact the directions are is found with it; the turn, and its standard deviation, are those of the posterior.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.mounting import Mounting
from gar_ssl_ros.spatial.hearing.sight import USUAL_DISTANCE_M
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection

# Chosen on simulated coincidences with seeds from 100000 on (benchmarks/calibration.py).
MIN_EVENTS = 12  # coincidences; fewer know nothing of their own exactness
MIN_USED = 8  # of them that agree
MAX_SD = math.radians(2.0)  # of the yaw
MIN_SPREAD = math.radians(4.0)  # standard deviation of the bearings: at one bearing, a mirrored array fits as well
MIN_CERTAIN = 0.9  # of the posterior, around its best turn: less is two answers
SCALES = tuple(math.radians(degrees) for degrees in (1.0, 1.5, 2.5, 4.0, 6.0, 9.0))  # of the directions' errors
ELSEWHERE = (0.1, 0.25, 0.4, 0.55, 0.7)  # share of the sounds that nothing in view made, or that were heard wrongly
COARSE, FINE, REACH = math.radians(1.0), math.radians(0.1), math.radians(8.0)  # rad, of the grids of turns
COARSE_PITCH, FINE_PITCH, MAX_PITCH = math.radians(2.0), math.radians(0.5), math.radians(24.0)
EVEN = {Known.SPHERE: 1 / (4 * math.pi), Known.AZIMUTH: 1 / (2 * math.pi), Known.LATERAL: 1 / math.pi}  # density
MAX_AGREEING = 3.0  # standard deviations: what is nearer agrees


class CalibrationError(UserError):
    """What tells no mounting: one sentence that says why and what to do."""


@dataclass(frozen=True, eq=False)
class Coincidence:
    """A heard direction, in the array's frame, and rays (n, 3) of the optical frame to what may have made it."""

    direction: SoundDirection
    rays: Points


@dataclass(frozen=True)
class Calibration:
    """A mounting that was measured, at the position that was given.

    sd: standard deviation of the yaw, rad. pitch_sd: of the pitch, rad; None where that cannot be known and is as it
    was given. events, used: coincidences, and those that agree. exactness: of the directions, standard deviation, rad.
    """

    mounting: Mounting
    sd: float
    pitch_sd: float | None
    events: int
    used: int
    exactness: float


def calibrated(coincidences: Sequence[Coincidence], given: Mounting) -> Calibration:
    """The yaw of a camera in the array's frame, whatever it was, and its pitch where the array hears elevations.

    given: where the camera is, and how it is rolled, and pitched where that cannot be known. Raises CalibrationError
    where too little is known.
    """
    events = [one for one in coincidences if len(one.rays)]
    if len(events) < MIN_EVENTS:
        told = f"{len(events)} sounds were heard while something in view may have made them, and it takes {MIN_EVENTS}"
        raise CalibrationError(f"{told}: go on, with sounds from all over the picture")
    sphere = all(one.direction.known is Known.SPHERE for one in events)
    yaws = np.arange(-math.pi, math.pi, COARSE)
    pitches = np.arange(-MAX_PITCH, MAX_PITCH + 1e-9, COARSE_PITCH) if sphere else np.array([given.pitch])
    coarse = _posterior(events, given, yaws, pitches)
    row, column = np.unravel_index(int(coarse.mass.argmax()), coarse.mass.shape)
    away = np.abs(np.remainder(yaws - yaws[row] + math.pi, math.tau) - math.pi)
    certain = float(coarse.mass[away <= REACH].sum())
    near = yaws[row] + np.arange(-REACH, REACH + 1e-9, FINE)
    tilts = pitches[column] + np.arange(-2 * COARSE_PITCH, 2 * COARSE_PITCH + 1e-9, FINE_PITCH) if sphere else pitches
    fine = _posterior(events, given, near, tilts)
    yaw, sd = _mean_and_sd(fine.mass.sum(axis=1), near)
    pitch, pitch_sd = _mean_and_sd(fine.mass.sum(axis=0), tilts)
    found = replace(given, yaw=math.remainder(yaw, math.tau), pitch=pitch)
    apart = np.array([_apart(one, found, np.array([found.yaw]), np.array([found.pitch])).min() for one in events])
    used = apart <= MAX_AGREEING * fine.scale
    bearings = [one.direction.azimuth for one, agrees in zip(events, used, strict=True) if agrees]
    problem = ""
    if certain < MIN_CERTAIN or used.sum() < MIN_USED:
        problem = f"the sounds and what was seen agree in {used.sum()} of {len(events)} cases, in no one way"
    elif sd > MAX_SD:
        problem = f"the yaw is known to {math.degrees(sd):.1f} degrees only"
    elif np.std(np.unwrap(np.sort(bearings))) < MIN_SPREAD:
        problem = "all sounds came from one bearing"
    if problem:
        raise CalibrationError(f"{problem}: go on, with clear sounds of things in view, all over the picture")
    return Calibration(found, sd, pitch_sd if sphere else None, len(events), int(used.sum()), fine.scale)


def agreement(coincidences: Sequence[Coincidence], given: Mounting) -> float:
    """How much likelier the directions are than by chance, at the yaw that suits them best, log; 0 of none."""
    events = [one for one in coincidences if len(one.rays)]
    yaws = np.arange(-math.pi, math.pi, COARSE)
    return _posterior(events, given, yaws, np.array([given.pitch])).fit if events else 0.0


@dataclass(frozen=True, eq=False)
class _Posterior:
    """Over turns: mass (yaws, pitches), in all 1. scale: the likeliest exactness of directions, rad. fit: of the best
    turn, how much likelier than by chance, log.
    """

    mass: Points
    scale: float
    fit: float


def _posterior(events: Sequence[Coincidence], given: Mounting, yaws: Points, pitches: Points) -> _Posterior:
    """Of each turn, whatever the directions' exactness and the share of sounds from elsewhere are."""
    apart = [_apart(one, given, yaws, pitches) for one in events]
    logs = []
    for scale in SCALES:
        likely = np.stack([_likely(one, angles, scale) for one, angles in zip(events, apart, strict=True)])
        even = np.array([EVEN[one.direction.known] for one in events])[:, None, None]
        logs += [np.log(share + (1 - share) * likely / even).sum(axis=0) for share in ELSEWHERE]
    whole = np.stack(logs)
    best = np.unravel_index(int(whole.argmax()), whole.shape)
    mass = np.exp(whole - whole.max()).sum(axis=0)
    return _Posterior(mass / mass.sum(), SCALES[int(best[0]) // len(ELSEWHERE)], float(whole.max()))


def _likely(one: Coincidence, apart: Points, scale: float) -> Points:
    """The density of a direction if one of the rays leads to its source: (yaws, pitches)."""
    sd = math.hypot(scale, one.direction.sd)
    peak = 1 / (2 * math.pi * sd**2) if one.direction.known is Known.SPHERE else 1 / (math.sqrt(2 * math.pi) * sd)
    return np.asarray(peak * np.exp(-0.5 * (apart / sd) ** 2).mean(axis=2))


def _apart(one: Coincidence, given: Mounting, yaws: Points, pitches: Points) -> Points:
    """How far the rays are from the direction if the camera is so turned: (yaws, pitches, rays), rad."""
    tilted = [replace(given, position=(0.0, 0.0, 0.0), yaw=0.0, pitch=float(pitch)).transform for pitch in pitches]
    points = USUAL_DISTANCE_M * np.stack([each.turn(one.rays) for each in tilted])  # (pitches, rays, 3)
    cosines, sines = np.cos(yaws)[:, None, None], np.sin(yaws)[:, None, None]
    x, y, z = (points[None, ..., axis] for axis in range(3))
    turned = np.stack(np.broadcast_arrays(cosines * x - sines * y, sines * x + cosines * y, z), axis=-1)
    moved = turned + np.array(given.position)
    rays = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
    return one.direction.apart(rays.reshape(-1, 3)).reshape(rays.shape[:-1])


def _mean_and_sd(mass: Points, at: Points) -> tuple[float, float]:
    mean = float(mass @ at) / float(mass.sum())
    return mean, math.sqrt(max(float(mass @ (at - mean) ** 2) / float(mass.sum()), 0.0))
