"""FFmpeg at the door: one file opened and no other, its streams decoded, and what FFmpeg says of their damage."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import PurePath
from threading import Lock
from typing import BinaryIO

import av
import av.logging
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from gar_ssl_ros.errors import UserError

MAX_ERRORS_IN_A_ROW = 100  # after which nothing more is expected of a file
NO_PROTOCOL = "none"  # a list of protocols that holds no protocol
PLAYLIST_FORMAT = "hls"  # the list of a recording's pieces: FFmpeg waits for more of them as long as it says
TEXT_FORMATS = ("adf", "bin", "cdg", "idf", "tty", "xbin")  # of text and karaoke: bags and notes pass for them
PLAYLIST_REFUSAL = "names other files or addresses, which are not opened"


class PlaylistError(UserError):
    """A file that would have others opened, or the network: half a sentence."""


@dataclass(frozen=True)
class Decoded:
    """A frame, or one that is lost.

    frame: None where it is lost. pts: its time in the stream's time base, None where that is not known. damaged:
    True if FFmpeg found it so.
    """

    frame: VideoFrame | AudioFrame | None
    pts: int | None
    damaged: bool


def open_container(file: BinaryIO, name: str = "") -> tuple[InputContainer, list[str]]:
    """A recording that is read from `file` and from nowhere else, whatever a playlist, a script or a header asks for.

    name: of the file, whose ending tells formats apart that nothing in them does. Returns with it what FFmpeg said of
    damage at its beginning, into which it looks at once. Raises PlaylistError where it has no content but other files',
    and FFmpegError or ValueError where FFmpeg cannot read it.
    """
    ending = PurePath(name).suffix
    source = _Named(file, f"recording{ending if ending.isascii() else ''}")
    said: list[str] = []
    options = {"protocol_whitelist": NO_PROTOCOL, "format_whitelist": _formats()}
    try:
        with FFMPEG_LOG.listening() as said:
            container = av.open(source, "r", options=options, io_open=_refuse)
    except FFmpegError as problem:
        refused = [line.split(":")[0] for line in said if "whitelist" in line or "Unsafe file name" in line]
        if any(teller not in TEXT_FORMATS for teller in refused):
            raise PlaylistError(PLAYLIST_REFUSAL) from problem
        raise
    assert isinstance(container, InputContainer)
    return container, said


class Decoder:
    """The frames of one stream, in their order, each with whether it is whole.

    It decodes on the caller's thread alone: only then FFmpeg's log tells which packet it is about, and closing never
    waits for a thread that waits to log. faults: packets that are damaged, so far. said: FFmpeg's first word on it.
    """

    def __init__(self, container: InputContainer, stream: Stream, said: Sequence[str] = ()) -> None:
        """`said`: of damage at the beginning, see `open_container`."""
        self.faults = 0
        self.said = ""
        self._container, self._stream = container, stream
        self._suspects: list[int] = []  # the times of damaged packets whose frames have not come yet
        self._unplaced = bool(said)  # damage of unknown time since the last frame
        context = stream.codec_context
        context.thread_type, context.thread_count = "NONE", 1
        context.options = {"err_detect": "crccheck"}  # of the codecs that have sums

    @property
    def time_base(self) -> Fraction | None:
        """Of the frames' times, s."""
        return self._stream.time_base

    def __iter__(self) -> Iterator[Decoded]:
        reorders = self._stream.type == "video"
        for packet in self._packets():
            with FFMPEG_LOG.listening() as said:
                try:
                    frames = packet.decode()
                except FFmpegError as problem:
                    frames = []
                    said.append(problem.strerror or "")
            damaged = bool(said) or packet.is_corrupt
            if damaged:
                self._complain(said)
                if not reorders and not frames:
                    yield Decoded(None, packet.pts, damaged=True)
                elif reorders and packet.pts is not None:
                    insort(self._suspects, packet.pts)
                elif reorders:
                    self._unplaced = True
            for frame in frames:
                assert isinstance(frame, (VideoFrame, AudioFrame))
                yield from self._decoded(frame, damaged and not reorders)
        yield from (Decoded(None, pts, damaged=True) for pts in self._suspects)
        if self._unplaced:
            yield Decoded(None, None, damaged=True)

    def _decoded(self, frame: VideoFrame | AudioFrame, damaged: bool) -> Iterator[Decoded]:
        """A frame, and before it those before its time that are lost."""
        if self._unplaced:
            self._unplaced = False
            yield Decoded(None, None, damaged=True)
        while self._suspects and frame.pts is not None and self._suspects[0] <= frame.pts:
            pts = self._suspects.pop(0)
            if pts == frame.pts:
                damaged = True
            else:
                yield Decoded(None, pts, damaged=True)
        yield Decoded(frame, frame.pts, damaged or frame.is_corrupt)

    def _packets(self) -> Iterator[Packet[Stream]]:
        failures = 0
        packets = self._container.demux(self._stream)
        while failures < MAX_ERRORS_IN_A_ROW:
            with FFMPEG_LOG.listening() as said:
                try:
                    packet = next(packets, None)
                    failures = 0
                except IndexError:  # at the end, PyAV asks for streams that appeared on the way
                    return
                except FFmpegError as problem:
                    failures += 1
                    said.append(problem.strerror or "")
                    packets = self._container.demux(self._stream)  # a generator that has raised is at its end
                    packet = None
            if said:
                self._complain(said)
                self._unplaced = True
            if packet is not None:
                yield packet
            elif not failures:
                return

    def _complain(self, said: Sequence[str]) -> None:
        self.faults += 1
        self.said = self.said or (said[0] if said else "")


