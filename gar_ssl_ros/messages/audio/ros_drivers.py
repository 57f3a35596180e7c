"""audio_common_msgs of ros-drivers: bytes, described by an AudioInfo on a topic of its own."""

from __future__ import annotations

import re
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.messages.audio.audio_type import AudioStream, AudioType, InfoType
from gar_ssl_ros.messages.audio.codec import (
    CODECS,
    FILE_FORMATS,
    AudioError,
    Codec,
    Samples,
    UndescribedError,
    decode_file,
)
from gar_ssl_ros.messages.audio.pcm import Pcm, checked_channels, samples_from_interleaved

RAW = ("wave", "wav", "raw", "pcm", "")  # audio_capture says `wave` of samples without any header


def pcm_from_gstreamer(name: str) -> Pcm:
    """How samples lie that GStreamer calls so, such as S16LE, U8, S24BE, S24_32LE, F64LE. Raises AudioError."""
    found = re.fullmatch(r"([SUF])(8|16|24|24_32|32|64)(LE|BE)?", name.strip().upper())
    if found is not None:
        letter, bits, order = found.groups()
        valid, _, stored = bits.partition("_")
        pcm = Pcm(letter, int(valid) // 8, int(stored or valid) // 8, big=order == "BE")
        if pcm.valid in (4, 8) if letter == "F" else pcm.valid <= 4:
            return pcm
    known = "S8, U8, S16LE, S24LE, S24_32LE, S32LE, F32LE, F64LE, their unsigned and big-endian (BE) kin"
    raise AudioError(f"its sample format {shortened(repr(name))} is not known: have it sent as one of {known}")


def _read(data: Any, stream: AudioStream) -> Samples | None:
    """The sound of an AudioData."""
    info = stream.info
    if info is None:
        problem = "no AudioInfo has come yet, which says what its bytes are: publish one on `audio_info`"
        raise UndescribedError(problem, len(data.data))
    coding = info.coding_format.lower()
    if stream.codec is not None and stream.codec.name != coding:
        stream.codec, stream.held = None, 0
    content = bytes(data.data)
    if content[:4] in FILE_FORMATS:
        decoded: Samples | None = decode_file(content)
    elif coding in RAW:
        channels = checked_channels(info.channels)
        samples = samples_from_interleaved(content, pcm_from_gstreamer(info.sample_format), channels)
        return samples, int(info.sample_rate)
    elif coding in CODECS:
        stream.codec = stream.codec or Codec(coding)
        decoded = stream.codec.decode(content)
    else:
        known = ", ".join((*CODECS, "wave"))
        raise AudioError(f"its coding format {shortened(repr(coding))} is not known: have it sent as one of {known}")
    if decoded is not None:
        checked_channels(len(decoded[0]))
    return decoded


def _read_stamped(message: Any, stream: AudioStream) -> Samples | None:
    return _read(message.audio, stream)


def _write_stamped(message: Any, samples: NDArray[np.int16], _rate: int) -> None:
    message.audio.data = array("B", samples.tobytes())


def _write_info(info: Any, channels: int, rate: int) -> None:
    info.channels, info.sample_rate, info.bitrate = channels, rate, 16 * channels * rate
    info.sample_format, info.coding_format = "S16LE", "wave"


def _info_in_words(info: Any) -> str:
    return f"{info.channels} x {info.sample_rate} Hz, {info.sample_format}, {info.coding_format}"


AUDIO_INFO = InfoType("audio_common_msgs/msg/AudioInfo", _write_info, _info_in_words)
AUDIO_DATA_STAMPED = AudioType(
    "audio_common_msgs/msg/AudioDataStamped", "ros-drivers", _read_stamped, _write_stamped, AUDIO_INFO
)
AUDIO_DATA = AudioType("audio_common_msgs/msg/AudioData", "ros-drivers", _read, info=AUDIO_INFO)
