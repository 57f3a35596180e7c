"""A bag localized in its own time: what the localizer would have published had it kept up with every window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rclpy.serialization import serialize_message

from gar_ssl_ros.bags.rosbag import Bag, BagError, BagWriter, qos
from gar_ssl_ros.bags.topics import Topics
from gar_ssl_ros.bags.windows import BagWindow, BagWindows
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage, Timing
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.masks.following import masked_window
from gar_ssl_ros.masks.segmenter import Segmenter
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.messages.masks import label_info_message, masks_message, newest_masks_message
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.work.encoder import AnswerEncoder

MAX_REASONS = 10  # of one kind that are told apart
TOPICS = (
    ("sources", "gar_ssl_ros/msg/SoundSourceArray"),
    ("detections", "vision_msgs/msg/Detection2DArray"),
    ("markers", "visualization_msgs/msg/MarkerArray"),
    ("image_annotated", "sensor_msgs/msg/Image"),
)
MASK_TOPICS = (
    ("masks", "sensor_msgs/msg/Image"),
    ("masks_newest", "sensor_msgs/msg/Image"),
    ("label_info", "vision_msgs/msg/LabelInfo"),
)


@dataclass(frozen=True)
class BagJob:
    """How a bag is localized. name: of the node whose topics are written. hear: adds to a window the directions that an
    array heard in it, given its camera, where that is known. segmenter: of the sources' masks; none where None.
    """

    topics: Topics
    name: str
    options: GarOptions
    windows: WindowOptions
    hear: Callable[[Window, Camera | None], Window] | None = None
    segmenter: Segmenter | None = None

    @property
    def outputs(self) -> tuple[tuple[str, str], ...]:
        """What is written, each with its type."""
        return TOPICS if self.segmenter is None else (*TOPICS, *MASK_TOPICS)


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


def refuse_answered(bag: Bag, name: str) -> None:
    """Raises BagError where the bag has answers of a localizer of that name already."""
    own = {f"{name}/{topic}" for topic, _ in (*TOPICS, *MASK_TOPICS)}
    taken = {connection.topic for connection in bag.connections} & own
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
    windows = BagWindows(bag, job.topics, job.windows, partial(_count, done.complaints))
    answers = _Answers(writer, job, reasoner, done)
    for recorded in bag.messages():
        writer.write(copies[id(recorded.connection)], recorded.time, recorded.data)
        due = windows.take(recorded)
        done.left_out = windows.left_out
        if due is not None:
            answers.write(due)
        seen(recorded.time - bag.start)


def localizations(
    due: BagWindow, reasoner: Reasoner, options: GarOptions, deadline: Deadline | None = None
) -> Iterator[Localization]:
    """What a reasoner finds in a window, as of `gar.pipeline.localize`; the one that says why it is not asked."""
    if due.refusal:
        yield Localization(Outcome.BACKEND_ERROR, Stage.FINAL, reasoner.name, reasoner.model, due.refusal)
    else:
        yield from localize(due.window, reasoner, options, deadline)


class _Answers:
    """What the localizer would have published."""

    def __init__(self, writer: BagWriter, job: BagJob, reasoner: Reasoner, done: BagSummary) -> None:
        self._writer, self._job, self._reasoner, self._done = writer, job, reasoner, done
        self._encoder = AnswerEncoder(job.topics.image)
        self._out = {topic: writer.add_topic(f"{job.name}/{topic}", kind, qos(depth=10)) for topic, kind in job.outputs}

    def write(self, due: BagWindow) -> None:
        """All that is known of a window, at the bag's time, in which inference takes no time."""
        if self._job.hear is not None and not due.refusal:
            due = replace(due, window=self._job.hear(due.window, due.view.camera))
        now, window = due.time, due.window
        for timed in localizations(due, self._reasoner, self._job.options):
            found = masked_window(replace(timed, timing=Timing()), window, self._job.segmenter)
            told = self._encoder.encode(found, window, (now - window.end) / SECOND, self._done.left_out, view=due.view)
            self._write("sources", told.sources, now)
            if told.detections is not None:
                self._write("detections", told.detections, now)
            if told.markers is not None:
                self._write("markers", told.markers, now)
            if self._job.segmenter is not None and (message := masks_message(found, window.center)) is not None:
                self._write("masks", message, now)
                self._write("label_info", label_info_message(found, window.center), now)
            if (newest := newest_masks_message(found, window)) is not None:
                self._write("masks_newest", newest, now)
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
