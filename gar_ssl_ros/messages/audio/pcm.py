"""Samples out of bytes: every way in which uncompressed sound is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.messages.audio.codec import AudioError

CHANNELS = range(1, 9)


@dataclass(frozen=True)
class Pcm:
    """How a sample lies in its bytes.

    letter: S signed, U unsigned, F floating point. valid: bytes that carry the value. stored: bytes that it takes, of
    which the upper ones are padding where there are more. big: most significant byte first.
    """

    letter: str
    valid: int
    stored: int
    big: bool = False


def samples_from_bytes(content: bytes, pcm: Pcm) -> NDArray[np.floating]:
    """Samples in [-1, 1], in their order, of whole samples' bytes; floating-point ones as they are, of any value."""
    raw: NDArray[np.uint8] = np.frombuffer(content, np.uint8).reshape(-1, pcm.stored)
    if pcm.big:
        raw = raw[:, ::-1]
    if pcm.letter == "F":
        return np.ascontiguousarray(raw).view(f"<f{pcm.stored}")[:, 0]
    shifted = np.zeros((len(raw), 4), np.uint8)  # the value's bytes become the upper ones of 32 bits
    shifted[:, 4 - pcm.valid :] = raw[:, : pcm.valid]
    values = shifted.view("<u4")[:, 0]
    if pcm.letter == "U":
        values = values ^ np.uint32(2**31)
    return values.view(np.int32).astype(np.float32) * np.float32(2.0**-31)


def samples_from_interleaved(content: bytes, pcm: Pcm, channels: int) -> NDArray[np.floating]:
    """(channels, samples) of bytes in which the channels take turns. Raises AudioError where a part of one is there."""
    if len(content) % (pcm.stored * channels):
        raise AudioError(f"its {len(content)} bytes are no whole number of samples of {channels} x {pcm.stored} bytes")
    return samples_from_bytes(content, pcm).reshape(-1, channels).T


def checked_channels(count: int) -> int:
    """The same number. Raises AudioError where so many cannot be heard."""
    if count not in CHANNELS:
        raise AudioError(f"it has {count} channels: {CHANNELS.start} to {CHANNELS.stop - 1} can be heard")
    return int(count)


def check_size(there: int, promised: int) -> None:
    """Raises AudioError where a message holds fewer bytes than it says."""
    if there < promised:
        raise AudioError(f"it has {there} bytes of samples, not the {promised} that it says")
