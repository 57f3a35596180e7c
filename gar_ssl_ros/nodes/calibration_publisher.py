"""A camera's calibration, sent on `camera_info` with each of its images."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from gar_ssl_ros.messages.calibration import camera_info_from_file


class CalibrationPublisher:
    """sent: how many. concern: why it is not sent now, one sentence; empty where it is, or where there is none."""

    def __init__(self, node: Node, file: str, qos: QoSProfile) -> None:
        """file: of camera_calibration; none where empty. Raises CalibrationError."""
        self.sent, self.concern = 0, ""
        self._info = camera_info_from_file(file) if file else None
        if self._info is not None:
            self._out = node.create_publisher(CameraInfo, "camera_info", qos)

    def publish(self, header: Header, width: int, height: int) -> None:
        """Send it for an image of that header and size, pixels, where it is of such images."""
        info = self._info
        if info is None:
            return
        if (info.width, info.height) != (width, height):
            self.concern = (
                f"the calibration is of images of {info.width}x{info.height}, and these are {width}x{height}: "
                "calibrate at that size, or have the camera send the other; there is no camera_info until then"
            )
            return
        self.concern = ""
        info.header = header
        self._out.publish(info)
        self.sent += 1
