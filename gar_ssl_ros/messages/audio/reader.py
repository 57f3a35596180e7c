"""Sound out of every audio message that ROS 2 has: the one file that knows their families.

| message | package | samples |
|---|---|---|
| AudioStamped | audio_common_msgs of mgonzs13 | typed arrays, described by PortAudio's format numbers |
| AudioDataStamped, AudioData | audio_common_msgs of ros-drivers | bytes, described by an AudioInfo on its own topic |
| AudioFrame | audio_utils_msgs, audio_utils of introlab | bytes, described by the message |
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.media.window import SECOND, Audio, audio_from_samples
from gar_ssl_ros.messages.audio.codec import CODECS, FILES, Codec, CodecError, decode_file
from gar_ssl_ros.messages.audio.pcm import Pcm, samples_from_bytes
from gar_ssl_ros.messages.stamps import StampError, stamp_of

STAMPED, DATA_STAMPED, DATA, FRAME = "AudioStamped", "AudioDataStamped", "AudioData", "AudioFrame"
TYPES = (
    f"audio_common_msgs/msg/{STAMPED}",
    f"audio_common_msgs/msg/{DATA_STAMPED}",
    f"audio_common_msgs/msg/{DATA}",
    f"audio_utils_msgs/msg/{FRAME}",
    f"audio_utils/msg/{FRAME}",
)
INFO_TYPE = "audio_common_msgs/msg/AudioInfo"
NEED_INFO = (DATA_STAMPED, DATA)

RATES = range(1_000, 768_001)  # Hz
CHANNELS = range(1, 9)
REJOIN = SECOND // 4  # ns: a codec holds sound back; further off than this, its chunk's stamp is believed again

# PortAudio's sample formats: the array of mgonzs13's AudioData that holds them, and how they lie in it.
PORTAUDIO = {
    0x01: ("float32_data", Pcm("F", 4, 4)),
    0x02: ("int32_data", Pcm("S", 4, 4)),
    0x04: ("uint8_data", Pcm("S", 3, 3)),
    0x08: ("int16_data", Pcm("S", 2, 2)),
    0x10: ("int8_data", Pcm("S", 1, 1)),
    0x20: ("uint8_data", Pcm("U", 1, 1)),
}
INTROLAB = {
    f"{sign}_{name}": Pcm(letter, valid, stored)
    for sign, letter in (("signed", "S"), ("unsigned", "U"))
    for name, valid, stored in (("8", 1, 1), ("16", 2, 2), ("24", 3, 3), ("padded_24", 3, 4), ("32", 4, 4))
} | {"float": Pcm("F", 4, 4), "double": Pcm("F", 8, 8)}
RAW = ("wave", "wav", "raw", "pcm", "")  # ros-drivers' audio_capture says `wave` of samples without any header


class AudioError(UserError):
    """A message that is no sound: one sentence that says why."""


class AudioReader:
    """Turns the messages of one topic into sound, in their order. Not thread-safe.

    ros-drivers' messages mean nothing before an AudioInfo has been taken in.
    """

    def __init__(self) -> None:
        self._info: Any = None
        self._codec: Codec | None = None
        self._held = 0  # ns: stamp of the first message that the codec holds back
        self._next = 0  # ns: the end of what was read last

    def take_info(self, info: Any) -> None:
        """What ros-drivers' AudioInfo says holds from now on."""
        if self._codec is not None and self._codec.name != info.coding_format.lower():
            self._codec, self._held = None, 0
        self._info = info

    @property
    def described(self) -> str:
        """What AudioInfo says of the sound, in words; empty where none has come."""
        info = self._info
        if info is None:
            return ""
        return f"{info.channels} x {info.sample_rate} Hz, {info.sample_format}, {info.coding_format}"

    def read(self, message: Any, now: int) -> Audio | None:
        """The sound of a message; None where a codec holds it back until the next one.

        now: ns, the time of its arrival, which is the end of what carries no stamp. Raises AudioError where there is
        no sound to be had.
        """
        kind = type(message).__name__.rpartition("__")[2]  # of a bag: audio_common_msgs__msg__AudioStamped
        try:
            stamp = stamp_of(message.header) if hasattr(message, "header") else 0
        except StampError as problem:
            raise AudioError(str(problem)) from None
        if kind == STAMPED:
            samples, rate = _samples_of_stamped(message)
        elif kind == FRAME:
            samples, rate = _samples_of_frame(message)
        else:
            decoded = self._samples_of_data(message.data if kind == DATA else message.audio.data)
            if decoded is None:
                self._held = self._held or stamp
                return None
            samples, rate = decoded
            stamp = self._held or stamp
            self._held = 0
        if rate not in RATES:
            raise AudioError(f"its rate is {rate} Hz: it must lie in {RATES.start}..{RATES.stop - 1}")
        if not samples.shape[1]:
            raise AudioError("it holds no sample")
        stamp = stamp or now - samples.shape[1] * SECOND // rate
        if self._codec is not None:
            stamp = self._next if abs(stamp - self._next) < REJOIN else stamp
        audio = audio_from_samples(stamp, samples, rate)
        self._next = audio.end
        return audio

    def _samples_of_data(self, data: Any) -> tuple[NDArray[Any], int] | None:
        info = self._info
        if info is None:
            raise AudioError("no AudioInfo has come yet, which says what its bytes are: publish one on `audio_info`")
        coding = info.coding_format.lower()
        content = bytes(data)
        try:
            if content[:4] in FILES:
                decoded: tuple[NDArray[Any], int] | None = decode_file(content)
            elif coding in RAW:
                channels = _channels(info.channels)
                samples = _interleaved(content, pcm_from_gstreamer(info.sample_format), channels)
                return samples, int(info.sample_rate)
            elif coding in CODECS:
                self._codec = self._codec or Codec(coding)
                decoded = self._codec.decode(content)
            else:
                known = ", ".join((*CODECS, "wave"))
                raise AudioError(
                    f"its coding format {shortened(repr(coding))} is not known: have it sent as one of {known}"
                )
        except CodecError as problem:
            self._held = 0
            raise AudioError(str(problem)) from None
        if decoded is not None:
            _channels(len(decoded[0]))
        return decoded


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


