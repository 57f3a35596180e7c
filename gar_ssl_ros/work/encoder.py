"""Answers to the messages of a localizer, whether it runs on the graph or over a bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

from gar_ssl_ros.gar.localization import Localization, Stage
from gar_ssl_ros.masks.tracking import Tracker
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.messages.answers import detections_message, sources_message
from gar_ssl_ros.messages.goals import goal_message, heard_sources
from gar_ssl_ros.messages.markers import markers_message, pointed_at
from gar_ssl_ros.messages.overlays import Overlay, annotated_message
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.spatial.approach import Approach
from gar_ssl_ros.spatial.view import NO_VIEW, View

MIN_SHOWN_NS, MAX_SHOWN_NS = SECOND, 10 * SECOND  # from one answer to the next, for how long what is shown is seen


@dataclass(frozen=True)
class AnswerMessages:
    """What an answer is on the topics of a localizer.

    detections: of a final answer that says what is there; None of another, since an empty one would say that nothing
    is. markers: of a final answer, where there is something to show or to take away. draw: makes the annotated picture
    of a final answer; None of an initial one. goal: where to go for a final answer, where that is asked for and known.
    lifetime: for how long it is to be seen at most, ns: twice what it took from the last final answer to this one.
    """

    sources: SoundSourceArray
    lifetime: int
    detections: Detection2DArray | None = None
    markers: MarkerArray | None = None
    draw: Callable[[], Image] | None = None
    goal: PoseStamped | None = None


class AnswerEncoder:
    """Encodes one answer after another: its sources keep their ids, and what got lost is told once. Not thread-safe.

    latency: s, of the last final answer; None before.
    """

    def __init__(self, topic: str) -> None:
        """topic: of the images."""
        self.latency: float | None = None
        self._topic = topic
        self._tracker = Tracker()
        self._index = 0
        self._told = 0  # of the messages left out
        self._robots_ids = False
        self._approach: Approach | None = None
        self._shown: set[int] = set()  # ids of sources that have markers
        self._stamp: int | None = None  # of the last final answer's image, ns
        self._step = MIN_SHOWN_NS  # from the one before to it

    def begin(self, robots_ids: bool, approach: Approach | None = None) -> None:
        """Messages left out are counted from 0 again.

        robots_ids: True if detections have the ids of the robot's own detectors, which ours could be mistaken for.
        approach: of goals, anew; None where there are to be none.
        """
        self._told, self._robots_ids, self._approach = 0, robots_ids, approach
        self._tracker.forget_followed()

    def encode(
        self,
        found: Localization,
        window: Window,
        latency: float,
        left_out: int,
        dropped: int = 0,
        view: View = NO_VIEW,
    ) -> AnswerMessages:
        """
        latency: s, until now. left_out: input messages that could not be used so far. dropped: windows given up for
        newer ones since the last final answer. view: of the window's center frame.
        """
        ids = self._tracker.follow(found.sources, window.center.stamp)
        message = sources_message(found, window, ids, self._topic, self._index, view)
        message.latency = latency
        message.dropped_inputs = max(0, left_out - self._told)
        message.dropped_windows = dropped
        if found.stage is Stage.INITIAL:
            return AnswerMessages(message, 2 * self._step)
        self.latency = latency
        self._index += 1
        self._told += message.dropped_inputs
        detections = None
        if found.outcome.conclusive:
            names = [one.id if self._robots_ids else str(own) for one, own in zip(found.sources, ids, strict=True)]
            detections = detections_message(found, window.center, names)
        stamp = window.center.stamp
        self._step = MIN_SHOWN_NS if self._stamp is None else min(max(stamp - self._stamp, MIN_SHOWN_NS), MAX_SHOWN_NS)
        self._stamp = stamp
        draw = partial(annotated_message, window.center, Overlay(found))
        markers, goal = self._markers(message), self._goal(message, stamp, view)
        return AnswerMessages(message, 2 * self._step, detections, markers, draw, goal)

    def _goal(self, message: SoundSourceArray, stamp: int, view: View) -> PoseStamped | None:
        if self._approach is None:
            return None
        robot = None if view.to_target is None else view.to_target.translation  # the camera's place stands for it
        pose = self._approach.goal(heard_sources(message), robot, stamp)
        return None if pose is None else goal_message(message, pose)

    def _markers(self, message: SoundSourceArray) -> MarkerArray | None:
        ids = {source.id for source in pointed_at(message)}
        gone = self._shown - ids
        self._shown = ids
        return markers_message(message, sorted(gone), 2 * self._step) if ids or gone else None
