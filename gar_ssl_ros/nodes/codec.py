"""Compressed sound, message by message, through FFmpeg."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError

CODECS = ("mp3", "aac")  # streams that can be entered anywhere and are decoded without delay
ENOUGH = 2**14  # bytes: a few frames of any such stream, however loud


class CodecError(UserError):
    """Bytes that are no sound of their codec."""


class Codec:
    """Decodes a stream that comes in pieces of any size. name: one of CODECS."""

    def __init__(self, name: str) -> None:
        self.name = name
        context = av.CodecContext.create(name, "r")
        assert isinstance(context, AudioCodecContext)
        self._context = context
        self._unheard = 0  # bytes since the last sound

    def decode(self, content: bytes) -> tuple[NDArray[Any], int] | None:
        """Samples (channels, samples) in [-1, 1] and their rate; None where more bytes are needed first.

        Packets that cannot be decoded, as the first ones of a stream entered in its middle, are passed over. Raises
        CodecError where there are no others.
        """
        frames: list[AudioFrame] = []
        problem = ""
        for packet in self._context.parse(content):
            try:
                frames += self._context.decode(packet)
            except FFmpegError as error:
                problem = str(error.strerror)
        self._unheard = 0 if frames else self._unheard + len(content)
        if not frames and (problem or self._unheard > ENOUGH):
            raise CodecError(f"its {len(content)} bytes are no {self.name} ({problem or 'no frame begins in them'})")
        return _joined(frames)


def decode_file(content: bytes) -> tuple[NDArray[Any], int]:
    """Samples (channels, samples) and rate of a whole file in memory. Raises CodecError where it is none."""
    try:
        with av.open(io.BytesIO(content), "r") as container:
            joined = _joined(list(container.decode(audio=0)))
    except (FFmpegError, IndexError, ValueError):
        joined = None
    if joined is None:
        raise CodecError(f"its {len(content)} bytes are no whole audio file")
    return joined


def _joined(frames: list[AudioFrame]) -> tuple[NDArray[Any], int] | None:
    parts = [part for frame in frames for part in AudioResampler(format="flt").resample(frame)]
    if not parts:
        return None
    channels, rate = parts[-1].layout.nb_channels, parts[-1].sample_rate
    alike = [part for part in parts if (part.layout.nb_channels, part.sample_rate) == (channels, rate)]
    return np.concatenate([part.to_ndarray().reshape(-1, channels) for part in alike]).T, rate
