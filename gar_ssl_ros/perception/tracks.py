"""Faces followed through a window, cut out as Light-ASD was trained on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.shots import is_cut, look
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.perception.detection import Detection, Detector, Image
from gar_ssl_ros.perception.light_asd import FACE_SIDE_PX, STEPS_HZ
from gar_ssl_ros.perception.once import DetectorOncePerPicture, OncePerPicture

STEP = SECOND // STEPS_HZ  # ns
PERIOD, LOOKS = 75, frozenset((0, 9, 18, 28, 37, 46, 56, 65, 74))  # steps: when faces are looked for, of each 3 s
MAX_LOST_LOOKS = 1  # looks that may miss a face which goes on
MAX_MOVE = 0.75  # of a face's size: how far it moves between two looks at most
MAX_GROWTH = 1.5  # by which its size changes at most
MIN_STEPS = 20  # steps: of less, it cannot be told whether it is in time
MIN_FACE_PX = 16  # pixels: the lips of a smaller face are less than six wide, and nothing is seen of them
MEDIAN_STEPS = 13  # steps of the median over a face's place and size, as published
CONTEXT_SHARE = 0.40  # of half a face's size: what is cut out around it, as published
OUTSIDE_GREY = 110  # where that lies outside the picture, as published


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face through a stretch of a window without a cut.

    first: the step at which it starts; steps are STEPS_HZ a second from stamp 0, the same in every window. boxes:
    float64 (steps, 4), x1, y1, x2, y2 in pixels. crops: grey uint8 (steps, FACE_SIDE_PX, FACE_SIDE_PX) around mouth and
    nose. score: the detector's, on the average. box: at the window's center frame, or where it is nearest to that.
    pictures: from which the crops are. places: float64 (steps, 3), the middle of each in its picture and half its
    face's size, pixels.
    """

    first: int
    boxes: NDArray[np.float64]
    crops: NDArray[np.uint8]
    score: float
    box: Box
    pictures: tuple[Image, ...]
    places: NDArray[np.float64]


@dataclass
class _Chain:
    """One face from look to look."""

    steps: list[int] = field(default_factory=list)
    seen: list[Detection] = field(default_factory=list)

    @property
    def rank(self) -> float:
        """By which few are chosen of many: sureness, size and duration, multiplied."""
        sizes = [max(face.box.width, face.box.height) for face in self.seen]
        return float(np.mean([face.score for face in self.seen]) * np.mean(sizes) * self.length)

    @property
    def length(self) -> int:
        """Steps."""
        return self.steps[-1] - self.steps[0] + 1

    def distance(self, face: Detection) -> float:
        """From its last place to a face, in sizes; infinite where that is another face."""
        last = self.seen[-1].box
        sizes = [max(box.width, box.height) for box in (last, face.box)]
        away = float(np.hypot(*np.subtract(last.center, face.box.center))) / max(sizes)
        return away if away < MAX_MOVE and max(sizes) < MAX_GROWTH * min(sizes) else np.inf