def steady(decoder: Decoder, ahead: Fraction) -> Iterator[Decoded]:
    """What is decoded, but for a frame whose time is more than `ahead`, s, after both its neighbours': it is lost."""
    far = round(ahead / decoder.time_base) if decoder.time_base else 0
    last: int | None = None
    stray: tuple[int, Decoded] | None = None
    for one in decoder:
        if one.pts is None:
            yield one
            continue
        if stray is not None:
            agrees = stray[0] <= one.pts
            yield stray[1] if agrees else Decoded(None, None, damaged=True)
            last, stray = stray[0] if agrees else last, None
        if last is not None and far and one.pts > last + far:
            stray = one.pts, one
        else:
            last = one.pts
            yield one
    if stray is not None:
        yield stray[1]


class _Log:
    """FFmpeg's log of errors, which is silent but while somebody listens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners = 0
        self._before: tuple[int | None, bool] = (None, True)

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """What it says on this thread until the end, each line after its teller's name: filled in by then."""
        said: list[str] = []
        with self._lock:
            if not self._listeners:
                self._before = level, _ = av.logging.get_level(), av.logging.get_skip_repeated()
                av.logging.set_level(av.logging.ERROR if level is None else max(level, av.logging.ERROR))
                av.logging.set_skip_repeated(False)  # the second picture of one damage is damaged too
            self._listeners += 1
        capture = av.logging.Capture()
        try:
            with capture as lines:
                yield said
        finally:
            with self._lock:
                self._listeners -= 1
                if not self._listeners:
                    av.logging.set_level(self._before[0])
                    av.logging.set_skip_repeated(self._before[1])
            said[:0] = [f"{name}: {' '.join(text.split())}" for level, name, text in lines if level <= av.logging.ERROR]


FFMPEG_LOG = _Log()  # one, as FFmpeg's is


class _Named:
    """A file under another name."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


@cache
def _formats() -> str:
    return ",".join(sorted(av.formats_available - {PLAYLIST_FORMAT, *TEXT_FORMATS}))


def _refuse(_url: str, _flags: int, _options: dict[str, str]) -> BinaryIO:
    raise PlaylistError(PLAYLIST_REFUSAL)
