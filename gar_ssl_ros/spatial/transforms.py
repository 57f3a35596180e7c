"""Frames of a robot and where they are, as tf2 has them: one buffer, whichever rclpy there is.

tf2_ros would do it where ROS 2 is installed, and is nowhere else; two implementations would be two behaviours.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.camera import Points

MAX_FRAMES = 1000
MAX_STAMPS = 500  # of a frame's history; what comes closer together is thinned
MAX_NAME_CHARACTERS = 256

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]  # x, y, z, w


class TransformError(UserError):
    """A transform that is none, or not known: one sentence that says why."""


@dataclass(frozen=True)
class Transform:
    """Takes points of a child's frame to its parent's: turns, then moves.

    translation: m. rotation: a quaternion x, y, z, w of any length but 0. Raises TransformError where it is none.
    """

    translation: Vector = (0.0, 0.0, 0.0)
    rotation: Quaternion = (0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        length = math.hypot(*self.rotation)
        if not (math.isfinite(length) and all(map(math.isfinite, self.translation)) and length > 1e-6):
            raise TransformError(f"{self.translation}, {self.rotation} is no translation and quaternion")
        x, y, z, w = self.rotation
        object.__setattr__(self, "rotation", (x / length, y / length, z / length, w / length))

    @property
    def matrix(self) -> Points:
        """Of its rotation, 3 x 3."""
        x, y, z, w = self.rotation
        return np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )

    def apply(self, points: Points) -> Points:
        """Points (n, 3), m, in the parent's frame."""
        moved: Points = self.turn(points) + np.array(self.translation)
        return moved

    def turn(self, vectors: Points) -> Points:
        """Directions (n, 3) in the parent's frame."""
        return np.asarray(vectors, np.float64) @ self.matrix.T

    def after(self, inner: Transform) -> Transform:
        """The two, the inner one first."""
        x, y, z, w = self.rotation
        a, b, c, d = inner.rotation
        turned = (
            w * a + x * d + y * c - z * b,
            w * b - x * c + y * d + z * a,
            w * c + x * b - y * a + z * d,
            w * d - x * a - y * b - z * c,
        )
        return Transform(as_vector(self.apply(np.array([inner.translation]))[0]), turned)

    def inverse(self) -> Transform:
        """The way back."""
        x, y, z, w = self.rotation
        turned = Transform(rotation=(-x, -y, -z, w))
        return Transform(as_vector(-turned.turn(np.array([self.translation]))[0]), turned.rotation)

    def toward(self, other: Transform, share: float) -> Transform:
        """Between itself (0) and another (1): straight, and turning evenly the shorter way (slerp)."""
        ours, theirs = np.array(self.rotation), np.array(other.rotation)
        cosine = float(ours @ theirs)
        if cosine < 0:
            theirs, cosine = -theirs, -cosine
        angle = math.acos(min(1.0, cosine))
        if angle > 1e-6:
            turned = math.sin((1 - share) * angle) * ours + math.sin(share * angle) * theirs
        else:
            turned = (1 - share) * ours + share * theirs
        moved = (1 - share) * np.array(self.translation) + share * np.array(other.translation)
        x, y, z, w = map(float, turned)
        return Transform(as_vector(moved), (x, y, z, w))


IDENTITY = Transform()


@dataclass
class _Frame:
    """A child's. history: stamps and transforms to the parent, in time order; one where it is static."""

    parent: str
    static: bool
    history: list[tuple[int, Transform]] = field(default_factory=list)


