"""Where things moved in a window, and how each of them moved through time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.shots import is_cut, look
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.reasoners.signal.camera import Rect, Still, steady

MOTION_SIDE_PX = 160  # pixels: about the longer side at which motion is measured
MAX_FRAME_RATE_HZ = 16  # frames a second at most that are looked at
MIN_FRAMES = 8  # frames: with fewer, nothing can be said about rhythm
LARGE_PART_SHARE = 17  # of a longer side, one part: things are looked for over as much
MIN_DEVIATIONS = 1.0  # standard deviations above the mean: energy that is more than that stands out
CHANGE_UNITS = 32  # of change: a 32nd of the noise, so that what is beyond 8 times the noise, and certain, is alike

Map = NDArray[np.float32]  # (height, width)


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture that changes as one piece.

    rect: its bounds. speed: how much it changes between successive frames, in units of noise (frames - 1,).
    departure: how far it is from its usual look (frames,). state: the signed course of its strongest change (frames,).
    still: the explanation of the camera's motion under which it changes least. share: how much of all that stands
    out by its motion is in it, 0..1.
    """

    rect: Rect
    speed: NDArray[np.float64]
    departure: NDArray[np.float64]
    state: NDArray[np.float64]
    still: Still
    share: float


@dataclass(frozen=True, eq=False)
class Motion:
    """All that moved in a window.

    frames: those that were looked at, of one shot. center: the index of the window's center frame among them. times:
    theirs, s from the window's start. scale: image pixels a measured pixel. change: |difference| of successive frames,
    (frames - 1, height, width), 32 a unit of noise, as small as either explanation of the camera's motion makes it.
    energy: its mean over time, in units of noise, smoothed. stills: those explanations.
    """

    frames: tuple[Frame, ...]
    center: int
    times: NDArray[np.float64]
    scale: int
    change: NDArray[np.uint8]
    energy: Map
    stills: tuple[Still, ...]

    def parts(self) -> list[Rect]:
        """Bounds of the connected parts of the picture that moved."""
        some = self.energy[::2, ::2]
        level = float(np.median(some))
        spread = 1.4826 * float(np.median(np.abs(some - level)))
        return connected(self.energy > level + 5 * spread + 0.15)

    def things(self) -> list[Rect]:
        """Bounds of the larger pieces of the picture that stand out by how much they move, of most motion first."""
        return [rect for rect, *_ in pieces(self.standing_out)]

    @cached_property
    def standing_out(self) -> Map:
        """Where the energy stands out."""
        return standing_out(self.energy, MIN_DEVIATIONS)

    def region(self, rect: Rect) -> Region:
        """How what is inside `rect` moved, its pixels weighted by how much they moved at all."""
        x1, y1, x2, y2 = rect
        inside = np.s_[:, y1:y2, x1:x2]
        change = self.change[inside].reshape(len(self.change), -1).astype(np.float32)
        change /= CHANGE_UNITS
        weight = np.maximum(change.mean(axis=0) - 1.0, 1e-3)
        weight /= weight.sum()
        looks = [(still.grey[inside].reshape(len(still.grey), -1).astype(np.float32), still) for still in self.stills]
        look, still = looks[0]
        if len(looks) > 1:
            look, still = min(looks, key=lambda both: float(np.abs(np.diff(both[0], axis=0)).mean()))
        look -= look.mean(axis=0)
        look *= np.sqrt(weight)
        alike = np.asarray(look @ look.T, np.float64)
        values, vectors = np.linalg.eigh(alike)
        change *= change
        return Region(
            rect,
            speed=np.sqrt(np.asarray(change @ weight, np.float64)),
            departure=np.sqrt(np.maximum(np.diag(alike), 0.0)),
            state=vectors[:, -1] * np.sqrt(max(values[-1], 0.0)),
            still=still,
            share=float(self.standing_out[y1:y2, x1:x2].sum() / max(float(self.standing_out.sum()), 1e-6)),
        )


@dataclass(frozen=True)
class Views:
    """How a picture is looked at: for where it is cut, and for what moves. Both may remember what they made of one."""

    look: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = look
    small: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = lambda image: grey_at(image, scale_of(image))

    def prepare(self, window: Window) -> None:
        """Look at the pictures of a window to come."""
        for frame in _evenly(window):
            self.look(frame.image)
            self.small(frame.image)


def measure(window: Window, views: Views | None = None) -> Motion | None:
    """The motion in a window, or None where too few frames of one size show its center frame's shot to speak of any."""
    views = views or Views()
    frames = _shot(_evenly(window), window.center, views)
    if len(frames) < MIN_FRAMES:
        return None
    center = window.center
    scale = scale_of(center.image)
    grey = np.stack([views.small(frame.image) for frame in frames])
    times = np.array([(frame.stamp - window.start) / SECOND for frame in frames])
    middle = frames.index(center)
    stills = steady(grey, middle, rate=(len(times) - 1) / (times[-1] - times[0]))
    change = _change(stills[0], middle)
    for still in stills[1:]:
        np.minimum(change, _change(still, middle), out=change)
    energy = np.asarray(cv2.blur(_mean(change) / CHANGE_UNITS, (3, 3)), np.float32)
    return Motion(frames, middle, times, scale, change, energy, stills)


