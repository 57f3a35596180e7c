"""Where the camera is and how far things are: what is listened to for that, and what is known of an image then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import Frame
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.input_stream import InputStream
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.spatial.transforms import Transform
from gar_ssl_ros.spatial.view import View
from gar_ssl_ros.work.surroundings import Surroundings, camera_info_beside, is_rectified

INFO_TYPE, IMAGE_TYPE = "sensor_msgs/msg/CameraInfo", "sensor_msgs/msg/Image"
CLOUD_TYPE, TRANSFORMS_TYPE = "sensor_msgs/msg/PointCloud2", "tf2_msgs/msg/TFMessage"
# Bytes of a message: a calibration, 4096x4096 pixels of 32FC1, a million points of 32 bytes, some 5000 transforms.
MAX_INFO_BYTES, MAX_IMAGE_BYTES, MAX_CLOUD_BYTES, MAX_TRANSFORMS_BYTES = 2**14, 2**26, 2**25, 2**19
QUEUE_DEPTH, TRANSFORMS_DEPTH = 5, 100  # messages that may wait for their callback; as tf2's


class SpatialInputs:
    """From one activation to the next deactivation. Its callbacks and `poll_graph` are called one at a time."""

    def __init__(
        self,
        node: Any,
        options: SpatialOptions,
        windows: WindowOptions,
        images: Sequence[str],
        reliability: str,
        group: Any,
        transforms: bool = False,
    ) -> None:
        """images: the topics on which images may be. reliability: the parameter of that name.

        transforms: True if `lookup` is needed.
        """
        self._options = options
        self._surroundings = here = Surroundings(options, windows)
        self._view: View | None = None  # of the newest window
        self._streams: list[_Stream] = []
        self._depth: _Stream | None = None  # of depth images
        if not options.directions:
            return
        listen = partial(AdaptiveSubscription, node, reliability=reliability, group=group)
        topic = node.resolve_topic_name
        infos = partial(listen, types=[INFO_TYPE], depth=QUEUE_DEPTH, most=MAX_INFO_BYTES, latched=True)
        beside = map(camera_info_beside, images)
        self._wanted = options.depth != "none" or bool(options.target_frame)  # not only taken where it is there
        listened = partial(infos, topics=[topic("camera_info"), *beside])
        self._calibration = _Stream("camera_info", node, here.take_camera_info, listened, optional=not self._wanted)
        self._streams.append(self._calibration)
        if options.depth == "image":
            listened = partial(
                listen, topics=[topic("depth")], types=[IMAGE_TYPE], depth=QUEUE_DEPTH, most=MAX_IMAGE_BYTES
            )
            self._depth = _Stream("depth", node, here.take_depth, listened, timed=True)
            self._streams.append(self._depth)
            listened = partial(infos, topics=[topic("depth_camera_info")])
            self._streams.append(
                _Stream("depth_camera_info", node, here.take_depth_camera_info, listened, optional=True)
            )
        elif options.depth == "points":
            listened = partial(
                listen, topics=[topic("points")], types=[CLOUD_TYPE], depth=QUEUE_DEPTH, most=MAX_CLOUD_BYTES
            )
            self._streams.append(_Stream("points", node, here.take_points, listened, timed=True))
        if options.target_frame or options.depth != "none" or transforms:
            for name in ("tf", "tf_static"):
                static = name == "tf_static"
                listened = partial(
                    listen, types=[TRANSFORMS_TYPE], depth=TRANSFORMS_DEPTH, most=MAX_TRANSFORMS_BYTES, latched=static
                )
                take = partial(here.take_transforms, static=static)
                self._streams.append(
                    _Stream(name, node, take, partial(listened, topics=[topic(f"/{name}")]), optional=True)
                )

    def poll_graph(self) -> None:
        """Listen to whoever publishes now."""
        for one in self._streams:
            one.input.poll_graph()

    def close(self) -> None:
        """Listen no more."""
        for one in self._streams:
            one.input.close()

    def keep(self, windows: WindowOptions) -> None:
        """Keep what windows of that length need."""
        self._surroundings.keep(windows)

    def view(self, frame: Frame, topic: str) -> View:
        """What is known of an image of that topic now. From any thread."""
        if not self._options.directions:
            return View()
        auto = self._options.rectified == "auto"
        rectified = is_rectified(topic) if auto else self._options.rectified == "always"
        offer = None if self._depth is None else self._depth.input.offer
        depth_rectified = offer is not None and is_rectified(offer.topic)
        self._view = view = self._surroundings.view(frame, rectified, depth_rectified)
        return view

    def lookup(self, target: str, source: str, stamp: int) -> Transform:
        """As of Surroundings. From any thread."""
        return self._surroundings.lookup(target, source, stamp)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each stream that is needed; empty where nothing is."""
        return {one.name: one.input.problem for one in self._streams if not one.optional}

    def statuses(self, seconds: float) -> list[Status]:
        """Of each stream, since they were last told, so many seconds ago, and of directions: WARN at worst."""
        if not self._options.directions:
            return []
        told = [one.statistics(seconds, one.input, {}) for one in self._streams if not one.silent]
        problem = "" if self._view is None else self._view.problem
        wanted = self._wanted or not self._calibration.silent
        level = DiagnosticStatus.WARN if problem and wanted else DiagnosticStatus.OK
        message = "no window has come yet" if self._view is None else problem or "known"
        values = {"depth": self._options.depth, "target_frame": self._options.target_frame}
        frames = {"transforms": self._surroundings.frames}
        return [*told, Status("directions", level, message, {**values, **frames})]


class _Stream(InputStream):
    """One input. timed: True if `take` is told when a message came."""

    def __init__(
        self,
        name: str,
        node: Any,
        take: Callable[..., None],
        listen: Callable[..., AdaptiveSubscription],
        timed: bool = False,
        optional: bool = False,
    ) -> None:
        super().__init__(name, node, optional)
        self._take = take
        self._timed = timed
        self.input = listen(callback=self._on_message, refuse=self.refuse)

    def _on_message(self, message: Any) -> None:
        self.monitor.receive(None)
        try:
            self._take(message, *([self.now()] if self._timed else ()))
        except UserError as problem:
            self.monitor.refuse(str(problem))
        else:
            self.use()
