"""A detector and a face tracker of a robot, as a process of their own: they see the same things again and again.

python seeing.py DOMAIN detections|humans [hostile]. Of two faces one is seen no more once a line is read.
"""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import suppress

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import gar_ssl_ros.messages.ros  # noqa: F401, I001  before rclpy
import rclpy
from hri_msgs.msg import IdsList, NormalizedRegionOfInterest2D
from rclpy.node import Node
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

TIMES = range(10, 14)  # s, of the images that are seen, twice each
NO_ARRAYS = (b"", b"\0\1\0\0" + b"\xff" * 40, b"\0\1\0\0" + bytes(12) + b"\2\0\0\0\xff\0\0\0" + bytes(4), bytes(10**6))


def stamped(message, half: int):
    message.header.stamp.sec, message.header.stamp.nanosec = half // 2, half % 2 * 500_000_000
    message.header.frame_id = "camera_optical_frame"
    return message


def seen(name: str, x: float, y: float, width: float, height: float) -> Detection2D:
    message, result = Detection2D(id=name), ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = "Dog", 0.9
    message.results.append(result)
    message.bbox.center.position.x, message.bbox.center.position.y = x, y
    message.bbox.size_x, message.bbox.size_y = width, height
    return message


def halves():
    return range(2 * TIMES.start, 2 * TIMES.stop)


def detections(node: Node, hostile: bool) -> None:
    publisher = node.create_publisher(Detection2DArray, "detections_in", 100)
    dog, other = seen("dog-7", 33.0, 24.0, 30.0, 24.0), seen("other", 5.0, 5.0, 8.0, 8.0)
    many = Detection2DArray(detections=[dog] * 1100)
    while True:
        for half in halves():
            publisher.publish(stamped(Detection2DArray(detections=[other, dog]), half))
            if hostile:
                nan = seen("nan", float("nan"), 24.0, 30.0, float("inf"))
                publisher.publish(stamped(Detection2DArray(detections=[nan, other, dog]), half))
                publisher.publish(stamped(many, half))
                for data in NO_ARRAYS:
                    with suppress(RuntimeError):  # what the middleware refuses to send
                        publisher.publish(data)
            time.sleep(0.01)


def humans(node: Node, hostile: bool) -> None:
    tracked = node.create_publisher(IdsList, "/humans/faces/tracked", 10)
    faces = {"abcde": (0.25, 0.75), "f00002": (0.8, 0.9)}
    regions = {
        name: node.create_publisher(NormalizedRegionOfInterest2D, f"/humans/faces/{name}/roi", 100) for name in faces
    }
    odd = ["", "a/b", "../x", "1st", "a__b", "ünicode", *(f"id{at}" for at in range(100))] if hostile else []
    while True:
        for half in halves():
            tracked.publish(stamped(IdsList(ids=[*faces, *odd]), half))
            for name, (left, right) in faces.items():
                region = NormalizedRegionOfInterest2D(xmin=left, ymin=0.25, xmax=right, ymax=0.75, c=0.9)
                regions[name].publish(stamped(region, half))
            if select.select([sys.stdin], [], [], 0)[0] and sys.stdin.readline():
                del faces["abcde"]
            time.sleep(0.01)


if __name__ == "__main__":
    rclpy.init(domain_id=int(sys.argv[1]))
    do = {"detections": detections, "humans": humans}[sys.argv[2]]
    do(Node("seeing"), "hostile" in sys.argv)