def standing_out(amount: Map, deviations: float) -> Map:
    """A map, smoothed over the width of a small thing, where it is so many deviations above its mean; else 0."""
    reach = max(3, max(amount.shape) // LARGE_PART_SHARE | 1)
    smooth = cv2.blur(amount, (reach, reach))
    return np.asarray(np.where(smooth >= smooth.mean() + deviations * smooth.std(), smooth, 0), np.float32)


def pieces(out: Map) -> list[tuple[Rect, float, float]]:
    """The connected pieces of what stands out, those of most of it first: bounds, the sum and the most in each."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((out > 0).astype(np.uint8))
    sums = np.bincount(labels.ravel(), out.ravel(), minlength=len(stats))
    found = []
    for i in np.argsort(-sums[1:]) + 1:
        x, y, width, height, _ = (int(side) for side in stats[i])
        found.append(((x, y, x + width, y + height), float(sums[i]), float(out[labels == i].max())))
    return found


def connected(mask: NDArray[np.bool_]) -> list[Rect]:
    """Bounds of a mask's connected parts, gaps of a pixel or two closed and specks left out, largest first."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    found = [(int(area), (int(x), int(y), int(x + w), int(y + h))) for x, y, w, h, area in stats[1:] if area >= 12]
    return [rect for _, rect in sorted(found, reverse=True)]


def _evenly(window: Window) -> tuple[Frame, ...]:
    """The center frame and as many others of its size, evenly, as MAX_FRAME_RATE_HZ allows."""
    center = window.center
    same = [f for f in window.frames if f.image.shape == center.image.shape]
    rate = (len(same) - 1) * SECOND / max(1, same[-1].stamp - same[0].stamp)
    step = max(1, round(rate / MAX_FRAME_RATE_HZ))
    return tuple(same[same.index(center) % step :: step])


def _shot(frames: tuple[Frame, ...], center: Frame, views: Views) -> tuple[Frame, ...]:
    """Those between the cuts before and after the center frame."""
    looks = [views.look(frame.image) for frame in frames]
    cuts = np.array([i for i in range(1, len(frames)) if is_cut(looks[i - 1], looks[i])], int)
    middle = frames.index(center)
    return frames[max(cuts[cuts <= middle], default=0) : min(cuts[cuts > middle], default=len(frames))]


def scale_of(image: NDArray[np.uint8]) -> int:
    """Pixels of an image to a measured one."""
    return max(1, round(int(max(image.shape[:2])) / MOTION_SIDE_PX))


def grey_at(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """A picture's luminance, one pixel for each whole `scale` x `scale` square of it."""
    height, width = (side // scale * scale for side in image.shape[:2])
    grey = cv2.cvtColor(image[:height, :width], cv2.COLOR_RGB2GRAY)
    if scale > 1:  # whole squares: several times faster than any other ratio
        grey = cv2.resize(grey, (width // scale, height // scale), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _change(still: Still, middle: int) -> NDArray[np.uint8]:
    """|difference| of successive frames, 32 for what noise and imperfect alignment alone would make it."""
    change = np.empty_like(still.grey[1:])
    for before, after, between in zip(still.grey[:-1], still.grey[1:], change, strict=True):
        cv2.absdiff(before, after, between)
    center = still.grey[middle].astype(np.float32)
    slope2 = (cv2.Sobel(center, cv2.CV_32F, 1, 0) / 8) ** 2 + (cv2.Sobel(center, cv2.CV_32F, 0, 1) / 8) ** 2
    usual, steepness = _mean(change[::2])[::2, ::2], slope2[::2, ::2]
    flat, steep = np.quantile(steepness, [1 / 3, 2 / 3])
    noise = max(0.3, float(np.median(usual[steepness <= flat])))  # 0.3: of rounding to 8 bits
    slips = np.maximum(usual - noise, 0)[steepness > steep] / np.sqrt(steepness[steepness > steep])
    slip = float(np.median(slips)) if slips.size else 0.0
    x1, y1, x2, y2 = still.inner
    per_noise = np.zeros_like(center)  # what was not in view throughout cannot be seen to move
    per_noise[y1:y2, x1:x2] = (CHANGE_UNITS / np.sqrt(noise**2 + slip**2 * slope2))[y1:y2, x1:x2]
    for between in change:
        cv2.multiply(between, per_noise, between, dtype=cv2.CV_8U)
    return change


def _mean(stack: NDArray[np.uint8]) -> Map:
    total = np.zeros(stack.shape[1:], np.float32)
    for layer in stack:
        cv2.accumulate(layer, total)
    return np.asarray(total / len(stack), np.float32)
