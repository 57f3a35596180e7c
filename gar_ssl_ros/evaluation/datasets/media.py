"""Where samples' pictures and sound come from: videos cut at a moment, pictures with a sound, duets made of two.

Each opens to a window of up to 3 s around its moment, whose center frame is the one that the truth is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.samples import Media, Opened, Truth, pixels
from gar_ssl_ros.files import read_file
from gar_ssl_ros.media.buffer import WindowBuffer
from gar_ssl_ros.media.clip import Clip, ClipError, SoundRecording, by_time
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window, audio_from_samples

WINDOW_NS = 3 * SECOND  # GAR, section 4.2
DUET_SIDE_PX = 224  # each clip's width and height in a duet (GAR, section 4.1)
MAX_OUTSIDE_SHARE = 0.4  # of a window may lie before the recording starts or after it ends
SEEK_AFTER_NS = 10 * SECOND  # a moment further into a recording than this is sought, not read up to


@dataclass(frozen=True)
class VideoCut:
    """A window of a video. at: its middle, s from the start; None for the video's middle. sound: where it is apart."""

    path: Path
    at: float | None = None
    sound: Path | None = None

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError where it cannot be read, or has no sound though something sounds."""
        clip = Clip(self.path)
        duration = clip.info.duration or max((frame.stamp for frame in clip.pictures()), default=0)
        start, end, moment = _around(self.at, duration, self.path)
        buffer = WindowBuffer(span=WINDOW_NS + SECOND)
        begin = start - SECOND if start > SEEK_AFTER_NS else 0
        apart = None if self.sound is None else SoundRecording(self.sound).audio(begin)
        for item in clip.read(begin) if apart is None else by_time(clip.pictures(begin), apart):
            if item.stamp >= end:
                break
            if isinstance(item, Frame):
                buffer.add_frame(item)
            else:
                buffer.add_audio(item)
        return _opened(buffer.cut(start, end), moment, truths, self.path, tuple(clip.notes))


@dataclass(frozen=True)
class PictureWithSound:
    """A picture and the sound around it. at: its moment, s from the sound's start; None for the sound's middle."""

    picture: Path
    sound: Path
    at: float | None = None

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError where one of both cannot be read."""
        image = read_image(self.picture)
        sound = SoundRecording(self.sound)
        duration = sound.duration or max((piece.end for piece in sound.audio()), default=0)
        start, end, moment = _around(self.at, duration, self.sound)
        buffer = WindowBuffer(span=WINDOW_NS + SECOND)
        buffer.add_frame(Frame(moment, image))
        for piece in sound.audio(start - SECOND if start > SEEK_AFTER_NS else 0):
            if piece.stamp >= end:
                break
            buffer.add_audio(piece)
        return _opened(buffer.cut(start, end), moment, truths, self.sound, tuple(sound.notes))


@dataclass(frozen=True)
class Duet:
    """Two samples made one: the frames side by side, 224 x 224 each, and the waveforms summed."""

    left: Media
    right: Media

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError where one of both cannot be read."""
        left = _halved(self.left.open(truths))  # where something sounds, it must be heard in both
        right = _halved(self.right.open(truths))
        window = side_by_side(left.window, right.window)
        frame = window.center
        return Opened(window, pixels(truths or (), frame.width, frame.height), left.notes + right.notes)


@dataclass(frozen=True)
class Missing:
    """Media that are not there. what: what is missing, and fetch: what to fetch, half a sentence each."""

    what: str
    fetch: str

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError, always."""
        raise ClipError(f"{self.what}: fetch {self.fetch}")