class FaceTracker(DetectorOncePerPicture):
    """Finds faces as its detector does, and follows them; a picture of several windows is looked at once for all."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(detector)
        self.look = OncePerPicture(look)  # for where shots are cut

    def tracks(self, window: Window, most: int = 4) -> list[FaceTrack]:
        """The faces that can be judged, at most `most`: the largest, surest and longest seen, in that order.

        Faces are looked for at most 0.4 s apart, at LOOKS of each PERIOD from stamp 0, and at both sides of each cut.
        Left out are those that are smaller than MIN_FACE_PX, or seen for less than MIN_STEPS steps of one shot.
        """
        first = first_step(window)
        frames = _steps(window)
        chains: list[_Chain] = []
        for shot in self._shots(frames):
            among = {step for step in shot if (first + step) % PERIOD in LOOKS}
            chains += _linked(sorted({shot[0], shot[-1]} | among), lambda step: self._large(frames[step]))
        chains = [chain for chain in chains if chain.length >= MIN_STEPS]
        chains.sort(key=lambda chain: -chain.rank)
        center = min(range(len(frames)), key=lambda step: abs(frames[step].stamp - window.center.stamp))
        return [_track(chain, frames, first, center) for chain in chains[:most]]

    def _large(self, frame: Frame) -> list[Detection]:
        faces = self.detect(frame.image)
        return [face for face in faces if max(face.box.width, face.box.height) >= MIN_FACE_PX]

    def _shots(self, frames: Sequence[Frame]) -> list[range]:
        """Stretches of steps between cuts."""
        cuts = [0]
        for step in range(1, len(frames)):
            was, now = frames[step - 1].image, frames[step].image
            if now.shape != was.shape or is_cut(self.look(was), self.look(now)):
                cuts.append(step)
        return [range(a, b) for a, b in zip(cuts, [*cuts[1:], len(frames)], strict=True)]


def crop(image: Image, x: float, y: float, half: float) -> NDArray[np.uint8]:
    """What the network sees of a face with that middle and half size: grey (FACE_SIDE_PX, FACE_SIDE_PX).

    As the published code: the face with its surroundings, 224 pixels wide, and of these the inner 112.
    """
    top, bottom = int(np.floor(y - half)), int(np.floor(y + half * (1 + 2 * CONTEXT_SHARE)))
    left, right = (int(np.floor(x + side * half * (1 + CONTEXT_SHARE))) for side in (-1, 1))
    part = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    whole = np.full((max(1, bottom - top), max(1, right - left)), OUTSIDE_GREY, np.uint8)
    if part.size:
        above, before = max(0, -top), max(0, -left)
        grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
        whole[above : above + len(part), before : before + part.shape[1]] = grey
    resized = cv2.resize(whole, (2 * FACE_SIDE_PX, 2 * FACE_SIDE_PX))
    return np.asarray(resized[FACE_SIDE_PX // 2 : -FACE_SIDE_PX // 2, FACE_SIDE_PX // 2 : -FACE_SIDE_PX // 2], np.uint8)


def first_step(window: Window) -> int:
    """The number of the first whole step in a window."""
    return -(-window.start // STEP)


def _steps(window: Window) -> list[Frame]:
    """The frame nearest to each step's time."""
    stamps = np.array([frame.stamp for frame in window.frames])
    first = first_step(window)
    times = np.arange(first, max(first + 1, window.end // STEP)) * STEP
    after = np.searchsorted(stamps, times).clip(1, max(1, len(stamps) - 1))
    before = after - 1
    after = after.clip(0, len(stamps) - 1)
    nearest = np.where(times - stamps[before] <= stamps[after] - times, before, after)
    return [window.frames[i] for i in nearest]


def _linked(looks: Sequence[int], see: Callable[[int], list[Detection]]) -> list[_Chain]:
    """Faces from look to look: the nearest go together first."""
    chains: list[_Chain] = []
    for i, step in enumerate(looks):
        faces = list(see(step))
        going = [chain for chain in chains if chain.steps[-1] >= looks[max(0, i - 1 - MAX_LOST_LOOKS)]]
        pairs = [(chain.distance(face), a, b) for a, chain in enumerate(going) for b, face in enumerate(faces)]
        taken: set[int] = set()
        for distance, a, b in sorted(pairs):
            if distance < np.inf and b not in taken and going[a].steps[-1] != step:
                going[a].steps.append(step)
                going[a].seen.append(faces[b])
                taken.add(b)
        chains += [_Chain([step], [face]) for b, face in enumerate(faces) if b not in taken]
    return chains


def _track(chain: _Chain, frames: Sequence[Frame], first: int, center: int) -> FaceTrack:
    steps = np.arange(chain.steps[0], chain.steps[-1] + 1)
    sides = np.array([face.box.sides for face in chain.seen])
    boxes = np.stack([np.interp(steps, chain.steps, side) for side in sides.T], axis=1)
    half = _median(np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / 2)
    x, y = (_median((boxes[:, i] + boxes[:, i + 2]) / 2) for i in (0, 1))
    pictures = tuple(frames[int(step)].image for step in steps)
    crops = np.stack([crop(*place) for place in zip(pictures, x, y, half, strict=True)])
    box = Box(*boxes[int(np.abs(steps - center).argmin())])
    score = float(np.mean([face.score for face in chain.seen]))
    places = np.stack([x, y, half], axis=1)
    return FaceTrack(first + int(steps[0]), boxes, crops, score, box, pictures, places)


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    around = np.pad(values, MEDIAN_STEPS // 2, mode="edge")
    return np.asarray(np.median(sliding_window_view(around, MEDIAN_STEPS), axis=1))
