"""What a page's own camera and microphone send: each message one picture, or one piece of sound."""

from __future__ import annotations

import math
import struct

import numpy as np

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.media.window import Audio, audio_from_samples
from gar_ssl_ros.messages.picture_header import picture_header
from gar_ssl_ros.page.feed import PICTURE, PICTURE_HEAD, SOUND, Picture
from gar_ssl_ros.page.pictures import JPEG_BEGINS

SOUND_HEAD = struct.Struct("<BBHId")  # kind, channels, 0, rate in Hz, stamp of the first in ms; then int16, woven
MOST_BYTES = 2**22
MOST_SIDE = 4096  # pixels
MOST_CHANNELS = 8
LOWEST_HZ, HIGHEST_HZ = 8000, 192_000
LONGEST_S = 1.0  # of a piece of sound
LATEST_MS = 1e13  # the year 2286
FULL_SCALE = 32767  # as of SoundPublisher


class SenseError(UserError):
    """A message that is of no use: one sentence."""


def read_sense(message: bytes) -> Picture | Audio:
    """A picture, or a piece of sound, at the time that it says. Raises SenseError where it is neither."""
    if len(message) > MOST_BYTES:
        raise SenseError(f"a message has {len(message)} bytes: send at most {MOST_BYTES}")
    kind = message[0] if message else 0
    if kind == PICTURE:
        return _picture(message)
    if kind == SOUND:
        return _sound(message)
    raise SenseError(f"a message is of kind {kind}: send pictures ({PICTURE}) and sound ({SOUND})")


def _picture(message: bytes) -> Picture:
    jpeg = message[PICTURE_HEAD.size :]
    header = picture_header(jpeg) if jpeg.startswith(JPEG_BEGINS) else None
    if header is None:
        raise SenseError(f"a picture's {len(jpeg)} bytes are no JPEG: send one")
    if not 0 < min(header.width, header.height) <= max(header.width, header.height) <= MOST_SIDE:
        told = f"{header.width}x{header.height}"
        raise SenseError(f"a picture is {told} pixels: have no side longer than {MOST_SIDE}")
    *_, stamp = PICTURE_HEAD.unpack_from(message)
    return Picture(_ns(stamp), header.width, header.height, jpeg)


def _sound(message: bytes) -> Audio:
    if len(message) < SOUND_HEAD.size:
        raise SenseError(
            f"a piece of sound has {len(message)} bytes: it begins with {SOUND_HEAD.size} that describe it"
        )
    _, channels, _, rate, stamp = SOUND_HEAD.unpack_from(message)
    if not 1 <= channels <= MOST_CHANNELS:
        raise SenseError(f"sound has {channels} channels: send 1 to {MOST_CHANNELS}")
    if not LOWEST_HZ <= rate <= HIGHEST_HZ:
        raise SenseError(f"sound comes at {rate} Hz: send {LOWEST_HZ} to {HIGHEST_HZ}")
    size = len(message) - SOUND_HEAD.size
    count, rest = divmod(size, 2 * channels)
    if rest or not 0 < count <= LONGEST_S * rate:
        told = f"whole samples of 16 bits, {channels} channels, at most {LONGEST_S:g} s"
        raise SenseError(f"a piece of sound has {size} bytes: send {told}")
    woven = np.frombuffer(message, "<i2", offset=SOUND_HEAD.size).reshape(count, channels)
    return audio_from_samples(_ns(stamp), woven.T.astype(np.float32) / FULL_SCALE, rate)


def _ns(milliseconds: float) -> int:
    if not (math.isfinite(milliseconds) and 0 < milliseconds < LATEST_MS):
        raise SenseError("a stamp is no time: send ms since 1970")
    return round(milliseconds * 1e6)
