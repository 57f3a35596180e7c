"""A recording as frames and audio in time order, and as windows: any container and codec that FFmpeg reads.

Everything streams: memory does not grow with the recording's length.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.media.buffer import WindowBuffer
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window, audio_from_samples

HOLD = SECOND // 5  # a picture that stays on screen longer than this is handed out again each time it has passed
PIECE = SECOND // 10  # sound is handed out in pieces no longer than this, however long a packet is
TAIL = SECOND // 10  # an end left uncovered by less than this (a codec's padding) makes no window of its own


class ClipError(UserError):
    """A recording that cannot be read: one sentence that names it, what is wrong and what to do."""


@dataclass(frozen=True)
class ClipInfo:
    """What a container says of itself before anything is decoded.

    duration: ns, None where it does not say. width, height: pixels as stored. fps: average pictures a second.
    channels, rate (Hz): of the audio, both 0 where there is none.
    """

    duration: int | None
    width: int
    height: int
    fps: Fraction
    channels: int
    rate: int


class Recording:
    """A recording on disk, for its sound.

    Times are ns from the start of its earliest stream. Damage is passed over and told in `notes`, a sentence each,
    complete when reading has ended. Reading from a `start` begins at a point before it from which decoding can begin.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._origin = 0

    def audio(self, start: int = 0) -> Iterator[Audio]:
        """All sound at its own rate and channels, in pieces of at most 0.1 s in the order of their times.

        Nothing where there is none.
        """
        missing = unordered = 0
        last: Audio | None = None
        with self._open() as container:
            stream = container.streams.best("audio")
            if stream is None:
                return
            for decoded in self._decoded(container, stream, start):
                assert isinstance(decoded, AudioFrame)
                # One resampler a frame: it only changes the sample format, and the stream may change its layout.
                for part in AudioResampler(format="flt").resample(decoded):
                    stamp = self._stamp(decoded)
                    if stamp is None:
                        stamp = 0 if last is None else last.end
                    if last is not None and stamp < last.stamp:
                        unordered += 1
                        continue
                    samples = part.to_ndarray().reshape(-1, part.layout.nb_channels).T
                    piece = max(1, round(part.sample_rate * PIECE / SECOND))
                    for first in range(0, samples.shape[1], piece):
                        last = audio_from_samples(
                            stamp + first * SECOND // part.sample_rate,
                            samples[:, first : first + piece],
                            part.sample_rate,
                        )
                        missing += last.missing
                        yield last
        if missing:
            self.notes.append(f"{missing} of its audio samples are not finite numbers and count as missing")
        if unordered:
            self.notes.append(f"{unordered} pieces of its audio carry a time before their predecessor's: left out")

    def _open(self) -> InputContainer:
        try:
            return av.open(str(self.path))
        except FileNotFoundError:
            raise ClipError(f"{self.path} does not exist: check the path") from None
        except PermissionError:
            raise ClipError(f"{self.path} may not be read: check its permissions") from None
        except IsADirectoryError:
            raise ClipError(f"{self.path} is a folder: name the files in it") from None
        except (FFmpegError, OSError, ValueError):
            problem = "is empty" if self.path.stat().st_size == 0 else "is not a recording that FFmpeg can read"
            raise ClipError(f"{self.path} {problem}: give a whole video file") from None

    def _decoded(self, container: InputContainer, stream: Stream, start: int) -> Iterator[VideoFrame | AudioFrame]:
        damaged = 0
        if start > 0:
            with suppress(FFmpegError):  # what cannot be searched is read from its beginning
                container.seek(round((self._origin + start) * av.time_base / SECOND))
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                decoded = packet.decode()
            except FFmpegError:
                damaged += 1
                continue
            for frame in decoded:
                assert isinstance(frame, (VideoFrame, AudioFrame))
                yield frame
        if damaged:
            self.notes.append(f"{damaged} of its {stream.type} packets are damaged and were passed over")

    def _stamp(self, decoded: VideoFrame | AudioFrame) -> int | None:
        if decoded.pts is None or decoded.time_base is None:
            return None
        return round(decoded.pts * decoded.time_base * SECOND) - self._origin


class Sound(Recording):
    """A recording of sound alone. duration: ns, None where the container does not say."""

    def __init__(self, path: Path) -> None:
        """Probe `path`. Raises ClipError where it is missing, not a recording, or holds no sound."""
        super().__init__(path)
        with self._open() as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise ClipError(f"{path} has no sound: give a recording with a sound track")
            self._origin = _origin([stream])
            self.duration = None if container.duration is None else container.duration * SECOND // av.time_base


