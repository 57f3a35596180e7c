"""Where things moved in a window, and how each of them moved through time."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.reasoners.signal.camera import Rect, Still, steady

SIDE = 160  # pixels: about the longer side at which motion is measured
RATE = 16  # frames a second at most that are looked at
FEWEST = 8  # frames: with fewer, nothing can be said about rhythm
UNIT = 32  # of change: a 32nd of the noise, so that what is beyond 8 times the noise, and certain, is alike

Map = NDArray[np.float32]  # (height, width)


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture that changes as one piece.

    rect: its bounds. speed: how much it changes between successive frames, in units of noise (frames - 1,).
    departure: how far it is from its usual look (frames,). state: the signed course of its strongest change (frames,).
    still: the explanation of the camera's motion under which it changes least.
    """

    rect: Rect
    speed: NDArray[np.float64]
    departure: NDArray[np.float64]
    state: NDArray[np.float64]
    still: Still


@dataclass(frozen=True, eq=False)
class Motion:
    """All that moved in a window.

    frames: those that were looked at. center: the index of the window's center frame among them. times: theirs, s
    from the window's start. scale: image pixels a measured pixel. change: |difference| of successive frames,
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

    def region(self, rect: Rect) -> Region:
        """How what is inside `rect` moved, its pixels weighted by how much they moved at all."""
        x1, y1, x2, y2 = rect
        inside = np.s_[:, y1:y2, x1:x2]
        change = self.change[inside].astype(np.float32) / UNIT
        weight = np.maximum(change.mean(axis=0) - 1.0, 1e-3)
        weight /= weight.sum()
        looks = [(still.grey[inside].astype(np.float32), still) for still in self.stills]
        look, still = min(looks, key=lambda both: float(np.abs(np.diff(both[0], axis=0)).mean()))
        look = (look - look.mean(axis=0)) * np.sqrt(weight)
        look = look.reshape(len(look), -1)
        varying = look - look.mean(axis=0)
        values, vectors = np.linalg.eigh(np.asarray(varying @ varying.T, np.float64))
        return Region(
            rect,
            speed=np.sqrt(np.einsum("thw,thw,hw->t", change, change, weight, dtype=np.float64)),
            departure=np.sqrt(np.einsum("tp,tp->t", look, look, dtype=np.float64)),
            state=vectors[:, -1] * np.sqrt(max(values[-1], 0.0)),
            still=still,
        )


def measure(window: Window) -> Motion | None:
    """The motion in a window, or None where it holds too few frames of one size to speak of any."""
    frames = _evenly(window)
    if len(frames) < FEWEST:
        return None
    center = window.center
    scale = max(1, round(max(center.width, center.height) / SIDE))
    grey = np.stack([grey_at(frame, scale) for frame in frames])
    times = np.array([(frame.stamp - window.start) / SECOND for frame in frames])
    middle = frames.index(center)
    stills = steady(grey, middle, rate=(len(times) - 1) / (times[-1] - times[0]))
    change = _change(stills[0], middle)
    for still in stills[1:]:
        np.minimum(change, _change(still, middle), out=change)
    energy = np.asarray(cv2.blur(_mean(change) / UNIT, (3, 3)), np.float32)
    return Motion(frames, middle, times, scale, change, energy, stills)


def connected(mask: NDArray[np.bool_]) -> list[Rect]:
    """Bounds of a mask's connected parts, gaps of a pixel or two closed and specks left out, largest first."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    found = [(int(area), (int(x), int(y), int(x + w), int(y + h))) for x, y, w, h, area in stats[1:] if area >= 12]
    return [rect for _, rect in sorted(found, reverse=True)]


def _evenly(window: Window) -> tuple[Frame, ...]:
    """The center frame and as many others of its size, evenly, as RATE allows."""
    center = window.center
    same = [f for f in window.frames if f.image.shape == center.image.shape]
    rate = (len(same) - 1) * SECOND / max(1, same[-1].stamp - same[0].stamp)
    step = max(1, round(rate / RATE))
    return tuple(same[same.index(center) % step :: step])


def grey_at(frame: Frame, scale: int) -> NDArray[np.uint8]:
    """A frame's luminance, one pixel for each whole `scale` x `scale` square of the image."""
    height, width = frame.height // scale * scale, frame.width // scale * scale
    grey = cv2.cvtColor(frame.image[:height, :width], cv2.COLOR_RGB2GRAY)
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
    per_noise[y1:y2, x1:x2] = (UNIT / np.sqrt(noise**2 + slip**2 * slope2))[y1:y2, x1:x2]
    for between in change:
        cv2.multiply(between, per_noise, between, dtype=cv2.CV_8U)
    return change


def _mean(stack: NDArray[np.uint8]) -> Map:
    total = np.zeros(stack.shape[1:], np.float32)
    for layer in stack:
        cv2.accumulate(layer, total)
    return np.asarray(total / len(stack), np.float32)
