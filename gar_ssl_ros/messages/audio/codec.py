"""Compressed sound, message by message, through FFmpeg. Decoding stops where a message holds too much of it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError

Samples: TypeAlias = "tuple[NDArray[Any], int]"  # (channels, samples) in [-1, 1], and their rate, Hz

CODECS = ("mp3", "aac")  # streams that can be entered anywhere and are decoded without delay
MAX_UNHEARD_BYTES = 2**14  # a few frames of any such stream, however loud
FILE_FORMATS = {b"RIFF": "wav", b"fLaC": "flac", b"OggS": "ogg"}  # formats of whole files, by how they begin
MAX_STREAM_BYTES = 2**20  # of a message of a stream: a minute of an ordinary one
MAX_SAMPLE_BYTES = 2**25  # of a message's samples, as 32 bits each: 175 s of 48 kHz
MAX_PACKETS = 2**12  # of a message: 87 s where each has the usual 1024 samples of 48 kHz


class AudioError(UserError):
    """A message that is no sound: one sentence that says why."""


class UndescribedError(AudioError):
    """A message whose sound is to be had once what describes it has come. size: its bytes."""

    def __init__(self, sentence: str, size: int) -> None:
        super().__init__(sentence)
        self.size = size


class Codec:
    """Decodes a stream that comes in pieces of any size. name: one of CODECS."""

    def __init__(self, name: str) -> None:
        self.name = name
        context = av.CodecContext.create(name, "r")
        assert isinstance(context, AudioCodecContext)
        self._context = context
        self._unheard = 0  # bytes since the last sound

    def decode(self, content: bytes) -> Samples | None:
        """Samples (channels, samples) in [-1, 1] and their rate; None where more bytes are needed first.

        Packets that cannot be decoded, as the first ones of a stream entered in its middle, are passed over. Raises
        AudioError where there are no others, or too much sound.
        """
        if len(content) > MAX_STREAM_BYTES:
            raise AudioError(f"its {len(content)} bytes of {self.name} are too many: send at most {MAX_STREAM_BYTES}")
        problems: list[str] = []
        frames = _gathered(self._decoded(content, problems))
        self._unheard = 0 if frames else self._unheard + len(content)
        if not frames and (problems or self._unheard > MAX_UNHEARD_BYTES):
            why = problems[-1] if problems else "no frame begins in them"
            raise AudioError(f"its {len(content)} bytes are no {self.name} ({why})")
        return _joined(frames)

    def _decoded(self, content: bytes, problems: list[str]) -> Iterator[list[AudioFrame]]:
        """The frames of each packet; problems: filled in with those of packets that have none."""
        for packet in self._context.parse(content):
            try:
                frames = self._context.decode(packet)
            except FFmpegError as error:
                problems.append(str(error.strerror))
                frames = []
            yield frames


def decode_file(content: bytes) -> Samples:
    """Samples (channels, samples) and rate of a whole file in memory. Raises AudioError where it is none."""
    try:
        options = {"max_pixels": "1"}  # pictures that are in it are not looked at
        with av.open(io.BytesIO(content), "r", format=FILE_FORMATS[content[:4]], options=options) as container:
            packets = container.demux(audio=0)
            joined = _joined(_gathered(packet.decode() for packet in packets))
    except (FFmpegError, IndexError, KeyError, ValueError, MemoryError):
        joined = None
    if joined is None:
        raise AudioError(f"its {len(content)} bytes are no whole audio file")
    return joined


def _gathered(decoded: Iterable[list[AudioFrame]]) -> list[AudioFrame]:
    """All frames of a message's packets. Raises AudioError as soon as they are too many."""
    frames: list[AudioFrame] = []
    size = 0
    for count, some in enumerate(decoded):
        size += sum(4 * frame.samples * frame.layout.nb_channels for frame in some)
        if size > MAX_SAMPLE_BYTES:
            raise AudioError(f"it holds more than {MAX_SAMPLE_BYTES} bytes of sound: send shorter messages")
        if count >= MAX_PACKETS:
            raise AudioError(f"it comes in more than {MAX_PACKETS} packets: send shorter messages")
        frames += some
    return frames


def _joined(frames: list[AudioFrame]) -> Samples | None:
    """Those that are as the last one, packed: (channels, samples) and their rate."""
    alike = [frame for frame in frames if _form(frame) == _form(frames[-1])]
    resampler = AudioResampler(format="flt")
    parts = [part for frame in alike for part in resampler.resample(frame)]
    if not parts:
        return None
    channels, rate = parts[-1].layout.nb_channels, parts[-1].sample_rate
    return np.concatenate([part.to_ndarray().reshape(-1, channels) for part in parts]).T, rate


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