class Clip(Recording):
    """A recording with pictures.

    Pictures are turned upright by quarter turns, as the container says.
    """

    def __init__(self, path: Path) -> None:
        """Probe `path`. Raises ClipError where it is missing, not a recording, or holds no picture."""
        super().__init__(path)
        with self._open() as container:
            video = self._video(container)
            audio = container.streams.best("audio")
            tracks: list[Stream] = [video] if audio is None else [video, audio]
            self._origin = _origin(tracks)
            rate = video.average_rate or video.guessed_rate or Fraction(25)
            self.info = ClipInfo(
                duration=None if container.duration is None else container.duration * SECOND // av.time_base,
                width=video.width,
                height=video.height,
                fps=Fraction(rate.numerator, rate.denominator),
                channels=audio.codec_context.channels if isinstance(audio, av.AudioStream) else 0,
                rate=audio.codec_context.rate if isinstance(audio, av.AudioStream) else 0,
            )

    def pictures(self, start: int = 0) -> Iterator[Frame]:
        """Every picture once, in the order of their times."""
        last = -1
        unordered = 0
        with self._open() as container:
            stream = self._video(container)
            stream.thread_type = "AUTO"
            for picture in self._decoded(container, stream, start):
                assert isinstance(picture, VideoFrame)
                stamp = self._stamp(picture)
                if stamp is None:  # a bare elementary stream has no times of its own
                    stamp = 0 if last < 0 else last + round(SECOND / self.info.fps)
                if last >= 0 and stamp <= last:
                    unordered += 1
                    continue
                last = stamp
                yield Frame(stamp, _upright(picture))
        if unordered:
            self.notes.append(f"{unordered} of its pictures carry a time before their predecessor's and were left out")
        if last < 0:
            self.notes.append("none of its pictures can be decoded")

    def read(self, start: int = 0) -> Iterator[Frame | Audio]:
        """Pictures and sound merged by time.

        A picture that stays, the last one while the sound goes on included, comes again every 0.2 s, as a viewer
        would go on seeing it.
        """
        shown: Frame | None = None
        end = 0
        for item in by_time(self.pictures(start), self.audio(start)):
            while shown is not None and item.stamp > shown.stamp + HOLD:
                shown = Frame(shown.stamp + HOLD, shown.image)
                yield shown
            if isinstance(item, Frame):
                shown = item
            end = max(end, item.stamp if isinstance(item, Frame) else item.end)
            yield item
        promised = self.info.duration or 0
        if end < promised - SECOND // 2:
            self.notes.append(f"it ends at {end / SECOND:.1f} s, not at {promised / SECOND:.1f} s as its header says")

    def _video(self, container: InputContainer) -> VideoStream:
        moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        best = container.streams.best("video")
        stream = best if best in moving else next(iter(moving), None)
        if not isinstance(stream, VideoStream) or not stream.width:
            raise ClipError(f"{self.path} has no picture, so nothing can be located in it: give a video with sound")
        return stream


def _origin(tracks: Sequence[Stream]) -> int:
    """When the earliest of the streams starts, ns on the container's clock."""
    starts = [s.start_time * s.time_base for s in tracks if s.start_time is not None and s.time_base]
    return round(min(starts, default=0) * SECOND)


def by_time(pictures: Iterator[Frame], audio: Iterator[Audio]) -> Iterator[Frame | Audio]:
    """Both merged in the order of their stamps; neither is read further than that needs."""
    streams: tuple[Iterator[Frame | Audio], ...] = (pictures, audio)
    return heapq.merge(*streams, key=lambda item: item.stamp)


def _upright(picture: VideoFrame) -> NDArray[np.uint8]:
    image = picture.to_ndarray(format="rgb24")
    quarter_turns = round(picture.rotation / 90) % 4  # degrees counter-clockwise that set the picture upright
    return np.ascontiguousarray(np.rot90(image, quarter_turns), np.uint8)


def windows(clip: Clip, length: int, hop: int) -> Iterator[Window]:
    """Windows of `length` ns, one every `hop` ns from the clip's start.

    Where an end is left over, one more full window ends with the clip, so that every moment is covered; a clip
    shorter than `length` is one short window. Raises ValueError where `length` or `hop` is not positive.
    """
    if length <= 0 or hop <= 0:
        raise ValueError("a window's length and hop are positive times")
    buffer = WindowBuffer(span=length + SECOND)
    start = end = covered = 0

    def due(now: int) -> Iterator[Window]:
        nonlocal start, covered
        while now >= start + length:
            covered = start + length
            if (window := buffer.cut(start, covered)) is not None:
                yield window
            start += hop

    for item in clip.read():
        yield from due(item.stamp)
        if isinstance(item, Frame):
            buffer.add_frame(item)
            end = max(end, item.stamp + round(SECOND / clip.info.fps))
        else:
            buffer.add_audio(item)
            end = max(end, item.end)
    yield from due(end)
    left_over = end - covered > TAIL or not covered
    if left_over and (window := buffer.cut(max(0, end - length), end)) is not None:
        yield window
