"""The sources' pixels on the graph: `~/masks`, `~/masks_newest` and what their numbers are, `~/label_info`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from vision_msgs.msg import LabelInfo

from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.messages.masks import label_info_message, masks_message, newest_masks_message
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.work.complaints import Complaints
from gar_ssl_ros.work.worker import Answer


class MaskOutputs:
    """Of a lifecycle node."""

    def __init__(self, node: Any, amend: Callable[[Localization, Window], None]) -> None:
        """amend: told of an answer whose masks come after it."""
        self._node, self._amend = node, amend
        self._masks = node.create_lifecycle_publisher(Image, "~/masks", QoSProfile(depth=10))
        self._newest = node.create_lifecycle_publisher(Image, "~/masks_newest", QoSProfile(depth=10))
        self._labels = node.create_lifecycle_publisher(LabelInfo, "~/label_info", QoSProfile(depth=10))
        self._complaints = Complaints(NodeLog(node).warning)

    def publish(self, answer: Answer) -> None:
        """Of a final answer, after it. From any thread."""
        found, window = answer.found, answer.request.window
        if not self._node.context.ok():
            return
        if answer.late:
            self._amend(found, window)
            if any(source.mask is None for source in found.sources):
                self._complaints.tell(found.detail)
        message = masks_message(found, window.center)
        if message is not None:
            self._labels.publish(label_info_message(found, window.center))
            self._masks.publish(message)
        if (newest := newest_masks_message(found, window)) is not None:
            self._newest.publish(newest)
