"""A camera's images as they come: of a device, of an address on the network, or of a recording as if it were one."""

from __future__ import annotations

import errno
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import ExitError, FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.files import open_file, path_of
from gar_ssl_ros.media.cameras import FORMATS, KIND, cameras
from gar_ssl_ros.media.decoding import FFMPEG_LOG, PlaylistError, open_container
from gar_ssl_ros.media.devices import Device, DeviceError, device_of_name
from gar_ssl_ros.media.pictures import jpeg, upright

SCHEMES = ("http", "https", "rtsp", "rtsps", "rtp", "udp", "tcp")
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
FILE = re.compile(r"(?!/dev/)(.*/|.*\.\w{2,4}$)", re.DOTALL)  # what is a path or a file's name, and no camera's
SECRET = re.compile(r"//[^/@]*@")  # name and password in an address
PATIENCE_S = 3.0  # s that an address may take to answer, and then from one image to the next
MAX_AGE_S = 5.0  # s: an image that seems older has the time of another clock
POLL_S = 0.002  # s from one look to the next where a device does not wait for its images
AT_ONCE = {"fpsprobesize": "0"}  # not after 20 images, by which FFmpeg else guesses the rate
PROTOCOLS = "http,https,httpproxy,tls,tcp,udp,rtp,srtp,crypto,data"  # no file, whatever a playlist asks for
MJPEG = "mjpeg"  # FFmpeg's name
REMEDIES = {
    errno.EBUSY: "is in use by another program: end that one (`fuser -v /dev/video*` tells which)",
    errno.EACCES: "may not be opened: sudo usermod -aG video $USER, then log in again",
    errno.EPERM: "may not be opened: allow this program to use cameras",
    errno.ENOENT: "is not there: plug it in",
    errno.ENODEV: "is not there: plug it in",
    errno.ENXIO: "is not there: plug it in",
    errno.ENOTTY: "is no camera: choose another",
}


@dataclass(frozen=True)
class Wanted:
    """What is to be looked through, and how it is to be set where it is a device.

    source: a device's number, part of its name, or its path; an address; or a file. Empty for the first device.
    width, height: pixels, both 0 for the device's own choice. rate: images/s, 0 for its own choice. Raises UsageError.
    """

    source: str
    width: int = 0
    height: int = 0
    rate: float = 0.0

    def __post_init__(self) -> None:
        if (self.width > 0) != (self.height > 0):
            raise UsageError(f"width is {self.width} and height {self.height}: give both, or 0 for both")
        if self.scheme not in ("", "file", *SCHEMES):
            told = f"{self.shown}: there are no addresses of {self.scheme}"
            raise UsageError(f"{told}: give one of {', '.join(SCHEMES)}, a file or a device")

    @property
    def scheme(self) -> str:
        """Of an address; empty where it is none."""
        found = ADDRESS.match(self.source)
        return found[1].lower() if found else ""

    @property
    def shown(self) -> str:
        """As it may be told: without a password."""
        return SECRET.sub("//", self.source) or f"the first {KIND}"

    @property
    def file(self) -> Path | None:
        """The recording, be it there or not; None where it is something else."""
        is_file = self.scheme == "file" or (not self.scheme and FILE.match(self.source))
        return path_of(self.source) if is_file else None


@dataclass(frozen=True)
class Captured:
    """An image. content: as it is coded, or decoded. age: s since it was taken, 0 where not known. time: of a
    recording, s, None where not known.
    """

    content: bytes | VideoFrame
    age: float
    time: float | None


