"""Sound out of the messages of a topic, of any audio message that ROS 2 has."""

from __future__ import annotations

from typing import Any

from gar_ssl_ros.media.window import SECOND, Audio, audio_from_samples
from gar_ssl_ros.messages.audio.audio_type import AudioStream, AudioType
from gar_ssl_ros.messages.audio.codec import AudioError
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, INFO_TYPES
from gar_ssl_ros.messages.stamps import StampError, stamp_of

RATES_HZ = range(1_000, 768_001)
REJOIN_NS = SECOND // 4  # a codec holds sound back; further off than this, its chunk's stamp is believed again


class AudioReader:
    """Turns the messages of one topic into sound, in their order. Not thread-safe.

    Messages that do not describe themselves mean nothing before what describes them has been taken in.
    """

    def __init__(self) -> None:
        self._type: AudioType | None = None
        self._stream = AudioStream()
        self._next = 0  # ns: the end of what was read last

    def take_info(self, info: Any) -> None:
        """What an AudioInfo says holds from now on."""
        self._stream.info = info

    @property
    def described(self) -> str:
        """What AudioInfo says of the sound, in words; empty where none has come."""
        info = self._stream.info
        return "" if info is None else INFO_TYPES[_type_name(info)].in_words(info)

    def read(self, message: Any, now: int) -> Audio | None:
        """The sound of a message; None where a codec holds it back until the next one.

        now: ns, the time of its arrival, which is the end of what carries no stamp. Raises AudioError where there is
        no sound to be had, UndescribedError where there will be.
        """
        kind = AUDIO_TYPES[_type_name(message)]
        if kind is not self._type:  # another sender: the last one's codec is done
            self._type, self._stream = kind, AudioStream(self._stream.info)
        stream = self._stream
        try:
            stamp = stamp_of(message.header) if hasattr(message, "header") else 0
            decoded = kind.read(message, stream)
        except StampError as problem:
            raise AudioError(str(problem)) from None
        except AudioError:
            stream.held = 0
            raise
        if decoded is None:
            stream.held = stream.held or stamp
            return None
        samples, rate = decoded
        stamp, stream.held = stream.held or stamp, 0
        if rate not in RATES_HZ:
            raise AudioError(f"its rate is {rate} Hz: it must lie in {RATES_HZ.start}..{RATES_HZ.stop - 1}")
        if not samples.shape[1]:
            raise AudioError("it holds no sample")
        stamp = stamp or now - samples.shape[1] * SECOND // rate
        if stream.codec is not None:
            stamp = self._next if abs(stamp - self._next) < REJOIN_NS else stamp
        audio = audio_from_samples(stamp, samples, rate)
        self._next = audio.end
        return audio


def _type_name(message: Any) -> str:
    """A message's type in full, be it of rclpy or of a bag: audio_common_msgs/msg/AudioStamped."""
    cls = type(message)
    return getattr(cls, "__msgtype__", "") or f"{cls.__module__.partition('.')[0]}/msg/{cls.__name__}"
