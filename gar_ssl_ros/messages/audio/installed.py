"""The classes of audio messages. Two packages are named audio_common_msgs, of which real ROS 2 has one at most."""

from __future__ import annotations

from typing import Any

from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, PUBLISHED
from gar_ssl_ros.messages.ros import message_type


def audio_class(name: str) -> Any:
    """The class of an audio message by its full name.

    Raises LookupError where it is not installed: a sentence that says whose it is, and whose package of that name is
    there instead.
    """
    family = AUDIO_TYPES[name].family
    package = name.partition("/")[0]
    try:
        if family in PUBLISHED:
            message_type(PUBLISHED[family].name)  # no other package has it, while AudioData is in both
        return message_type(name)
    except LookupError as problem:
        there = [other for other in PUBLISHED if other != family and _has(PUBLISHED[other].name)]
        if family not in PUBLISHED or not there:
            raise LookupError(f"{problem} of {family}") from None
        instead = PUBLISHED[there[0]].name
        raise LookupError(
            f"{name} is of the {package} of {family}, and the one that is installed is of {there[0]}: have it sent as "
            f"{instead} (our player and microphone: -p audio_type:={there[0]}), or install the other package"
        ) from None


def _has(name: str) -> bool:
    try:
        message_type(name)
    except LookupError:
        return False
    return True
