"""What the overlay costs: CPU of the localizer's part of it, while somebody listens in another process.

    python benchmarks/overlay.py [--size 640x480] [--seconds 10]

30 images a second, two boxes, an answer a second; half of the answers fade in between.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import monotonic, process_time, sleep

os.environ |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": "78"}

import gar_ssl_ros.messages.ros  # noqa: F401, I001  before rclpy
import cv2
import numpy as np
import rclpy
from foxglove_msgs.msg import ImageAnnotations
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.nodes.overlay_outputs import OverlayOutputs

KINDS = {"image_annotated": Image, "image_annotated/compressed": CompressedImage, "annotations": ImageAnnotations}
RATE_HZ = 30


def listen(topics: list[str]) -> None:
    """Count what comes until a line is read."""
    node, heard = Node("listener"), []
    for topic in topics:
        node.create_subscription(KINDS[topic], f"/overlay/{topic}", heard.append, QoSProfile(depth=1), raw=True)
    end = Thread(target=sys.stdin.readline)
    end.start()
    while end.is_alive():
        rclpy.spin_once(node, timeout_sec=0.1)
    print(len(heard))


def cost(topics: list[str], width: int, height: int, seconds: float) -> str:
    picture = cv2.imread(str(Path(__file__).parents[1] / "docs" / "demo.jpg"))
    image = np.ascontiguousarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)[:, :, ::-1])
    node = LifecycleNode("overlay")
    outputs = OverlayOutputs(node, lambda: float(RATE_HZ))
    node.trigger_configure()
    node.trigger_activate()
    outputs.begin()
    command = [sys.executable, __file__, "--listen", *topics]
    listener = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) if topics else None
    while sum(node.count_subscribers(f"/overlay/{topic}") for topic in KINDS) < len(topics):
        sleep(0.1)
    boxes = [Box(0.1 * width, 0.2 * height, 0.5 * width, 0.8 * height), Box(0.6 * width, 0, 0.9 * width, 0.7 * height)]
    sources = tuple(Source(box, "speech", 0.9, 0.8, "", box, False, None) for box in boxes)
    found = Localization(Outcome.LOCALIZED, Stage.FINAL, "none", None, sources=sources)
    begun, spent = monotonic(), process_time()
    for at in range(round(seconds * RATE_HZ)):
        frame = Frame((10 * RATE_HZ + at) * SECOND // RATE_HZ, image, "camera")
        if at % RATE_HZ == 0:
            lifetime = 2 * SECOND if at // RATE_HZ % 2 else SECOND
            outputs.answer(found, Window(frame.stamp, frame.stamp + 1, (frame,), None), lifetime)
        outputs.see(frame)
        sleep(max(0.0, begun + (at + 1) / RATE_HZ - monotonic()))
    core = (process_time() - spent) / (monotonic() - begun)
    outputs.end()
    heard = "0" if listener is None else listener.communicate("\n")[0].strip()
    node.destroy_node()
    return f"{core:.3f} of a core; {heard} of {round(seconds * RATE_HZ) * len(topics)} messages came"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--listen", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rclpy.init()
    if options.listen is not None:
        listen(options.listen)
        return
    width, height = map(int, options.size.split("x"))
    for topics in ([], *([topic] for topic in KINDS), [*KINDS]):
        told = cost(topics, width, height, options.seconds)
        print(f"{options.size}  {' and '.join(topics) or 'nobody listens':70} {told}")


if __name__ == "__main__":
    main()
