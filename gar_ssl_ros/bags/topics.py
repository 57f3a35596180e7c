"""Where a bag's images and sound are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gar_ssl_ros.bags.rosbag import Bag, BagError
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES
from gar_ssl_ros.messages.images import IMAGE_TYPES
from gar_ssl_ros.messages.surroundings import DEPTH_ENCODINGS
from gar_ssl_ros.work.surroundings import camera_info_beside

CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"


@dataclass(frozen=True)
class Topics:
    """Where a bag's images and sound are.

    info: what describes the sound, where its messages do not. camera_info: of the images; None where there is none.
    """

    image: str
    audio: str
    info: str | None
    camera_info: str | None = None

    @property
    def all(self) -> set[str]:
        """Their names."""
        return {topic for topic in (self.image, self.audio, self.info, self.camera_info) if topic is not None}


def choose_topics(bag: Bag, image: str | None, sound: str | None) -> Topics:
    """The topics of those names, or the only ones of their kind. Raises BagError where there is none or no only one."""
    found = {connection.topic: connection.msgtype for connection in bag.connections}
    depths = {topic: f"{kind} of depth" for topic, kind in found.items() if image is None and is_depth(bag, topic)}
    image = _choose(bag, found | depths, image, IMAGE_TYPES, "image")
    sound = _choose(bag, found, sound, tuple(AUDIO_TYPES), "audio")
    info = None
    if (needed := AUDIO_TYPES[found[sound]].info) is not None:
        beside = f"{sound.rpartition('/')[0]}/audio_info"
        infos = [topic for topic, kind in found.items() if kind == needed.name]
        if not infos:
            raise BagError(f"{bag.path} has no {needed.name}, which says what the bytes of {sound} are: record it too")
        info = beside if beside in infos else infos[0]
    camera_info = camera_info_beside(image)
    return Topics(image, sound, info, camera_info if found.get(camera_info) == CAMERA_INFO_TYPE else None)


def is_depth(bag: Bag, topic: str) -> bool:
    """True of a topic whose first message is a depth image."""
    connections = [one for one in bag.connections if one.topic == topic and one.msgtype == IMAGE_TYPES[0]]
    first = next(bag.messages(connections), None) if connections else None
    try:
        message: Any = None if first is None else bag.message(first)
        return message is not None and str(message.encoding).lower() in DEPTH_ENCODINGS
    except BagError:  # which is told where it is read
        return False


def _choose(bag: Bag, found: dict[str, str], wanted: str | None, kinds: tuple[str, ...], what: str) -> str:
    fitting = [topic for topic, kind in found.items() if kind in kinds]
    if wanted is not None and wanted in fitting:
        return wanted
    has = ", ".join(f"{topic} ({kind})" for topic, kind in sorted(found.items())) or "none at all"
    if wanted is not None:
        problem = f"{bag.path} has no {what} topic {wanted}"
        raise BagError(
            f"{problem}: its {what} topics are {', '.join(fitting)}" if fitting else f"{problem}: it has {has}"
        )
    if not fitting:
        raise BagError(f"{bag.path} has no {what} topic, of type {' or '.join(kinds)}: it has {has}")
    if len(fitting) > 1:
        raise BagError(f"{bag.path} has several {what} topics: choose with --{what} one of {', '.join(fitting)}")
    return fitting[0]