def side_by_side(left: Window, right: Window) -> Window:
    """Both windows as one that starts at 0, their middles together: 448 x 224 pixels, mono sound.

    Each frame of the left one stands beside the right one's nearest in time, the center frame beside the center frame.
    Where the summed waveforms exceed [-1, 1], the sum is scaled down as a whole, so that it is not distorted.
    """
    length = max(left.end - left.start, right.end - right.start)
    shifts = [(length - window.start - window.end) // 2 for window in (left, right)]
    times = np.array([frame.stamp + shifts[1] for frame in right.frames])
    frames = []
    for frame in left.frames:
        stamp = frame.stamp + shifts[0]
        nearest = right.frames[int(np.argmin(np.abs(times - stamp)))]
        beside = right.center if frame is left.center else nearest
        both = np.hstack([_half(frame.image), _half(beside.image)])
        frames.append(Frame(stamp, both, damaged=frame.damaged or beside.damaged))
    sounds = [(window.audio, shift) for window, shift in zip((left, right), shifts, strict=True)]
    return Window(
        0,
        length,
        tuple(frames),
        _summed([(audio, audio.stamp + shift) for audio, shift in sounds if audio is not None], length),
        frame_gap=max(left.frame_gap, right.frame_gap),
        audio_gap=max(left.audio_gap, right.audio_gap),
    )


def read_image(path: Path) -> NDArray[np.uint8]:
    """A picture as RGB uint8 (H, W, 3), upright as its metadata say. Raises ClipError where it cannot be read."""
    return np.ascontiguousarray(read_pixels(path, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


def read_pixels(path: Path, how: int) -> NDArray[Any]:
    """What is in a picture's file, as OpenCV has it. how: one of its IMREAD_... Raises ClipError."""
    try:
        data = np.frombuffer(read_file(path), np.uint8)
    except OSError as problem:
        raise ClipError(f"{path} cannot be read ({problem.strerror}): check the path") from None
    image = cv2.imdecode(data, how) if data.size else None
    if image is None:
        raise ClipError(f"{path} is no picture that OpenCV can read: fetch it again")
    return np.asarray(image)


def read_sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """All of a recording, (channels, samples), and its rate, Hz. Raises ClipError where it cannot be heard."""
    try:
        pieces = [(piece.samples, piece.rate) for piece in SoundRecording(path).audio()]
    except OSError as problem:
        raise ClipError(f"{path} cannot be heard ({problem.strerror}): check the path") from None
    if not pieces:
        raise ClipError(f"{path} has no sound: fetch it again")
    return np.concatenate([samples for samples, _ in pieces], axis=1), pieces[0][1]


def _around(at: float | None, duration: int, path: Path) -> tuple[int, int, int]:
    """Start, end and moment, ns, of a window of WINDOW_NS around `at` s in a recording, or around its middle.

    Near an end of the recording the moment stays in the middle, and up to MAX_OUTSIDE_SHARE of the window has nothing
    in it.
    """
    if duration <= 0:
        raise ClipError(f"{path} holds nothing: fetch it again")
    moment = duration // 2 if at is None else round(at * SECOND)
    if not 0 <= moment <= duration:
        there = f"{duration / SECOND:.1f} s"
        raise ClipError(f"{path} is {there} long and does not reach {moment / SECOND:.1f} s: fetch it whole")
    length = min(WINDOW_NS, duration)
    outside = round(MAX_OUTSIDE_SHARE * length)
    start = max(-outside, min(moment - length // 2, duration + outside - length))
    return start, start + length, min(moment, start + length - 1)


def _focused(window: Window, moment: int) -> Window:
    """The window with the frame nearest `moment` as its center: those nearer its middle are left out."""
    wanted = min(window.frames, key=lambda frame: abs(frame.stamp - moment))
    if wanted is window.center:
        return window
    middle = (window.start + window.end) // 2
    near = abs(wanted.stamp - middle)
    frames = tuple(frame for frame in window.frames if frame is wanted or abs(frame.stamp - middle) > near)
    edges = [window.start, *(frame.stamp for frame in frames), window.end]
    return replace(window, frames=frames, frame_gap=max(later - earlier for earlier, later in pairwise(edges)))


def _opened(
    window: Window | None, moment: int, truths: tuple[Truth, ...] | None, path: Path, notes: tuple[str, ...]
) -> Opened:
    if window is None:
        raise ClipError(f"{path} shows no picture at {moment / SECOND:.1f} s: fetch it again")
    window = _focused(window, moment)
    if truths and window.audio is None:
        raise ClipError(
            f"{path} has no sound at {moment / SECOND:.1f} s, though something sounds: fetch it with its sound"
        )
    return Opened(window, pixels(truths or (), window.center.width, window.center.height), notes)


def _halved(opened: Opened) -> Opened:
    """With small frames, so that two clips need not be in memory at their full size."""
    frames = tuple(replace(frame, image=_half(frame.image)) for frame in opened.window.frames)
    return replace(opened, window=replace(opened.window, frames=frames))


def _half(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.shape[:2] == (DUET_SIDE_PX, DUET_SIDE_PX):
        return image
    method = cv2.INTER_AREA if min(image.shape[:2]) > DUET_SIDE_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (DUET_SIDE_PX, DUET_SIDE_PX), interpolation=method))


def _summed(sounds: list[tuple[Audio, int]], length: int) -> Audio | None:
    """Sounds, each with the time, ns, at which it begins in the `length` ns of the sum."""
    if not sounds:
        return None
    rate = max(audio.rate for audio, _ in sounds)
    total = np.zeros(round(length * rate / SECOND))
    for audio, start in sounds:
        first = max(0, round(start * rate / SECOND))
        wave = audio.mono(rate)[: len(total) - first]
        total[first : first + len(wave)] += wave
    return audio_from_samples(0, total[None] / max(1.0, float(np.abs(total).max(initial=0.0))), rate)
