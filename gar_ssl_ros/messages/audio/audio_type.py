"""What there is to know of an audio message: how sound is read out of one and written into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.messages.audio.codec import Codec, Samples


@dataclass
class AudioStream:
    """What the messages of one topic leave for the next ones.

    info: the last message that described them. codec: what decodes them. held: ns, the stamp of the first message whose
    sound the codec holds back; 0 where it holds none.
    """

    info: Any = None
    codec: Codec | None = None
    held: int = 0


@dataclass(frozen=True)
class InfoType:
    """A message that describes the sound of others, on a topic of its own.

    name: in full, such as audio_common_msgs/msg/AudioInfo. write: describes samples of 16 bits in one, given their
    channels and rate, Hz. in_words: what one says.
    """

    name: str
    write: Callable[[Any, int, int], None]
    in_words: Callable[[Any], str]


@dataclass(frozen=True)
class AudioType:
    """An audio message.

    name: in full, such as audio_common_msgs/msg/AudioStamped. family: whose package it is, since two packages have the
    name audio_common_msgs. read: the sound of one; None where the codec holds it back until the next one; raises
    AudioError. write: puts samples, int16 (samples, channels), and their rate, Hz, into one, which has a header; None
    where sound is not published in it. info: what describes it, where it does not do so itself.
    """

    name: str
    family: str
    read: Callable[[Any, AudioStream], Samples | None]
    write: Callable[[Any, NDArray[np.int16], int], None] | None = None
    info: InfoType | None = None
