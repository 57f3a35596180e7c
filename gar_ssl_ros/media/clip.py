"""A recording as frames and audio in time order, and as windows: any container and codec that FFmpeg reads.

Everything streams: memory does not grow with the recording's length.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gar_ssl_ros.errors import REMEDIES, UserError
from gar_ssl_ros.files import open_file, shown
from gar_ssl_ros.media.buffer import WindowBuffer
from gar_ssl_ros.media.decoding import Decoded, Decoder, PlaylistError, open_container, steady
from gar_ssl_ros.media.pictures import Pictures
from gar_ssl_ros.media.sounds import Sounds
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window

MAX_HOLD_NS = SECOND // 5  # a picture that stays on screen longer than this is handed out again each time it has passed
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # as a path, which takes one of two slashes, has it
MAX_GAP_NS = 600 * SECOND  # in which there is neither picture nor sound: what comes after it has its time wrong
MAX_JUMP_S = Fraction(10)  # ahead of the one before it: a time that is doubted until the next one agrees
MIN_TAIL_NS = SECOND // 10  # an end left uncovered by less than this (a codec's padding) makes no window of its own


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
    """A recording on disk, for its sound. Nothing but this one file is opened.

    Times are ns from the start of its earliest stream. Damage is passed over and told in `notes`, a sentence each,
    complete when reading has ended. Reading from a `start` begins at a point before it from which decoding can begin.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._origin = 0

    def audio(self, start: int = 0) -> Iterator[Audio]:
        """All sound at its own rate and channels, in pieces of at most 0.1 s in the order of their times.

        What is damaged is silence that counts as missing. Nothing where there is no sound. Raises ClipError where the
        file cannot be read further.
        """
        with self._open() as (container, said):
            stream = self._heard(container)
            if stream is None:
                return
            context = stream.codec_context
            sounds = Sounds(context.rate, context.channels, begin=None if start else 0)
            decoder = Decoder(container, stream, said)
            for one in self._decoded(decoder, container, start):
                stamp = self._stamp(one.pts, stream)
                if isinstance(one.frame, AudioFrame):
                    yield from sounds.take(one.frame, stamp, one.damaged)
                else:
                    sounds.lose(stamp)
            yield from sounds.end()
        if sounds.odd:
            self.notes.append(f"{sounds.odd} of its audio samples are not finite numbers and count as missing")
        if sounds.unordered:
            without = f"{sounds.unordered} pieces of its audio carry a time before their predecessor's"
            self.notes.append(f"{without}: left out")
        if decoder.faults:
            self.notes.append(f"{_told(decoder, 'audio')}: what they held counts as missing")

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, list[str]]]:
        try:
            file = open_file(self.path)
        except FileNotFoundError:
            remedy = "fetch it first, addresses are not read" if ADDRESS.match(str(self.path)) else "check the path"
            raise ClipError(f"{self.path} does not exist: {remedy}") from None
        except PermissionError:
            raise ClipError(f"{self.path} may not be read: check its permissions") from None
        except IsADirectoryError:
            raise ClipError(f"{self.path} is a folder: name the files in it") from None
        except OSError as problem:
            remedy = REMEDIES.get(problem.errno or 0, "name a video file")
            raise ClipError(f"{self.path} cannot be read ({problem.strerror}): {remedy}") from None
        with file:
            try:
                container, said = open_container(file, self.path.name)
            except PlaylistError as problem:
                raise ClipError(f"{self.path} {problem}: name the recordings themselves") from None
            except (FFmpegError, OSError, ValueError):
                wrong = "is not a recording that FFmpeg can read" if file.seek(0, 2) else "is empty"
                raise ClipError(f"{self.path} {wrong}: give a whole video file") from None
            with container:
                yield container, said

    def _heard(self, container: InputContainer) -> AudioStream | None:
        """The stream that a listener would choose, if there is any."""
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            return None
        if stream.codec_context is None:
            raise ClipError(f"{self.path} has sound of a kind that FFmpeg does not know: give it in another format")
        return stream

    def _decoded(self, decoder: Decoder, container: InputContainer, start: int) -> Iterator[Decoded]:
        if start > 0:
            with suppress(FFmpegError):  # what cannot be searched is read from its beginning
                container.seek(round((self._origin + start) * av.time_base / SECOND))
        try:
            yield from steady(decoder, MAX_JUMP_S)
        except OSError as problem:
            raise ClipError(f"{self.path} cannot be read further ({problem.strerror}): look after its disk") from None

    def _stamp(self, pts: int | None, stream: Stream) -> int | None:
        if pts is None or stream.time_base is None:
            return None
        return round(pts * stream.time_base * SECOND) - self._origin


