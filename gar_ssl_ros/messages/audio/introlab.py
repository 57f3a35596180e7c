"""audio_utils of introlab, whose messages were in a package audio_utils before: bytes, described by the message."""

from __future__ import annotations

from typing import Any

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.messages.audio.audio_type import AudioStream, AudioType
from gar_ssl_ros.messages.audio.codec import AudioError, Samples
from gar_ssl_ros.messages.audio.pcm import Pcm, check_size, checked_channels, samples_from_interleaved

FORMATS = {
    f"{sign}_{name}": Pcm(letter, valid, stored)
    for sign, letter in (("signed", "S"), ("unsigned", "U"))
    for name, valid, stored in (("8", 1, 1), ("16", 2, 2), ("24", 3, 3), ("padded_24", 3, 4), ("32", 4, 4))
} | {"float": Pcm("F", 4, 4), "double": Pcm("F", 8, 8)}


def _read(message: Any, _stream: AudioStream) -> Samples:
    pcm = FORMATS.get(message.format)
    if pcm is None:
        raise AudioError(
            f"its sample format {shortened(repr(message.format))} is not known: one of {', '.join(FORMATS)} is"
        )
    channels = checked_channels(message.channel_count)
    check_size(len(message.data), message.frame_sample_count * channels * pcm.stored)
    return samples_from_interleaved(bytes(message.data), pcm, channels), int(message.sampling_frequency)


AUDIO_FRAMES = tuple(
    AudioType(f"{package}/msg/AudioFrame", "introlab", _read) for package in ("audio_utils_msgs", "audio_utils")
)
