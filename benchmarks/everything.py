"""A robot that has and wants everything: what makes the localizer publish all its outputs, and listens to all of them.

Run as a process beside a localizer with the parameters EVERYTHING: `with everything():`
"""

from __future__ import annotations

import subprocess
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from foxglove_msgs.msg import ImageAnnotations
from gar_ssl_ros.msg import SoundLevel, SoundSourceArray
from geometry_msgs.msg import PoseStamped, TransformStamped
from hri_msgs.msg import IdsList, IdsMatch
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

EVERYTHING = {
    "target_frame": "base_link",
    "depth": "image",
    "goal_distance": 1.0,
    "goal_consistency": 0.0,
    "humans": True,
    "voices": True,
    "noise_gate": True,
}
SIZE = (640, 480)
FOCAL_PX = 554.0
EACH = 3  # image that has a depth image: 10 Hz


@contextmanager
def everything() -> Iterator[None]:
    """The process, until the end."""
    with subprocess.Popen([sys.executable, __file__]) as robot:
        try:
            yield
        finally:
            robot.terminate()


def main() -> None:
    rclpy.init()
    node = Node("robot")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    width, height = SIZE
    k = [FOCAL_PX, 0.0, width / 2, 0.0, FOCAL_PX, height / 2, 0.0, 0.0, 1.0]
    info = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.0] * 5, k=k)
    info.header.frame_id = "camera_optical_frame"
    infos = node.create_publisher(CameraInfo, "camera_info", latched)
    infos.publish(info)
    mounted = TransformStamped()
    mounted.header.frame_id, mounted.child_frame_id = "base_link", "camera_optical_frame"
    turn = mounted.transform.rotation
    turn.x, turn.y, turn.z, turn.w = -0.5, 0.5, -0.5, 0.5  # REP-103: an optical frame in a body's
    transforms = node.create_publisher(TFMessage, "/tf_static", latched)
    transforms.publish(TFMessage(transforms=[mounted]))
    depths = node.create_publisher(Image, "depth", 5)
    two_metres = array("B", (2000).to_bytes(2, "little") * (width * height))
    depth = Image(width=width, height=height, encoding="16UC1", step=2 * width, data=two_metres)
    depth.header.frame_id = "camera_optical_frame"
    tracked = [node.create_publisher(IdsList, f"/humans/{kind}/tracked", 1) for kind in ("faces", "bodies")]

    images = count()

    def see(image: Any) -> None:
        """A depth image for each third image, registered to it."""
        if next(images) % EACH == 0:
            depth.header.stamp = image.header.stamp
            depths.publish(depth)

    node.create_subscription(Image, "image", see, 5)
    node.create_timer(1.0, lambda: [each.publish(IdsList()) for each in tracked])
    outputs = {
        "sources": SoundSourceArray,
        "detections": Detection2DArray,
        "markers": MarkerArray,
        "goal": PoseStamped,
        "image_annotated": Image,
        "image_annotated/compressed": CompressedImage,
        "annotations": ImageAnnotations,
        "level": SoundLevel,
    }
    topics = {f"localizer/{name}": kind for name, kind in outputs.items()}
    others = {"/diagnostics": DiagnosticArray, "/humans/candidate_matches": IdsMatch, "/humans/voices/tracked": IdsList}
    for topic, kind in (topics | others).items():
        node.create_subscription(kind, topic, lambda _: None, 10)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
