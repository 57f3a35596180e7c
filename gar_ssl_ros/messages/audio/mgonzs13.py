"""audio_common_msgs of mgonzs13: typed arrays, described by PortAudio's format numbers."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.messages.audio.audio_type import AudioStream, AudioType
from gar_ssl_ros.messages.audio.codec import AudioError, Samples
from gar_ssl_ros.messages.audio.pcm import Pcm, check_size, checked_channels, samples_from_interleaved

INT16 = 0x08  # paInt16
# PortAudio's sample formats: the array of AudioData that holds them, and how they lie in it.
PORTAUDIO = {
    0x01: ("float32_data", Pcm("F", 4, 4)),
    0x02: ("int32_data", Pcm("S", 4, 4)),
    0x04: ("uint8_data", Pcm("S", 3, 3)),
    INT16: ("int16_data", Pcm("S", 2, 2)),
    0x10: ("int8_data", Pcm("S", 1, 1)),
    0x20: ("uint8_data", Pcm("U", 1, 1)),
}


def _read(message: Any, _stream: AudioStream) -> Samples:
    info, data = message.audio.info, message.audio.audio_data
    if info.format not in PORTAUDIO:
        raise AudioError(f"its PortAudio sample format {info.format} is not known: one of {sorted(PORTAUDIO)} is")
    field, pcm = PORTAUDIO[info.format]
    values = getattr(data, field)
    dtype = {"F": "f", "S": "i", "U": "u"}[pcm.letter] + str(1 if field == "uint8_data" else pcm.stored)
    content = np.asarray(values, np.uint8 if field == "uint8_data" else dtype).astype(f"<{dtype}", copy=False).tobytes()
    channels = checked_channels(info.channels)
    check_size(len(content), info.chunk * channels * pcm.stored)
    return samples_from_interleaved(content, pcm, channels), int(info.rate)


def _write(message: Any, samples: NDArray[np.int16], rate: int) -> None:
    message.audio.audio_data.int16_data = array("h", samples.tobytes())
    info = message.audio.info
    info.format, info.channels, info.rate, info.chunk = INT16, samples.shape[1], rate, len(samples)


AUDIO_STAMPED = AudioType("audio_common_msgs/msg/AudioStamped", "mgonzs13", _read, _write)