def _samples_of_stamped(message: Any) -> tuple[NDArray[Any], int]:
    info, data = message.audio.info, message.audio.audio_data
    if info.format not in PORTAUDIO:
        raise AudioError(f"its PortAudio sample format {info.format} is not known: one of {sorted(PORTAUDIO)} is")
    field, pcm = PORTAUDIO[info.format]
    values = getattr(data, field)
    dtype = {"F": "f", "S": "i", "U": "u"}[pcm.letter] + str(1 if field == "uint8_data" else pcm.stored)
    content = np.asarray(values, np.uint8 if field == "uint8_data" else dtype).astype(f"<{dtype}", copy=False).tobytes()
    channels = _channels(info.channels)
    _whole(len(content), info.chunk * channels * pcm.stored)
    return _interleaved(content, pcm, channels), int(info.rate)


def _samples_of_frame(message: Any) -> tuple[NDArray[Any], int]:
    pcm = INTROLAB.get(message.format)
    if pcm is None:
        raise AudioError(
            f"its sample format {shortened(repr(message.format))} is not known: one of {', '.join(INTROLAB)} is"
        )
    channels = _channels(message.channel_count)
    _whole(len(message.data), message.frame_sample_count * channels * pcm.stored)
    return _interleaved(bytes(message.data), pcm, channels), int(message.sampling_frequency)


def _channels(count: int) -> int:
    if count not in CHANNELS:
        raise AudioError(f"it has {count} channels: {CHANNELS.start} to {CHANNELS.stop - 1} can be heard")
    return int(count)


def _whole(there: int, promised: int) -> None:
    if there < promised:
        raise AudioError(f"it has {there} bytes of samples, not the {promised} that it says")


def _interleaved(content: bytes, pcm: Pcm, channels: int) -> NDArray[Any]:
    """(channels, samples) of bytes in which the channels take turns."""
    if len(content) % (pcm.stored * channels):
        raise AudioError(f"its {len(content)} bytes are no whole number of samples of {channels} x {pcm.stored} bytes")
    return samples_from_bytes(content, pcm).reshape(-1, channels).T
