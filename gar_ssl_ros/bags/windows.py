"""The windows of a bag, in its own time, and the camera that each is seen by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from gar_ssl_ros.bags.rosbag import Bag, BagError, Recorded
from gar_ssl_ros.bags.topics import Topics
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.spatial.view import View
from gar_ssl_ros.work.surroundings import Surroundings, is_rectified
from gar_ssl_ros.work.window_assembler import Cut, WindowAssembler


@dataclass(frozen=True)
class BagWindow:
    """A window, and why it need not be asked what sounds in it; empty where it is to be.

    view: of its center frame. time: of the message that completed it, ns, when that was recorded.
    """

    window: Window
    refusal: str
    view: View
    time: int


class BagWindows:
    """Takes a bag's messages in, in their order, and gives its windows as they are due."""

    def __init__(self, bag: Bag, topics: Topics, windows: WindowOptions, complain: Callable[[str], None]) -> None:
        """complain: told what cannot be read."""
        self._bag, self._topics, self._complain = bag, topics, complain
        self._assembler = WindowAssembler(windows, complain)
        self._surroundings = Surroundings(SpatialOptions(), windows)
        self._unreadable = 0

    @property
    def left_out(self) -> int:
        """Messages that are no image or sound, or in no window."""
        return self._assembler.left_out + self._unreadable

    def take(self, recorded: Recorded) -> BagWindow | None:
        """A message of any topic; the window that is due with it."""
        cut = self._cut(recorded)
        if cut is None:
            return None
        view = self._surroundings.view(cut.window.center, is_rectified(self._topics.image))
        return BagWindow(replace(cut.window, calibrated=view.camera is not None), cut.refusal, view, recorded.time)

    def _cut(self, recorded: Recorded) -> Cut | None:
        topics = self._topics
        if recorded.topic not in topics.all:
            return None
        try:
            message: Any = self._bag.message(recorded)
        except BagError as problem:
            self._unreadable += 1
            self._complain(str(problem))
            return None
        if recorded.topic == topics.image:
            return self._assembler.take_image(message, recorded.time)
        if recorded.topic == topics.audio:
            return self._assembler.take_audio(message, recorded.time)
        if recorded.topic == topics.info:
            self._assembler.take_info(message)
        else:
            self._take_camera_info(message)
        return None

    def _take_camera_info(self, message: Any) -> None:
        try:
            self._surroundings.take_camera_info(message)
        except CameraError as problem:
            self._complain(f"{self._topics.camera_info}: {problem}")


def windows_of_bag(
    bag: Bag, topics: Topics, windows: WindowOptions, complain: Callable[[str], None]
) -> Iterator[tuple[Window, Camera | None]]:
    """Those in which something can be heard, each with its camera, where the bag has a CameraInfo.

    complain: told what cannot be read. Raises BagError.
    """
    found = BagWindows(bag, topics, windows, complain)
    for recorded in bag.messages():
        due = found.take(recorded)
        if due is not None and not due.refusal:
            yield due.window, due.view.camera
