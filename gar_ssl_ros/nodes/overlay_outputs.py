"""What people look at: the camera's images with the newest answer on them, where somebody listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.media.window import Frame, Window
from gar_ssl_ros.messages.answers import header_of_frame, image_message
from gar_ssl_ros.messages.overlays import ANNOTATIONS_TYPE, Overlay, annotations_message, compressed_message, drawn
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.work.overlay_painter import OverlayPainter

PATIENCE_S = 1.0  # s that the one in hand may take


class OverlayOutputs:
    """`~/image_annotated`, the same compressed, and `~/annotations`; of a lifecycle node. `end` it after `begin`."""

    def __init__(self, node: Any, rate: Callable[[], float]) -> None:
        """rate: images a second at most, 0 for the image of each final answer only."""
        self._node, self._rate = node, rate
        self._painter: OverlayPainter | None = None
        newest = QoSProfile(depth=1)
        self._image = node.create_lifecycle_publisher(Image, "~/image_annotated", newest)
        self._compressed = node.create_lifecycle_publisher(CompressedImage, "~/image_annotated/compressed", newest)
        self._annotations: Any = None
        self._missing = ""
        try:
            kind = message_type(ANNOTATIONS_TYPE)
        except LookupError as problem:
            self._missing = f"not published: {problem}"
        else:
            self._annotations = node.create_lifecycle_publisher(kind, "~/annotations", newest)

    def begin(self) -> None:
        """Show what comes from now on."""
        self._painter = OverlayPainter(self._rate, self._publish, NodeLog(self._node).error)

    def end(self) -> None:
        """Show nothing more."""
        painter, self._painter = self._painter, None
        if painter is not None:
            painter.close(PATIENCE_S)

    def see(self, frame: Frame) -> None:
        """An image of the camera has come. From any thread, as the next."""
        painter = self._painter
        if painter is not None:
            painter.see(frame)

    def answer(self, found: Localization, window: Window, lifetime: int) -> None:
        """Show that from now on, for so many ns at most."""
        painter = self._painter
        if painter is not None:
            painter.answer(found, window, lifetime)

    def amend(self, found: Localization, window: Window) -> None:
        """What more is known by now of the last answer, if it was about that window."""
        painter = self._painter
        if painter is not None:
            painter.amend(found, window)

    def statuses(self) -> list[Status]:
        """That there are no annotations, where there are none."""
        return [Status("annotations", DiagnosticStatus.OK, self._missing, {})] if self._missing else []

    def _publish(self, frame: Frame, overlay: Overlay | None) -> None:
        if not self._node.context.ok():
            return
        image, compressed, annotations = (
            one is not None and one.get_subscription_count() > 0
            for one in (self._image, self._compressed, self._annotations)
        )
        if annotations:
            self._annotations.publish(annotations_message(frame, overlay))
        if not (image or compressed):
            return
        picture, header = drawn(frame, overlay), header_of_frame(frame)
        if image:
            self._image.publish(image_message(picture, header))
        if compressed:
            self._compressed.publish(compressed_message(picture, header))
