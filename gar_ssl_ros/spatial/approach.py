"""Where a robot goes to stand before what sounds: which source it follows, and the pose before that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.transforms import Vector

MISSED_WINDOWS = 3  # without the source followed, until another takes over
SURER_BY = 0.2  # so much surer another must be to take over at once
GOAL_SPACING_NS = SECOND  # from one goal to the next, at least
NO_DISTANCE_M = 1e-6  # a source as near as that on the floor is in no direction


@dataclass(frozen=True)
class StandingPose:
    """On the floor, z 0 of its frame. x, y: m. yaw: counter-clockwise from x, rad."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True)
class HeardSource:
    """A source of an answer. consistency: S_av, NaN where not known. position: m, NaN where not known."""

    identity: int
    consistency: float
    position: Vector


def standing_pose(robot: Vector, source: Vector, distance: float) -> StandingPose | None:
    """On the line from robot to source, so far before the source, m, and facing it; where the robot is, if that is
    nearer. None where a position is not known, or the source is right above or below the robot.
    """
    across, along = source[0] - robot[0], source[1] - robot[1]
    away = math.hypot(across, along)
    if not math.isfinite(away) or away < NO_DISTANCE_M:
        return None
    share = max(0.0, 1 - distance / away)
    return StandingPose(robot[0] + share * across, robot[1] + share * along, math.atan2(along, across))


class Approach:
    """Follows one source through final answers, and gives at most one goal a second. Not thread-safe.

    Only a source whose position is known and whose S_av is at least `consistency` is followed, or counts as seen.
    Another takes over where the one followed was not seen for MISSED_WINDOWS, or is less sure by SURER_BY.
    """

    def __init__(self, distance: float, consistency: float) -> None:
        """distance: m to keep from the source. consistency: S_av, 0..1."""
        self._distance = distance
        self._consistency = consistency
        self._followed: int | None = None
        self._missed = 0
        self._last: int | None = None  # stamp of the last goal, ns

    def goal(self, sources: Sequence[HeardSource], robot: Vector | None, stamp: int) -> StandingPose | None:
        """Of one answer; None where there is none, or it is too soon.

        sources: none where the answer claims none. robot: where it is, m, in the sources' frame; None where not known.
        stamp: of the image, ns; one before the last means that time began anew.
        """
        followed = self._follow(sources)
        if followed is None or robot is None:
            return None
        if self._last is not None and abs(stamp - self._last) < GOAL_SPACING_NS:
            return None
        pose = standing_pose(robot, followed.position, self._distance)
        if pose is not None:
            self._last = stamp
        return pose

    def _follow(self, sources: Sequence[HeardSource]) -> HeardSource | None:
        """The source followed, where it is seen now."""
        known = [one for one in sources if all(map(math.isfinite, (one.consistency, *one.position)))]
        ours = next((one for one in known if one.identity == self._followed), None)
        surest = max(known, key=lambda one: one.consistency, default=None)
        if surest is not None and surest.consistency < self._consistency:
            surest = None
        seen = ours is not None and ours.consistency >= self._consistency
        self._missed = 0 if seen else self._missed + 1
        surer = ours is not None and surest is not None and surest.consistency - ours.consistency >= SURER_BY
        if surest is not None and (self._followed is None or self._missed >= MISSED_WINDOWS or surer):
            self._followed, self._missed = surest.identity, 0
            return surest
        return ours if seen else None
