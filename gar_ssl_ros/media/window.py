"""What was seen and heard in one interval: frames, audio, what the robot's own detectors saw, and the window of it all.

Times are integer nanoseconds on the sender's clock (a message's header stamp, or a file's own time from its start).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

SECOND = 1_000_000_000  # ns
SPEECH_RATE_HZ = 16_000  # what models of speech and sound hear at


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture.

    stamp: ns. image: RGB uint8 (H, W, 3), not written to again. frame_id: the camera's optical frame (REP-103).
    damaged: True if it could not be wholly decoded, or was made from one that could not. Raises ValueError where the
    image has another shape or type.
    """

    stamp: int
    image: NDArray[np.uint8]
    frame_id: str = ""
    damaged: bool = False

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3 or not self.image.size:
            raise ValueError(f"an image is RGB uint8 (H, W, 3), not {self.image.dtype} {self.image.shape}")
        self.image.setflags(write=False)

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.image.shape[0])

    def place(self, x: float, y: float) -> str:
        """Where in the picture a point, in pixels, is, in words such as `upper left`."""
        across = ("left", "middle", "right")[min(2, max(0, int(3 * x / self.width)))]
        down = ("upper", "", "lower")[min(2, max(0, int(3 * y / self.height)))]
        return f"{down} {across}".strip()


@dataclass(frozen=True, eq=False)
class Audio:
    """A stretch of sound.

    stamp: ns of the first sample. samples: float32 (channels, samples) in [-1, 1], finite. rate: Hz.
    missing: how many of the samples stand for sound that was lost or could not be read; they are zero. ears: the
    channels that `mono` is made of, where others hold what is not to be heard; all where empty.
    Raises ValueError where the samples have another shape or type, are not finite, or the rate is not positive.
    """

    stamp: int
    samples: NDArray[np.float32]
    rate: int
    missing: int = 0
    ears: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 2 or not self.samples.shape[0]:
            raise ValueError(f"audio is float32 (channels, samples), not {self.samples.dtype} {self.samples.shape}")
        if not np.isfinite(self.samples).all():
            raise ValueError("audio is finite numbers: make it of others with audio_from_samples")
        if self.rate <= 0:
            raise ValueError(f"an audio rate is a positive number of Hz, not {self.rate}")
        self.samples.setflags(write=False)

    @property
    def end(self) -> int:
        """The time just after the last sample, ns."""
        return self.stamp + round(int(self.samples.shape[1]) * SECOND / self.rate)

    def mono(self, rate: int) -> NDArray[np.float32]:
        """The mean of `ears` at `rate` Hz: float32 (samples,)."""
        mixed = np.asarray((self.samples[list(self.ears)] if self.ears else self.samples).mean(axis=0))
        return mixed if rate == self.rate else np.asarray(soxr.resample(mixed, self.rate, rate), np.float32)


def audio_from_samples(stamp: int, samples: NDArray[Any], rate: int) -> Audio:
    """Audio from floating-point samples of any quality, (channels, samples).

    What is not finite is read as silence and counted as missing; what exceeds [-1, 1] is clipped.
    """
    finite = np.isfinite(samples)
    missing = samples.shape[1] - int(finite.all(axis=0).sum())
    clean = samples if missing == 0 else np.where(finite, samples, 0.0)
    return Audio(stamp, np.clip(clean, -1.0, 1.0).astype(np.float32, copy=False), rate, missing)


@dataclass(frozen=True)
class Sighting:
    """One thing that a detector of the robot's own saw.

    label: what it is, lower case, such as `face`; empty where that is not said. score: how sure that is, 0..1. sides:
    x1, y1, x2, y2, pixels of the camera's image. id: by which the robot knows it; empty where it has none.
    """

    label: str
    score: float
    sides: tuple[float, float, float, float]
    id: str = ""


@dataclass(frozen=True)
class Detections:
    """All that one detector of the robot's own saw at one time, be it nothing. stamp: ns. detector: its topic."""

    stamp: int
    detector: str
    sightings: tuple[Sighting, ...] = ()


@dataclass(frozen=True, eq=False)
class HeardDirection:
    """A direction that a sound of a window came from, beside its center frame.

    id: by which it is told, from 1 on; 0 where it has none. words: where that is, such as `40 degrees to the left, out
    of view`. probability: that there is a source at all, 0..1. share: of the power of all directions, 0..1. in_view:
    how surely it lies within the picture, 0..1. fits: float32 (rows, columns), evenly over the whole picture: how well
    a source there agrees with what was heard, 1 where nothing could agree better; all 0 for one far out of view.
    bearing: from straight ahead of the camera, positive to the left, rad. elevation: positive up, rad; None where that
    is not known. sd: standard deviation of the angle, rad. front_back_known: False if it may come from behind as well,
    mirrored.
    """

    id: int
    words: str
    probability: float
    share: float
    in_view: float
    fits: NDArray[np.float32]
    bearing: float = 0.0
    elevation: float | None = None
    sd: float = 0.0
    front_back_known: bool = True

    def __post_init__(self) -> None:
        self.fits.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Window:
    """Frames and audio of the interval [start, end).

    start, end: ns. frames: in time order, at least one. audio: exactly the interval, lost parts zero; None where there
    was no sound to hear at all. frame_gap: the longest stretch without a frame, ns. audio_gap: how much of the
    interval's audio is missing, ns. skew: how far the newest audio ran ahead of the newest frame when the window was
    cut, ns (negative: behind). sightings: what the robot's own detectors saw nearest in time to the center frame.
    heard: the directions that its sounds came from, the loudest first, as a microphone array heard them; None where
    none listened, or it could not tell how it is mounted. calibrated: True if it is known through which lens the frames
    were taken, so that they are no panoramas.
    """

    start: int
    end: int
    frames: tuple[Frame, ...]
    audio: Audio | None
    frame_gap: int = 0
    audio_gap: int = 0
    skew: int = 0
    sightings: tuple[Sighting, ...] = ()
    heard: tuple[HeardDirection, ...] | None = None
    calibrated: bool = False

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("a window holds at least one frame")

    @cached_property
    def damage(self) -> int:
        """How long damaged frames are to be seen in it, each until the next one, ns."""
        ends = [*(frame.stamp for frame in self.frames[1:]), self.end]
        return sum(end - frame.stamp for frame, end in zip(self.frames, ends, strict=True) if frame.damaged)

    @cached_property
    def center(self) -> Frame:
        """The frame nearest the middle of the interval: the image that every box of this window is about."""
        middle = (self.start + self.end) // 2
        return min(self.frames, key=lambda frame: abs(frame.stamp - middle))
