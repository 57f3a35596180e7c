"""Messages of a camera's calibration, of depth and of transforms to the view that an image has: no rclpy, no clock."""

from __future__ import annotations

import re
from dataclasses import replace
from threading import Lock
from typing import Any, TypeAlias

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Frame
from gar_ssl_ros.messages.surroundings import (
    camera_from_info,
    cloud_from_message,
    depth_from_image,
    transform_from_message,
)
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.depth import DepthError, DepthImage, PointCloud
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.spatial.transforms import IDENTITY, Transform, TransformBuffer, TransformError
from gar_ssl_ros.spatial.view import View
from gar_ssl_ros.work.schedule import MAX_LAG_NS

DEPTH_TOLERANCE_NS = SECOND // 10  # from an image, within which a depth is of the same time
DEPTH_SPACING_NS = SECOND // 20  # from one depth that is kept to the next
MAX_DEPTH_BYTES = 2**27  # of depths that are kept
RECTIFIED = re.compile(r"(^|[/_])rect([/_]|$)")  # image_rect, image_rect_color, rect/image

Depth: TypeAlias = DepthImage | PointCloud


class Surroundings:
    """Keeps what came for as long as a window needs it. Thread-safe.

    Of a CameraInfo the newest counts; of depths, the one nearest to the image, at most DEPTH_TOLERANCE_NS away;
    transforms are interpolated. `now`, ns, is when a message has come; it counts where the message has no stamp.
    """

    def __init__(self, options: SpatialOptions, windows: WindowOptions) -> None:
        self._options = options
        self._guard = Lock()
        self._camera: Camera | None = None
        self._unknown = "no CameraInfo has come: remap `camera_info` to the camera's"  # where there is no camera
        self._depth_camera: Camera | None = None
        self._depths: list[Depth] = []
        self._transforms = TransformBuffer(0)
        self.keep(windows)

    def keep(self, windows: WindowOptions) -> None:
        """Keep what windows of that length need: their images are half of it old, and wait for the sound."""
        with self._guard:
            self._span = self._transforms.span = windows.length_ns // 2 + MAX_LAG_NS + SECOND

    def take_camera_info(self, message: Any) -> None:
        """Of the images; one that is none takes back what was known. Raises CameraError."""
        with self._guard:
            self._camera = None
            try:
                self._camera = camera_from_info(message)
            except CameraError as problem:
                self._unknown = f"camera_info: {problem}"
                raise

    def take_depth_camera_info(self, message: Any) -> None:
        """Of the depth images. Raises CameraError."""
        camera = camera_from_info(message)
        with self._guard:
            self._depth_camera = camera

    def take_depth(self, message: Any, now: int) -> None:
        """A depth image has come. Raises DepthError."""
        self._keep_depth(depth_from_image(message, now))

    def take_points(self, message: Any, now: int) -> None:
        """A point cloud has come. Raises DepthError."""
        self._keep_depth(cloud_from_message(message, now))

    def take_transforms(self, message: Any, static: bool) -> None:
        """Some have come, of /tf or /tf_static. Raises TransformError where one of them is none; the others count."""
        wrong: TransformError | None = None
        with self._guard:
            for one in message.transforms:
                try:
                    stamp, transform = transform_from_message(one)
                    self._transforms.add(one.header.frame_id, one.child_frame_id, stamp, transform, static)
                except TransformError as problem:
                    wrong = wrong or problem
        if wrong is not None:
            raise wrong

    @property
    def frames(self) -> int:
        """How many have a transform."""
        return len(self._transforms)

    def view(self, frame: Frame, rectified: bool, depth_rectified: bool = False) -> View:
        """What is known of an image now. rectified, depth_rectified: True if it, or an unregistered depth image, is."""
        with self._guard:
            if self._camera is None:
                return View(problem=self._unknown)
            theirs, ours = self._camera.frame_id, frame.frame_id.lstrip("/")
            if theirs and ours and theirs != ours:
                told = f"its frame_id is {shortened(repr(theirs))}, the images' {shortened(repr(ours))}"
                return View(problem=f"camera_info: {told}: take the CameraInfo of the same camera")
            try:
                view = View(replace(self._camera, rectified=rectified).scaled(frame.width, frame.height))
            except UserError as problem:
                return View(problem=f"camera_info: {problem}")
            problems = []
            if self._options.depth != "none":
                try:
                    view = self._with_depth(view, frame, depth_rectified)
                except UserError as problem:
                    problems.append(f"distances are not known: {problem}")
            if self._options.target_frame:
                try:
                    to_target = self._transforms.lookup(self._options.target_frame, ours, frame.stamp)
                    view = replace(view, to_target=to_target, target_frame=self._options.target_frame)
                except UserError as problem:
                    problems.append(f"nothing is told in {shortened(self._options.target_frame)}: {problem}")
            return replace(view, problem="; ".join(problems))

    def lookup(self, target: str, source: str, stamp: int) -> Transform:
        """What takes points of one frame to another, as of TransformBuffer. Raises TransformError."""
        with self._guard:
            return self._transforms.lookup(target, source, stamp)

    def _with_depth(self, view: View, frame: Frame, rectified: bool) -> View:
        """Raises UserError where there is none that can be used."""
        topic = "depth" if self._options.depth == "image" else "points"
        if not self._depths:
            raise DepthError(f"nothing has come on `{topic}`: remap it to the sensor's topic")
        depth = min(self._depths, key=lambda one: abs(one.stamp - frame.stamp))
        away = abs(depth.stamp - frame.stamp)
        if away > DEPTH_TOLERANCE_NS:
            told = f"{away / SECOND:.2f} s from the image, more than {DEPTH_TOLERANCE_NS / SECOND:g} s"
            raise DepthError(f"what came on `{topic}` is {told}: look at its rate and its clock")
        ours = frame.frame_id.lstrip("/")
        same = not depth.frame_id or not ours or depth.frame_id == ours
        if isinstance(depth, DepthImage):
            if same and view.camera is not None and view.camera.fits(depth.width, depth.height):
                return replace(view, depth=depth)
            if self._depth_camera is None:
                told = f"{depth.width}x{depth.height} pixels in {shortened(repr(depth.frame_id))}"
                told = f"the depth image of {told} is not registered to the images, and no CameraInfo of it has come"
                raise DepthError(f"{told}: remap `depth_camera_info`")
            lens = replace(self._depth_camera, rectified=rectified)
            view = replace(view, depth_camera=lens.scaled(depth.width, depth.height))
        moved = IDENTITY if same else self._transforms.lookup(ours, depth.frame_id, depth.stamp)
        return replace(view, depth=depth, to_camera=moved)

    def _keep_depth(self, depth: Depth) -> None:
        size = depth.values.nbytes if isinstance(depth, DepthImage) else depth.points.nbytes
        with self._guard:
            kept = self._depths
            if kept and depth.stamp < kept[-1].stamp - SECOND:  # time jumped back: a bag began anew
                kept.clear()
            if kept and depth.stamp - kept[-1].stamp < max(DEPTH_SPACING_NS, self._span * size // MAX_DEPTH_BYTES):
                return
            kept.append(depth)
            while depth.stamp - kept[0].stamp > self._span:
                del kept[0]


def camera_info_beside(topic: str) -> str:
    """Where a driver publishes the CameraInfo of the images on a topic: beside them, as image_transport has it."""
    return f"{topic.removesuffix('/compressed').rpartition('/')[0]}/camera_info"


def is_rectified(topic: str) -> bool:
    """True if its name says that the images on it are rectified, as image_proc has it."""
    return RECTIFIED.search(topic) is not None