class SoundRecording(Recording):
    """A recording of sound alone. duration: ns, None where the container does not say."""

    def __init__(self, path: Path) -> None:
        """Probe `path`. Raises ClipError where it is missing, not a recording, or holds no sound."""
        super().__init__(path)
        with self._open() as (container, _):
            stream = self._heard(container)
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
        with self._open() as (container, _):
            video = self._video(container)
            audio = self._heard(container)
            tracks: list[Stream] = [video] if audio is None else [video, audio]
            self._origin = _origin(tracks)
            rate = video.average_rate or video.guessed_rate or Fraction(25)
            rate = rate if 0.01 <= rate <= 1000 else Fraction(25)  # as of a damaged header
            self.info = ClipInfo(
                duration=None if container.duration is None else container.duration * SECOND // av.time_base,
                width=video.width,
                height=video.height,
                fps=Fraction(rate.numerator, rate.denominator),
                channels=0 if audio is None else audio.codec_context.channels,
                rate=0 if audio is None else audio.codec_context.rate,
            )

    def pictures(self, start: int = 0) -> Iterator[Frame]:
        """Every picture once, in the order of their times.

        For those that are damaged or lost, see `Pictures`. Raises ClipError where the file cannot be read further.
        """
        pictures = Pictures(round(SECOND / self.info.fps), begin=None if start else 0)
        with self._open() as (container, said):
            stream = self._video(container)
            decoder = Decoder(container, stream, said)
            for one in self._decoded(decoder, container, start):
                stamp = self._stamp(one.pts, stream)
                if isinstance(one.frame, VideoFrame):
                    yield from pictures.take(one.frame, stamp, one.damaged)
                else:
                    pictures.lose(stamp)
            yield from pictures.end()
        if pictures.unordered:
            without = f"{pictures.unordered} of its pictures carry a time before their predecessor's"
            self.notes.append(f"{without} and were left out")
        if pictures.damaged:
            spoilt = f"{pictures.damaged} of its {pictures.total} pictures are damaged, or build on one that is"
            self.notes.append(f"{spoilt}: {_told(decoder, 'video')}" if decoder.faults else spoilt)
        elif decoder.faults:
            self.notes.append(_told(decoder, "video"))
        if not pictures.total:
            self.notes.append("none of its pictures can be decoded")

    def once(self, start: int = 0) -> Iterator[Frame | Audio]:
        """Pictures and sound merged by time, but for what carries a time far beyond all others'."""
        end, far = start, 0
        for item in by_time(self.pictures(start), self.audio(start)):
            if item.stamp > end + MAX_GAP_NS:
                far += 1
                continue
            end = max(end, item.stamp if isinstance(item, Frame) else item.end)
            yield item
        if far:
            gap = f"more than {MAX_GAP_NS // (60 * SECOND)} minutes after all before them"
            self.notes.append(f"{far} of its pictures and pieces of sound carry a time {gap}: left out")

    def read(self, start: int = 0) -> Iterator[Frame | Audio]:
        """As `once`, and what stays is seen to stay.

        A picture that stays, the last one while the sound goes on included, comes again every 0.2 s, as a viewer
        would go on seeing it.
        """
        shown: Frame | None = None
        end = 0
        for item in self.once(start):
            while shown is not None and item.stamp > shown.stamp + MAX_HOLD_NS:
                shown = replace(shown, stamp=shown.stamp + MAX_HOLD_NS)
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
        if not isinstance(stream, VideoStream):
            raise ClipError(f"{self.path} has no picture, so nothing can be located in it: give a video with sound")
        if stream.codec_context is None or not stream.width:
            raise ClipError(f"{self.path} has pictures of a kind that FFmpeg does not know: give it in another format")
        return stream


def _origin(tracks: Sequence[Stream]) -> int:
    """When the earliest of the streams starts, ns on the container's clock."""
    starts = [s.start_time * s.time_base for s in tracks if s.start_time is not None and s.time_base]
    return round(min(starts, default=0) * SECOND)


def by_time(pictures: Iterator[Frame], audio: Iterator[Audio]) -> Iterator[Frame | Audio]:
    """Both merged in the order of their stamps; neither is read further than that needs."""
    streams: tuple[Iterator[Frame | Audio], ...] = (pictures, audio)
    return heapq.merge(*streams, key=lambda item: item.stamp)


def _told(decoder: Decoder, kind: str) -> str:
    said = f" (FFmpeg: {shown(decoder.said)})" if decoder.said else ""
    return f"{decoder.faults} of its {kind} packets cannot be wholly decoded{said}"


def windows(clip: Clip, length: int, hop: int) -> Iterator[Window]:
    """Windows of `length` ns, one every `hop` ns from the clip's start.

    Where an end is left over, one more full window ends with the clip, so that every moment is covered; a clip
    shorter than `length` is one short window. Raises ClipError where it shows nothing or cannot be read further, and
    ValueError where `length` or `hop` is not positive.
    """
    if length <= 0 or hop <= 0:
        raise ValueError("a window's length and hop are positive times")
    buffer = WindowBuffer(span=length + SECOND)
    start = end = covered = 0
    seen = False

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
            seen = True
        else:
            buffer.add_audio(item)
            end = max(end, item.end)
    if not seen:
        raise ClipError(f"{clip.path} has no picture that can be decoded: give a whole video file")
    yield from due(end)
    left_over = end - covered > MIN_TAIL_NS or not covered
    if left_over and (window := buffer.cut(max(0, end - length), end)) is not None:
        yield window
