"""One sound that several cameras tell of: which of their sources are the same, and by which id that goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.transforms import Vector
from gar_ssl_ros.spatial.view import UNKNOWN

SAME_PLACE_M = 0.75  # between the surfaces that two cameras see of one thing: a person's thickness, and what depth errs
SAME_ANGLE = math.radians(10)  # between two rays to one thing: half a person's width at 1.5 m
SAME_ORIGIN_M = 0.2  # between two cameras whose rays to one thing are the same, but for that
KEEP_ID_NS = 10 * SECOND  # for so long no camera may tell of a source before its id is given up
MAX_KEPT_IDS = 1000  # of cameras' sources; of more, those that were told of longest ago go


@dataclass(frozen=True)
class SeenSource:
    """A source as one camera's localizer tells of it.

    camera: whose, a name. identity: by which that one knows it. consistency: S_av, NaN where not known. begin, end: of
    its window, ns. origin: where the camera is, m; bearing, elevation: of the ray from there, rad; position: m, all in
    a frame that all cameras share, with x forward, y left, z up; NaN where not known.
    """

    camera: str
    identity: int
    label: str
    consistency: float
    begin: int
    end: int
    origin: Vector = UNKNOWN
    bearing: float = math.nan
    elevation: float = math.nan
    position: Vector = UNKNOWN

    @cached_property
    def ray(self) -> Vector:
        """Its unit vector."""
        return body_of_angles(self.bearing, self.elevation)

    @cached_property
    def has_ray(self) -> bool:
        """True if it is known."""
        return all(map(math.isfinite, (*self.origin, self.bearing, self.elevation)))

    @cached_property
    def has_position(self) -> bool:
        """True if it is known."""
        return all(map(math.isfinite, self.position))


def same_sounds(sources: Sequence[SeenSource]) -> list[tuple[SeenSource, ...]]:
    """Groups of what is the same sound, of each camera one source at most; the surest is first, in each and of all.

    Their order does not matter. In a group each may be the same as each other; what is nearest is joined first.
    """
    ranked = sorted(sources, key=_rank)
    near = {
        (first, second): apart
        for first, second in combinations(range(len(ranked)), 2)
        if (apart := how_far_apart(ranked[first], ranked[second])) is not None
    }
    groups = {index: [index] for index in range(len(ranked))}
    for first, second in sorted(near, key=lambda pair: (near[pair], pair)):
        ours, theirs = groups[first], groups[second]
        if ours is not theirs and all((min(a, b), max(a, b)) in near for a in ours for b in theirs):
            ours += theirs
            groups.update(dict.fromkeys(theirs, ours))
    whole = {min(group): sorted(group) for group in groups.values()}
    return [tuple(ranked[index] for index in whole[first]) for first in sorted(whole)]


def how_far_apart(one: SeenSource, other: SeenSource) -> float | None:
    """Of two sources, 0 at the same place; None where they are not the same sound. It is the same both ways.

    By position, where both have one (0..1); by position and ray, or rays from one place (1..2); else, where their rays
    meet or are not known, by label, if their windows overlap (2).
    """
    if one.camera == other.camera:
        return None
    if one.has_position and other.has_position:
        return _within(math.dist(one.position, other.position) / SAME_PLACE_M, 0)
    for placed, seen in ((one, other), (other, one)):
        if placed.has_position and seen.has_ray:
            return _within(_angle(_from_to(seen.origin, placed.position), seen.ray) / SAME_ANGLE, 1)
    if one.has_ray and other.has_ray:
        if math.dist(one.origin, other.origin) <= SAME_ORIGIN_M:
            return _within(_angle(one.ray, other.ray) / SAME_ANGLE, 1)
        if not _meet(one, other):
            return None
    alike = one.label == other.label and one.begin < other.end and other.begin < one.end
    return 2.0 if alike else None


def _within(share: float, base: int) -> float | None:
    return base + share if share <= 1 else None


def _rank(source: SeenSource) -> tuple[float, str, int]:
    sure = source.consistency if math.isfinite(source.consistency) else -1.0
    return -sure, source.camera, source.identity


def _from_to(one: Vector, other: Vector) -> Vector:
    return other[0] - one[0], other[1] - one[1], other[2] - one[2]


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _angle(one: Vector, unit: Vector) -> float:
    """Between a vector and one of length 1, rad; 0 where the first has no length."""
    length = math.hypot(*one)
    return math.acos(min(max(_dot(one, unit) / length, -1.0), 1.0)) if length else 0.0


def _meet(one: SeenSource, other: SeenSource) -> bool:
    """True if one point is on both rays, but for SAME_ANGLE as each camera sees it, be it far away."""
    ray, theirs, between = one.ray, other.ray, _from_to(one.origin, other.origin)
    apart = _angle(ray, theirs)
    if apart <= SAME_ANGLE:
        return True
    if apart >= math.pi - SAME_ANGLE:  # they look at each other, and at what is between them, or away from each other
        return max(_angle(between, ray), _angle(_from_to(other.origin, one.origin), theirs)) <= SAME_ANGLE
    cosine, ahead, back = _dot(ray, theirs), _dot(ray, between), _dot(theirs, between)
    sine2 = 1 - cosine * cosine
    here, there = (ahead - cosine * back) / sine2, (cosine * ahead - back) / sine2  # m to where they are nearest
    miss = math.hypot(*(b + there * t - here * r for b, t, r in zip(between, theirs, ray, strict=True)))
    return min(here, there) > 0 and miss <= min(here, there) * math.tan(SAME_ANGLE)


class FusedIds:
    """Gives sounds their ids, from 1 on, none twice, and the same for as long as a camera tells of the same source."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[int, int]] = {}  # by camera and identity: the id, and when, ns
        self._next = 1

    def follow(self, sounds: Sequence[Sequence[SeenSource]], time: int) -> tuple[int, ...]:
        """The ids of sounds, as of `same_sounds`, in their order; all different. time: ns, of the newest."""
        ids: list[int] = []
        for sound in sounds:
            keys = [(source.camera, source.identity) for source in sound]
            old = [
                identity
                for identity, when in (self._known[key] for key in keys if key in self._known)
                if identity not in ids and abs(time - when) <= KEEP_ID_NS
            ]
            ids.append(min(old, default=self._next))
            self._next = max(self._next, ids[-1] + 1)
            for key in keys:
                self._known.pop(key, None)
                self._known[key] = ids[-1], time  # at the end, as the newest
        while len(self._known) > MAX_KEPT_IDS:
            del self._known[next(iter(self._known))]
        return tuple(ids)
