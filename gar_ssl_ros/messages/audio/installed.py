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
    there = [one for one, kind in PUBLISHED.items() if _has(kind.name)]  # no other package has a message of that name
    if family not in PUBLISHED or family in there or not there:
        try:
            return message_type(name)
        except LookupError as problem:
            raise LookupError(f"{problem} of {family}") from None
    whose = f"{name} is of the {name.partition('/')[0]} of {family}, and the one that is installed is of {there[0]}"
    ours = f"our player and microphone: -p audio_type:={there[0]}"
    raise LookupError(f"{whose}: have it sent as {PUBLISHED[there[0]].name} ({ours}), or install the other package")


def _has(name: str) -> bool:
    try:
        message_type(name)
    except LookupError:
        return False
    return True
