"""A bag localized in its own time: what the localizer would have published had it kept up with every window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rclpy.serialization import serialize_message

from gar_ssl_ros.bags.rosbag import Bag, BagError, BagWriter, Recorded, qos
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage, Timing
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES
from gar_ssl_ros.messages.images import IMAGE_TYPES
from gar_ssl_ros.messages.surroundings import DEPTH_ENCODINGS
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.work.encoder import AnswerEncoder
from gar_ssl_ros.work.surroundings import Surroundings, camera_info_beside, is_rectified
from gar_ssl_ros.work.window_assembler import Cut, WindowAssembler

CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
MAX_REASONS = 10  # of one kind that are told apart
TOPICS = (
    ("sources", "gar_ssl_ros/msg/SoundSourceArray"),
    ("detections", "vision_msgs/msg/Detection2DArray"),
    ("markers", "visualization_msgs/msg/MarkerArray"),
    ("image_annotated", "sensor_msgs/msg/Image"),
)


@dataclass(frozen=True)
class Topics:
    """Where a bag's images and sound are.

    info: what describes the sound, where its messages do not. camera_info: of the images; None where there is none.
    """

    image: str
    audio: str
    info: str | None
    camera_info: str | None = None


@dataclass(frozen=True)
class BagJob:
    """How a bag is localized. name: of the node whose topics are written. hear: adds to a window the directions that an
    array heard in it, given its camera, where that is known.
    """

    topics: Topics
    name: str
    options: GarOptions
    windows: WindowOptions
    hear: Callable[[Window, Camera | None], Window] | None = None


@dataclass
class BagSummary:
    """What became of a bag so far.

    outcomes: of its windows. failures: why windows failed. left_out: messages that are no image or sound.
    complaints: what is wrong with the messages, a sentence each; the first ten, as of the failures.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    complaints: Counter[str] = field(default_factory=Counter)


def choose_topics(bag: Bag, image: str | None, sound: str | None) -> Topics:
    """The topics of those names, or the only ones of their kind. Raises BagError where there is none or no only one."""
    found = {connection.topic: connection.msgtype for connection in bag.connections}
    depths = {topic: f"{kind} of depth" for topic, kind in found.items() if image is None and _is_depth(bag, topic)}
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


def refuse_answered(bag: Bag, name: str) -> None:
    """Raises BagError where the bag has answers of a localizer of that name already."""
    taken = {connection.topic for connection in bag.connections} & {f"{name}/{topic}" for topic, _ in TOPICS}
    if taken:
        raise BagError(f"{bag.path} has {', '.join(sorted(taken))} already: give the localizer another --name")


def localize_bag(
    bag: Bag, writer: BagWriter, job: BagJob, reasoner: Reasoner, done: BagSummary, seen: Callable[[int], object]
) -> None:
    """Copy every message of `bag`, and write each window's answer at the time of the message that completed it.

    done: filled in on the way. seen: called with how far the bag has been read, ns. Raises BagError where the bag is
    damaged or the new one cannot be written; what was done until then is in it.
    """
    copies = {id(connection): writer.copy_topic(connection) for connection in bag.connections}
    replay = _Replay(bag, writer, job, reasoner, done)
    for recorded in bag.messages():
        writer.write(copies[id(recorded.connection)], recorded.time, recorded.data)
        replay.take(recorded)
        seen(recorded.time - bag.start)


class _Replay:
    """The localizer's part, without its clock and threads."""

    def __init__(self, bag: Bag, writer: BagWriter, job: BagJob, reasoner: Reasoner, done: BagSummary) -> None:
        self._bag, self._writer, self._job, self._reasoner, self._done = bag, writer, job, reasoner, done
        self._assembler = WindowAssembler(job.windows, partial(_count, done.complaints))
        self._surroundings = Surroundings(SpatialOptions(), job.windows)
        self._encoder = AnswerEncoder(job.topics.image)
        self._unreadable = 0
        self._out = {topic: writer.add_topic(f"{job.name}/{topic}", kind, qos(depth=10)) for topic, kind in TOPICS}

    def take(self, recorded: Recorded) -> None:
        """A message of any topic."""
        topics = self._job.topics
        if recorded.topic not in (topics.image, topics.audio, topics.info, topics.camera_info):
            return
        cut = None
        try:
            message: Any = self._bag.message(recorded)
        except BagError as problem:
            self._unreadable += 1
            _count(self._done.complaints, str(problem))
        else:
            if recorded.topic == topics.image:
                cut = self._assembler.take_image(message, recorded.time)
            elif recorded.topic == topics.audio:
                cut = self._assembler.take_audio(message, recorded.time)
            elif recorded.topic == topics.info:
                self._assembler.take_info(message)
            else:
                self._take_camera_info(message)
        self._done.left_out = self._assembler.left_out + self._unreadable
        if cut is not None:
            self._answer(cut, recorded.time)

    def _take_camera_info(self, message: Any) -> None:
        try:
            self._surroundings.take_camera_info(message)
        except CameraError as problem:
            _count(self._done.complaints, f"{self._job.topics.camera_info}: {problem}")

    def _answer(self, cut: Cut, now: int) -> None:
        """All that is known of a window, at the bag's time `now`, in which inference takes no time."""
        window = cut.window
        refused = Localization(
            Outcome.BACKEND_ERROR, Stage.FINAL, self._reasoner.name, self._reasoner.model, cut.refusal
        )
        view = self._surroundings.view(window.center, is_rectified(self._job.topics.image))
        if self._job.hear is not None and not cut.refusal:
            window = self._job.hear(window, view.camera)
        for timed in [refused] if cut.refusal else localize(window, self._reasoner, self._job.options):
            found = replace(timed, timing=Timing())
            told = self._encoder.encode(found, window, (now - window.end) / SECOND, self._done.left_out, view=view)
            self._write("sources", told.sources, now)
            if told.detections is not None:
                self._write("detections", told.detections, now)
            if told.markers is not None:
                self._write("markers", told.markers, now)
            if told.draw is None:
                continue
            self._write("image_annotated", told.draw(), now)
            self._done.outcomes[found.outcome] += 1
            if found.outcome.failed:
                _count(self._done.failures, found.detail)

    def _write(self, topic: str, message: Any, now: int) -> None:
        self._writer.write(self._out[topic], now, serialize_message(message))


def _count(reasons: Counter[str], reason: str) -> None:
    reasons[reason if reason in reasons or len(reasons) < MAX_REASONS else "and more"] += 1


def _is_depth(bag: Bag, topic: str) -> bool:
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
