"""The windows of a bag, in its own time, and the camera that each is seen by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gar_ssl_ros.bags.localize import Topics
from gar_ssl_ros.bags.rosbag import Bag, BagError
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.work.surroundings import Surroundings, is_rectified
from gar_ssl_ros.work.window_assembler import WindowAssembler


def windows_of_bag(
    bag: Bag, topics: Topics, windows: WindowOptions, complain: Callable[[str], None]
) -> Iterator[tuple[Window, Camera | None]]:
    """Each with its camera, where the bag has a CameraInfo. complain: told what cannot be read. Raises BagError."""
    assembler, surroundings = WindowAssembler(windows, complain), Surroundings(SpatialOptions(), windows)
    for recorded in bag.messages():
        cut = None
        if recorded.topic not in (topics.image, topics.audio, topics.info, topics.camera_info):
            continue
        try:
            message: Any = bag.message(recorded)
            if recorded.topic == topics.image:
                cut = assembler.take_image(message, recorded.time)
            elif recorded.topic == topics.audio:
                cut = assembler.take_audio(message, recorded.time)
            elif recorded.topic == topics.info:
                assembler.take_info(message)
            else:
                surroundings.take_camera_info(message)
        except (BagError, CameraError) as problem:
            complain(str(problem))
        if cut is not None and not cut.refusal:
            yield cut.window, surroundings.view(cut.window.center, is_rectified(topics.image)).camera
