"""Recorded robots: rosbag2 with a camera's and a microphone's topic, and a truth file that names moments in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection

from gar_ssl_ros.bags.rosbag import BAG_SUFFIXES, Bag, BagError
from gar_ssl_ros.evaluation.datasets.folder import from_truth
from gar_ssl_ros.evaluation.datasets.media import WINDOW_NS, Missing
from gar_ssl_ros.evaluation.datasets.truth import Entry, TruthDocument
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Media, Opened, Truth, pixels
from gar_ssl_ros.media.buffer import WindowBuffer
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.audio.codec import AudioError
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, INFO_TYPES
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import IMAGE_TYPES, ImageError, frame_from_message

MAX_DELAY_NS = SECOND  # a message is recorded at most this long after, or before, its own stamp, clocks aside


@dataclass(frozen=True)
class BagCut:
    """A window of a bag. at: its middle, s from the bag's first message; None for the bag's own. Topics: None for the
    only one there is.
    """

    path: Path
    at: float | None = None
    image_topic: str | None = None
    audio_topic: str | None = None

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError where the bag or a message cannot be read, or a topic is not there."""
        try:
            with Bag(self.path) as bag:
                return self._opened(bag, truths)
        except (BagError, AudioError, ImageError) as problem:
            said = str(problem)
            raise ClipError(said if str(self.path) in said else f"{self.path}: {said}") from None

    def _opened(self, bag: Bag, truths: tuple[Truth, ...] | None) -> Opened:
        images = self._topic(bag.connections, IMAGE_TYPES, self.image_topic, "image_topic", "camera")
        sounds = self._topic(bag.connections, tuple(AUDIO_TYPES), self.audio_topic, "audio_topic", "microphone")
        infos = [connection for connection in bag.connections if connection.msgtype in INFO_TYPES]
        reader = AudioReader()
        for one in bag.messages(infos) if infos else ():
            reader.take_info(bag.message(one))
            break
        moment = bag.start + (bag.duration // 2 if self.at is None else round(self.at * SECOND))
        into = (moment - bag.start) / SECOND
        if not bag.start <= moment <= bag.start + bag.duration:
            raise ClipError(f"{self.path} is {bag.duration / SECOND:.1f} s long and does not reach {into:g} s")
        buffer = WindowBuffer(span=WINDOW_NS + 4 * MAX_DELAY_NS)
        ahead: int | None = None  # of the headers' clock over the recorder's, ns
        held: list[tuple[int, Any]] = []
        margin = WINDOW_NS // 2 + MAX_DELAY_NS
        for one in bag.messages([*images, *sounds], moment - margin, moment + margin):
            message = bag.message(one)
            if one.connection in images:
                frame = frame_from_message(message, one.time)
                ahead = frame.stamp - one.time if ahead is None else ahead
                buffer.add_frame(frame)
            else:
                held.append((one.time, message))
        if ahead is None:
            raise ClipError(f"{self.path} shows no picture at {into:.1f} s: check the truth's `at`")
        for received, message in held:
            if (audio := reader.read(message, received + ahead)) is not None:
                buffer.add_audio(audio)
        window = buffer.cut(moment + ahead - WINDOW_NS // 2, moment + ahead + WINDOW_NS // 2)
        if window is None or (truths and window.audio is None):
            what = "picture" if window is None else "sound"
            raise ClipError(f"{self.path} has no {what} at {into:.1f} s: check the truth's `at`")
        return Opened(window, pixels(truths or (), window.center.width, window.center.height))

    def _topic(
        self, connections: list[Connection], types: tuple[str, ...], wanted: str | None, option: str, what: str
    ) -> list[Connection]:
        fitting = [connection for connection in connections if connection.msgtype in types]
        names = sorted({connection.topic for connection in fitting})
        if wanted is not None:
            names = [name for name in names if name.lstrip("/") == wanted.lstrip("/")]
        if not names:
            which = f"topic {wanted}" if wanted else "topic"
            raise ClipError(f"{self.path} has no {what}'s {which} of a type that can be read ({', '.join(types)})")
        if len(names) > 1:
            raise ClipError(f"{self.path} has the {what}s {', '.join(names)}: name one as {option} in a truth.json")
        return [connection for connection in fitting if connection.topic == names[0]]


def rosbag(root: Path, annotations: Path | None = None) -> Dataset:
    """A bag, or a folder of bags, with a truth file whose `file` names the bag and `at` the moment in it, s.

    The truth is `annotations`, or truth.csv or truth.json in `root`. Raises DatasetError where there is none.
    """
    if not root.exists():
        raise DatasetError(f"{root} does not exist: give --root, the bag or the folder of bags")
    folder = root if root.is_dir() else root.parent
    found = [path for name in ("truth.csv", "truth.json") if (path := folder / name).is_file()]
    if annotations is None and not found:
        raise DatasetError(f"{folder} holds neither truth.csv nor truth.json: give --annotations")

    def media(entry: Entry, document: TruthDocument) -> Media:
        named = entry.file in (".", root.name, root.stem) and _is_bag(root)
        path = root if named else root / entry.file  # of a root that is a file there is none
        if not _is_bag(path):
            return Missing(f"{path} is no rosbag2", f"{path}, a folder with metadata.yaml, or an .mcap or .db3 file")
        return BagCut(path, entry.at, document.image_topic, document.audio_topic)

    return from_truth(root.stem, root, annotations or found[0], media)


def _is_bag(path: Path) -> bool:
    return (path / "metadata.yaml").is_file() or (path.is_file() and path.suffix in BAG_SUFFIXES)