class Capture:
    """What is wanted, open until it is closed. To be read by one thread; another one may decode what was read.

    name: as it may be told. codec: FFmpeg's name. width, height: pixels. rate: images/s, 0 where not known. recorded:
    True if it has an end. unlike: how a device is set otherwise than wanted, in words; empty where it is not. Raises
    DeviceError, one sentence, where it cannot be opened.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.name, self._is_device = wanted.shown, False
        self._kept = ExitStack()
        try:
            self._container = self._kept.enter_context(self._open(wanted))
            stream = self._container.streams.best("video")
            if not isinstance(stream, VideoStream) or stream.codec_context is None:
                raise DeviceError(f"{self.name} has no images that FFmpeg reads: name a camera or a video")
        except BaseException:
            self._kept.close()
            raise
        self._stream, self._context = stream, stream.codec_context
        self._context.thread_type, self._context.thread_count = "NONE", 1  # others hold images back
        self._each_alone = self._context.codec.intra_only  # so that any may be left out
        self.codec, self.width, self.height = self._context.name, self._context.width, self._context.height
        self.rate = float(stream.average_rate or 0)
        self.recorded = wanted.file is not None or (not self._is_device and self._container.duration is not None)
        self.unlike = self._unlike(wanted) if self._is_device else ""

    def close(self) -> None:
        """Let go of it."""
        self._kept.close()

    def read(self) -> Iterator[Captured]:
        """Its images, up to an end where it has one. Raises DeviceError where it is lost."""
        try:
            for packet in self._packets():
                if self._each_alone:
                    if packet.size or packet.pts is not None:  # else it is the end; copied: V4L2 takes its memory back
                        yield self._captured(bytes(packet), packet.pts)
                    continue
                try:
                    frames = packet.decode()
                except FFmpegError:  # as of what comes before the first key frame
                    continue
                for frame in frames:
                    if isinstance(frame, VideoFrame):
                        yield self._captured(frame, frame.pts)
        except (FFmpegError, OSError) as problem:
            silent = f"nothing came for {PATIENCE_S:.0f} s" if isinstance(problem, ExitError) else problem.strerror
            raise DeviceError(f"{self.name} was lost ({silent})") from None

    def rgb(self, image: Captured) -> NDArray[np.uint8] | None:
        """uint8 (height, width, 3); None where it cannot be decoded."""
        content = image.content
        if content == b"":  # which a decoder would take for the end
            return None
        try:
            frames = self._context.decode(Packet(content)) if isinstance(content, bytes) else [content]
            return upright(frames[-1]) if frames else None
        except (FFmpegError, ValueError):
            return None

    def jpeg(self, image: Captured) -> bytes | None:
        """As it came, where that is JPEG, and else coded as one; None where it cannot be decoded."""
        if self.codec == MJPEG and isinstance(image.content, bytes):
            return image.content
        rgb = self.rgb(image)
        return None if rgb is None else jpeg(rgb)

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        while True:
            try:
                yield from self._container.demux(self._stream)
                return
            except BlockingIOError:  # of AVFoundation: there is none yet
                time.sleep(POLL_S)

    def _captured(self, content: bytes | VideoFrame, pts: int | None) -> Captured:
        if pts is None or self._stream.time_base is None:
            return Captured(content, 0.0, None)
        seconds = float(pts * self._stream.time_base)
        # V4L2 and AVFoundation tell when an image was taken, by the clock that this one is, too.
        age = time.monotonic() - seconds if self._is_device else 0.0
        return Captured(content, age if 0 <= age <= MAX_AGE_S else 0.0, seconds)

    def _unlike(self, wanted: Wanted) -> str:
        size = wanted.width and (self.width, self.height) != (wanted.width, wanted.height)
        rate = self.rate and wanted.rate and abs(self.rate - wanted.rate) > 0.05 * wanted.rate
        if not size and not rate:
            return ""
        asked = f"{wanted.width or self.width}x{wanted.height or self.height} at {wanted.rate or self.rate:g} Hz"
        return f"{self.name} cannot give {asked}: it gives {self.width}x{self.height} at {self.rate:g} Hz"

    def _open(self, wanted: Wanted) -> InputContainer:
        if wanted.file is not None:
            return self._open_file(wanted.file)
        try:
            if wanted.scheme:
                return _opened(wanted.source, {**AT_ONCE, "rtsp_transport": "tcp", "protocol_whitelist": PROTOCOLS})
            self._is_device = True
            return self._open_device(wanted)
        except _Refused as problem:
            if self._is_device and problem.errno in REMEDIES:
                raise DeviceError(f"{self.name} {REMEDIES[problem.errno]}") from None
            remedy = "choose another device, size or rate" if self._is_device else "is it on, and the address right?"
            raise DeviceError(f"{self.name} cannot be opened ({problem}): {remedy}") from None

    def _open_device(self, wanted: Wanted) -> InputContainer:
        kind = FORMATS.get(sys.platform, "")
        device = _device_of_source(wanted.source)
        self.name = f"{device.name} ({device.address})" if device.name != device.address else device.name
        rate = wanted.rate or (30 if kind == "avfoundation" else 0)  # FFmpeg's own 29.97 is what few of them have
        size = {"video_size": f"{wanted.width}x{wanted.height}"} if wanted.width else {}
        options = {**AT_ONCE, **size, **({"framerate": f"{rate:g}"} if rate else {})}
        if kind == "v4l2":
            try:
                return _opened(device.address, {**options, "input_format": MJPEG}, kind)  # all sizes at their full rate
            except _Refused as problem:
                if problem.errno != errno.EINVAL:  # else it has no MJPEG
                    raise
        return _opened(device.address, options, kind)

    def _open_file(self, path: Path) -> InputContainer:
        try:
            return open_container(self._kept.enter_context(open_file(path)), path.name)[0]
        except FileNotFoundError:
            raise DeviceError(f"{path} does not exist: check the path") from None
        except PlaylistError as problem:
            raise DeviceError(f"{path} {problem}: name the recording itself, or its address") from None
        except (FFmpegError, OSError, ValueError) as problem:
            told = getattr(problem, "strerror", "") or str(problem)
            raise DeviceError(f"{path} cannot be opened ({told}): give a whole video file") from None


class _Refused(Exception):
    """What FFmpeg cannot open: why, in words, and as an errno."""

    def __init__(self, told: str, number: int) -> None:
        super().__init__(told)
        self.errno = number


def _opened(address: str, options: Mapping[str, str], kind: str | None = None) -> InputContainer:
    said: list[str] = []
    try:
        with FFMPEG_LOG.listening() as said:
            # Of the container alone: as a codec's, video_size has a smaller JPEG decoded as if it were a field.
            return av.open(address, "r", format=kind, container_options=dict(options), timeout=PATIENCE_S)
    except ExitError:
        raise _Refused(f"nothing came for {PATIENCE_S:.0f} s", errno.ETIMEDOUT) from None
    except (FFmpegError, OSError, ValueError) as problem:
        number, strerror = getattr(problem, "errno", 0) or 0, getattr(problem, "strerror", "") or str(problem)
        more = SECRET.sub("//", said[0].partition(": ")[2]) if said else ""
        raise _Refused(strerror if number != errno.EIO or not more else more, number) from None


def _device_of_source(source: str) -> Device:
    """Raises DeviceError where there is none, or several."""
    if source.startswith("/dev/"):
        return Device(0, source, address=source)
    found = cameras()
    if source:
        return device_of_name(source, found, KIND)
    if not found:
        raise DeviceError(f"there is no {KIND}: plug one in, or give the device as an address or a file")
    return found[0]
