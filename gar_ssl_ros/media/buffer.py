"""The time-ordered store between whatever delivers frames and audio and whatever cuts windows from them."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import Lock

import numpy as np

from gar_ssl_ros.media.window import SECOND, Audio, Detections, Frame, Sighting, Window

MAX_REORDER_NS = SECOND // 2  # a stamp further back than this behind its stream's newest is a jump, not a late arrival
MAX_JITTER_NS = SECOND // 33  # ~30 ms: audio chunks whose stamps are this close to touching are one stretch of sound
MIN_BYTES_PER_FRAME = 2**15  # that each frame counts for at least, so that their number is bounded
MIN_BYTES_PER_CHUNK = 2**11  # that each chunk counts for at least
MAX_OFFSET_NS = SECOND // 2  # what a detector saw further than this from a frame is not of that frame
MAX_SIGHTINGS = 2**15  # of all detections held, where each message counts as one more
MAX_FRAME_BYTES, MAX_AUDIO_BYTES = 512 * 2**20, 128 * 2**20  # of all held


@dataclass(frozen=True)
class Counts:
    """What a buffer has met since it was made: every frame and chunk offered is in exactly one of the first four.

    frames, chunks: stored. thinned: frames left out to stay within the memory bound. repeated: frames or chunks that
    took the place of one with the same stamp. resets: how often the store was emptied because time jumped back.
    changes: how often the audio's rate or number of channels changed, which empties the audio. crowded: chunks that had
    to go before their time, for newer ones to stay within the memory bound. detections: stored. overlooked: those of
    them that had to go before their time.
    """

    frames: int = 0
    chunks: int = 0
    thinned: int = 0
    repeated: int = 0
    resets: int = 0
    changes: int = 0
    crowded: int = 0
    detections: int = 0
    overlooked: int = 0


class WindowBuffer:
    """Holds the newest `span` ns of frames and audio, in time order, and cuts windows from them. Thread-safe.

    Arrivals up to 0.5 s out of order are sorted in; a stamp further back means that time itself jumped (a looped bag)
    and empties the buffer. Frames are thinned evenly where `span` of them would exceed `max_bytes`; of audio that would
    exceed `max_audio_bytes` the newest is held. Detections stay as long as a frame that they may be about.
    """

    def __init__(self, span: int, max_bytes: int = MAX_FRAME_BYTES, max_audio_bytes: int = MAX_AUDIO_BYTES) -> None:
        if span <= 0 or max_bytes <= 0 or max_audio_bytes <= 0:
            raise ValueError("a buffer spans a positive time and a positive number of bytes")
        self._span = span
        self._max_bytes = max_bytes
        self._max_audio_bytes = max_audio_bytes
        self._audio_bytes = 0
        self._lock = Lock()
        self._frames: list[Frame] = []
        self._chunks: list[Audio] = []
        self._detections: deque[Detections] = deque()  # as they came
        self._sightings = 0
        self._counts = Counts()

    def add_frame(self, frame: Frame) -> None:
        """Store a frame at its place in time."""
        with self._lock:
            if self._frames and frame.stamp < self._frames[-1].stamp - MAX_REORDER_NS:
                self._reset()
            at = bisect_left(self._frames, frame.stamp, key=lambda held: held.stamp)
            if at < len(self._frames) and self._frames[at].stamp == frame.stamp:
                self._frames[at] = frame
                self._count(repeated=1)
            elif at and frame.stamp - self._frames[at - 1].stamp < self._spacing(frame):
                self._count(thinned=1)
            else:
                self._frames.insert(at, frame)
                self._count(frames=1)
                self._expire()

    def add_audio(self, audio: Audio) -> None:
        """Store a chunk of audio at its place in time."""
        with self._lock:
            if self._chunks and audio.stamp < self._chunks[-1].stamp - MAX_REORDER_NS:
                self._reset()
            if self._chunks and (audio.rate, len(audio.samples)) != (
                self._chunks[-1].rate,
                len(self._chunks[-1].samples),
            ):
                self._clear_audio()
                self._count(changes=1)
            at = bisect_left(self._chunks, audio.stamp, key=lambda held: held.stamp)
            self._audio_bytes += _weight(audio)
            if at < len(self._chunks) and self._chunks[at].stamp == audio.stamp:
                self._audio_bytes -= _weight(self._chunks[at])
                self._chunks[at] = audio
                self._count(repeated=1)
            else:
                self._chunks.insert(at, audio)
                self._count(chunks=1)
                self._expire()
            while self._audio_bytes > self._max_audio_bytes:
                self._drop_chunk()
                self._count(crowded=1)

    def add_detections(self, detections: Detections) -> None:
        """Store what one of the robot's own detectors saw."""
        with self._lock:
            self._detections.append(detections)
            self._sightings += 1 + len(detections.sightings)
            self._count(detections=1)
            while self._sightings > MAX_SIGHTINGS:
                self._drop_detections()
                self._count(overlooked=1)

    def cut(self, start: int, end: int) -> Window | None:
        """The window [start, end), or None where no frame lies in it.

        Its audio is None where no chunk touches the interval; else it is exactly as long as the interval, zero where
        nothing arrived.
        """
        if end <= start:
            raise ValueError(f"a window ends after it starts, not at {end} from {start}")
        with self._lock:
            frames = tuple(frame for frame in self._frames if start <= frame.stamp < end)
            chunks = [chunk for chunk in self._chunks if chunk.stamp < end and chunk.end > start]
            newest_frame, newest_audio = self.newest_frame, self.newest_audio
            detections = tuple(self._detections)
        if not frames:
            return None
        audio = _join(chunks, start, end)
        edges = [start, *(frame.stamp for frame in frames), end]
        window = Window(
            start,
            end,
            frames,
            audio,
            frame_gap=max(later - earlier for earlier, later in pairwise(edges)),
            audio_gap=end - start if audio is None else round(audio.missing * SECOND / audio.rate),
            skew=newest_audio - newest_frame if newest_audio is not None and newest_frame is not None else 0,
        )
        return replace(window, sightings=_sighted(detections, window.center.stamp))

    def audio(self, start: int, end: int) -> Audio | None:
        """The audio of [start, end) as a window has it; None where no chunk touches the interval."""
        with self._lock:
            chunks = [chunk for chunk in self._chunks if chunk.stamp < end and chunk.end > start]
        return _join(chunks, start, end)

    def release(self, before: int) -> None:
        """Let go of the frames before that time, ns: no window that shows them will be cut any more."""
        with self._lock:
            del self._frames[: bisect_left(self._frames, before, key=lambda held: held.stamp)]

    def clear(self) -> None:
        """Forget all; the counts stay."""
        with self._lock:
            self._clear()

    @property
    def newest_frame(self) -> int | None:
        """Stamp of the newest frame held, ns."""
        return self._frames[-1].stamp if self._frames else None

    @property
    def newest_audio(self) -> int | None:
        """The time just after the newest sample held, ns."""
        return self._chunks[-1].end if self._chunks else None

    @property
    def counts(self) -> Counts:
        """A snapshot of what the buffer has met so far."""
        return self._counts

    def _spacing(self, frame: Frame) -> int:
        # A tenth less than the exact spacing, so that a jittering camera is not thinned to half its rate.
        return int(0.9 * self._span * max(frame.image.nbytes, MIN_BYTES_PER_FRAME) / self._max_bytes)

    def _expire(self) -> None:
        # Each stream by its own newest: two clocks far apart then show as skew, not as one stream that is never there.
        while self._frames and self._frames[0].stamp < self._frames[-1].stamp - self._span:
            del self._frames[0]
        while self._chunks and self._chunks[0].end < self._chunks[-1].end - self._span:
            self._drop_chunk()
        while self._frames and self._detections and self._detections[0].stamp < self._frames[0].stamp - MAX_OFFSET_NS:
            self._drop_detections()

    def _drop_detections(self) -> None:
        self._sightings -= 1 + len(self._detections.popleft().sightings)

    def _drop_chunk(self) -> None:
        self._audio_bytes -= _weight(self._chunks.pop(0))

    def _clear_audio(self) -> None:
        self._chunks.clear()
        self._audio_bytes = 0

    def _clear(self) -> None:
        self._frames.clear()
        self._clear_audio()
        self._detections.clear()
        self._sightings = 0

    def _reset(self) -> None:
        self._clear()
        self._count(resets=1)

    def _count(self, **more: int) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + by for name, by in more.items()})


