"""What the camera itself did during a window, so that only the things in view are left moving.

Two explanations of a still thing are kept, because either may hold for each part of one picture: it stands in the
world (and is moved by the camera's whole motion), or it stands in the image (a thing the robot carries or follows,
moved by the camera's shake only).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # (frames, height, width)
Motions = NDArray[np.float64]  # (frames, 3, 3): from the center frame's pixels to each frame's, homogeneous
Rect = tuple[int, int, int, int]  # x1, y1, x2, y2 in measured pixels, half-open

STILL_PX = 0.05  # pixels: a smaller motion is not worth a resampling
SHAKE_S = 0.27  # s: a camera's motion smoother than this is a pan, what is left of it is shake


@dataclass(frozen=True, eq=False)
class Still:
    """The frames as they would look had one explanation of the camera's motion been taken out.

    grey: aligned to the center frame. motions: what was taken out. inner: what stayed in view throughout.
    """

    grey: Grey
    motions: Motions
    inner: Rect


def steady(grey: Grey, center: int, rate: float) -> tuple[Still, ...]:
    """The frames without the camera's motion and, where it panned, also without its shake alone (see above).

    grey: at least two frames, `rate` of them a second. center: the index of the one that the others are aligned to.
    """
    motions = _camera_motions(grey, center)
    affine = motions[:, :2].reshape(len(grey), 6).astype(np.float32)
    size = 2 * round(2 * SHAKE_S * rate) + 1
    smooth = cv2.GaussianBlur(affine, (1, size), SHAKE_S * rate, borderType=cv2.BORDER_REPLICATE)
    pan = np.asarray(smooth, np.float64).reshape(affine.shape)
    if _reach(pan - pan[center], grey) < 10 * STILL_PX:
        return (_aligned(grey, motions),)
    shake = np.tile(np.eye(3), (len(grey), 1, 1))
    shake[:, :2] += (affine - pan - (affine - pan)[center]).reshape(-1, 2, 3)
    return _aligned(grey, motions), _aligned(grey, shake)


def _aligned(grey: Grey, motions: Motions) -> Still:
    height, width = grey.shape[1:]
    if _reach(motions[:, :2].reshape(-1, 6) - np.eye(3)[:2].ravel(), grey) < STILL_PX:
        return Still(grey, motions, (0, 0, width, height))
    aligned = np.empty_like(grey)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for frame, motion, out in zip(grey, motions, aligned, strict=True):
        cv2.warpAffine(frame, motion[:2], (width, height), out, flags, cv2.BORDER_REPLICATE)
    right, bottom = width - 1, height - 1
    corners = motions[:, :2] @ np.array([[0, 0, 1], [right, 0, 1], [0, bottom, 1], [right, bottom, 1]]).T
    least, most = np.floor(corners.min(axis=(0, 2))), np.ceil(corners.max(axis=(0, 2)))
    x1, y1 = (max(0, int(-side)) for side in least)
    x2, y2 = min(width, width - int(most[0] - right)), min(height, height - int(most[1] - bottom))
    return Still(aligned, motions, (x1, y1, max(x1, x2), max(y1, y2)))


def _camera_motions(grey: Grey, center: int) -> Motions:
    frames, height, width = grey.shape
    half = (max(8, width // 2), max(8, height // 2))
    small = np.empty((frames, half[1], half[0]), np.float32)
    for frame, out in zip(grey, small, strict=True):
        out[:] = cv2.GaussianBlur(cv2.resize(frame, half, interpolation=cv2.INTER_AREA).astype(np.float32), (0, 0), 1.0)
    scale = np.diag([width / half[0], height / half[1], 1.0])
    steps = scale @ _similarities(small) @ np.linalg.inv(scale)
    motions = np.tile(np.eye(3), (frames, 1, 1))
    for t in range(center + 1, frames):
        motions[t] = steps[t - 1] @ motions[t - 1]
    for t in range(center - 1, -1, -1):
        motions[t] = np.linalg.inv(steps[t]) @ motions[t + 1]
    return motions


def _similarities(small: NDArray[np.float32]) -> Motions:
    """The shift, zoom and turn between successive frames: (frames - 1, 3, 3).

    Least squares on image gradients, all pairs at once, with weights that let the larger still part of the picture
    outvote whatever moves in it (Odobez and Bouthemy, 1995).
    """
    frames, height, width = small.shape

    def sampled(stack: NDArray[np.float32], right: int = 0, down: int = 0) -> NDArray[np.float32]:
        # A sixth of the inner pixels says enough.
        rows, columns = slice(2 + down, height - 2 + down, 2), slice(2 + right, width - 2 + right, 3)
        return stack[:, rows, columns].reshape(len(stack), -1)

    def slope(right: int, down: int) -> NDArray[np.float32]:
        at_frames = (sampled(small, right, down) - sampled(small, -right, -down)) / 2
        return np.asarray((at_frames[1:] + at_frames[:-1]) / 2)

    grad_x, grad_y = slope(1, 0), slope(0, 1)
    values = sampled(small)
    change = values[1:] - values[:-1]
    unit = max(height, width) / 2
    y, x = (sampled(i[None].astype(np.float32)) for i in np.mgrid[:height, :width])
    x, y = (x - (width - 1) / 2) / unit, (y - (height - 1) / 2) / unit
    slopes = np.stack([grad_x, grad_y, grad_x * x + grad_y * y, grad_y * x - grad_x * y], axis=1)
    change = change - np.median(change, axis=1, keepdims=True)  # exposure and lamps change all pixels alike
    left = change
    motion = np.zeros((frames - 1, 4, 1))
    for _ in range(3):
        spread = 3.0 * np.median(np.abs(left), axis=1, keepdims=True) + 0.1
        weighted = slopes * (1 / (1 + (left / spread) ** 2) ** 2)[:, None]
        normal = weighted @ slopes.transpose(0, 2, 1)
        ridge = 1e-4 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(4) + 1e-6 * np.eye(4)
        motion = -np.linalg.solve(normal + ridge, weighted @ change[:, :, None])
        left = change + (slopes.transpose(0, 2, 1) @ motion.astype(np.float32))[:, :, 0]
    shift_x, shift_y, zoom, turn = motion[:, :, 0].T
    zoom, turn = zoom / unit, turn / unit
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    matrices = np.tile(np.eye(3), (frames - 1, 1, 1))
    matrices[:, 0] = np.stack([1 + zoom, -turn, shift_x - zoom * center_x + turn * center_y], axis=1)
    matrices[:, 1] = np.stack([turn, 1 + zoom, shift_y - turn * center_x - zoom * center_y], axis=1)
    return matrices


def _reach(affine: NDArray[np.floating], grey: Grey) -> float:
    """The farthest that any of these motions (rows of six, less the identity) takes a pixel of the picture."""
    edge = max(grey.shape[1:]) / 2
    moved = np.abs(affine)
    return float((moved[:, [2, 5]].max(axis=1) + edge * moved[:, [0, 1, 3, 4]].max(axis=1)).max())