class TransformBuffer:
    """Keeps the newest `span` ns of each frame, in MAX_STAMPS at most, and MAX_FRAMES. For one thread at a time."""

    def __init__(self, span: int) -> None:
        self.span = span
        self._frames: dict[str, _Frame] = {}

    def __len__(self) -> int:
        """The frames that have a parent."""
        return len(self._frames)

    def add(self, parent: str, child: str, stamp: int, transform: Transform, static: bool = False) -> None:
        """Where `child` is in `parent` at `stamp`, ns; always, where static. Raises TransformError."""
        parent, child = parent.lstrip("/"), child.lstrip("/")
        if not parent or not child or parent == child or max(len(parent), len(child)) > MAX_NAME_CHARACTERS:
            raise TransformError(f"{shortened(repr(child))} in {shortened(repr(parent))} are no two frames: name both")
        frame = self._frames.get(child)
        if frame is None and len(self._frames) >= MAX_FRAMES:
            self._forget(stamp)
        if frame is None and len(self._frames) >= MAX_FRAMES:
            raise TransformError(f"{shortened(child)} is one more than the {MAX_FRAMES} frames that are followed")
        if frame is None or static or frame.static or frame.parent != parent:
            frame = self._frames[child] = _Frame(parent, static)
        history = frame.history
        if history and abs(stamp - history[-1][0]) > self.span:  # time jumped: a bag began anew, or another one
            history.clear()
        at = bisect_left(history, stamp, key=_stamp)
        if at < len(history) and history[at][0] == stamp:
            history[at] = (stamp, transform)
        elif at < len(history) or not history or stamp - history[-1][0] >= self.span // MAX_STAMPS:
            history.insert(at, (stamp, transform))
        while history[-1][0] - history[0][0] > self.span or len(history) > MAX_STAMPS:
            del history[0]

    def lookup(self, target: str, source: str, stamp: int) -> Transform:
        """What takes points of `source` to `target` at `stamp`, ns. Raises TransformError where that is not known."""
        target, source = target.lstrip("/"), source.lstrip("/")
        if source == target:
            return IDENTITY
        up, down = self._chain(source), self._chain(target)
        shared = set(up) & set(down)
        for name in (source, target):
            if name not in self._frames and not any(name == frame.parent for frame in self._frames.values()):
                raise TransformError(f"no transform names the frame {shortened(repr(name))}: have tf publish it")
        if not shared:
            raise TransformError(
                f"no transforms lead from {shortened(source)} to {shortened(target)}: publish what joins them"
            )
        return self._raised(down, shared, stamp).inverse().after(self._raised(up, shared, stamp))

    def _forget(self, stamp: int) -> None:
        """Give up frames of which nothing has come for `span`, such as those of faces and voices that are gone."""
        for name, frame in list(self._frames.items()):
            if not frame.static and stamp - frame.history[-1][0] > self.span:
                del self._frames[name]

    def _chain(self, name: str) -> list[str]:
        """A frame, its parent, and so on to the root."""
        chain: dict[str, None] = {name: None}
        while (frame := self._frames.get(name)) is not None:
            name = frame.parent
            if name in chain:
                raise TransformError(
                    f"the frames go in a circle from {shortened(name)} to itself: look at who publishes tf"
                )
            chain[name] = None
        return list(chain)

    def _raised(self, chain: list[str], shared: set[str], stamp: int) -> Transform:
        """From the chain's first frame to its first that is shared."""
        whole = IDENTITY
        for name in chain:
            if name in shared:
                break
            whole = self._at(name, stamp).after(whole)
        return whole

    def _at(self, name: str, stamp: int) -> Transform:
        frame = self._frames[name]
        history = frame.history
        if frame.static:
            return history[0][1]
        at = bisect_left(history, stamp, key=_stamp)
        if at < len(history) and history[at][0] == stamp:
            return history[at][1]
        if at in (0, len(history)):
            away, known = (
                (history[0][0] - stamp, "from {:.2f} s after")
                if at == 0
                else (stamp - history[-1][0], "up to {:.2f} s before")
            )
            told = (
                f"where {shortened(name)} is in {shortened(frame.parent)} is known only {known.format(away / SECOND)}"
            )
            raise TransformError(f"{told} the image: look at who publishes it, and at its clock")
        (earlier, before), (later, after) = history[at - 1], history[at]
        return before.toward(after, (stamp - earlier) / (later - earlier))


def _stamp(entry: tuple[int, Transform]) -> int:
    return entry[0]


def as_vector(numbers: Points) -> Vector:
    """Of (3,)."""
    x, y, z = map(float, numbers)
    return x, y, z