def _sighted(held: Iterable[Detections], stamp: int) -> tuple[Sighting, ...]:
    """Of each detector, what it saw nearest to that time, ns; of two as near, the later message."""
    nearest: dict[str, Detections] = {}
    for one in held:
        away = abs(one.stamp - stamp)
        if away <= MAX_OFFSET_NS and (one.detector not in nearest or away <= abs(nearest[one.detector].stamp - stamp)):
            nearest[one.detector] = one
    return tuple(sighting for one in nearest.values() for sighting in one.sightings)


def _weight(audio: Audio) -> int:
    return max(audio.samples.nbytes, MIN_BYTES_PER_CHUNK)


def _join(chunks: list[Audio], start: int, end: int) -> Audio | None:
    """Chunks in time order as one stretch over [start, end).

    A chunk whose stamp is within MAX_JITTER_NS of its predecessor's last sample continues it, so that a driver's
    jittering stamps leave neither holes nor doubled samples; further off, its stamp is believed.
    """
    if not chunks:
        return None
    rate, channels = chunks[-1].rate, len(chunks[-1].samples)
    length = round((end - start) * rate / SECOND)
    joined = np.zeros((channels, length), np.float32)
    heard = np.zeros(length, bool)
    missing = 0
    place: int | None = None
    for chunk in chunks:
        stamped = round((chunk.stamp - start) * rate / SECOND)
        if place is None or abs(stamped - place) * SECOND > MAX_JITTER_NS * rate:
            place = stamped
        size = chunk.samples.shape[1]
        first, last = max(place, 0), min(place + size, length)
        if last > first:
            joined[:, first:last] = chunk.samples[:, first - place : last - place]
            heard[first:last] = True
            missing += round(chunk.missing * (last - first) / size)
        place += size
    return Audio(start, joined, rate, missing=min(length, length - int(heard.sum()) + missing))
