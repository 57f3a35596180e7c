"""What rclpy over Cyclone DDS costs: an idle node, and a camera's images from one process to another on loopback.

python benchmarks/embedded_ros.py [--seconds 10]   prints shares of one core, latencies, and messages a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from statistics import median

from gar_ssl_ros import embedded_ros

embedded_ros.install()

import rclpy  # noqa: E402 (there only now)
from rclpy.executors import ExternalShutdownException  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from rclpy.time import Time  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

DOMAIN = "101"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--publish", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ |= {"ROS_DOMAIN_ID": DOMAIN, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    if options.publish is not None:
        publish(options.publish, options.seconds + 2)
        return
    print(f"a node that idles: {idle(options.seconds):.4f} cores")
    for rate in (30.0, 1000.0):
        command = [sys.executable, __file__, "--seconds", str(options.seconds), "--publish", str(rate)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as publisher:
            subscribe(rate, options.seconds)
            assert publisher.stdout is not None
            print(publisher.stdout.read(), end="")


def idle(seconds: float) -> float:
    rclpy.init(args=[])
    node = rclpy.create_node("idle")
    started, used = time.perf_counter(), time.process_time()
    timer = threading.Timer(seconds, rclpy.shutdown)
    timer.start()
    _spin(node)
    return (time.process_time() - used) / (time.perf_counter() - started)


def publish(rate: float, seconds: float) -> None:
    rclpy.init(args=[])
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
    image = Image(height=480, width=640, step=1920, encoding="rgb8", data=bytes(640 * 480 * 3))
    sent = 0

    def send() -> None:
        nonlocal sent
        image.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(image)
        sent += 1

    node.create_timer(1 / rate, send)
    started, used = time.perf_counter(), time.process_time()
    timer = threading.Timer(seconds, rclpy.shutdown)
    timer.start()
    _spin(node)
    lasted = time.perf_counter() - started
    print(f"  published {sent / lasted:.0f}/s with {(time.process_time() - used) / lasted:.3f} cores")


def subscribe(rate: float, seconds: float) -> None:
    rclpy.init(args=[])
    node = rclpy.create_node("viewer")
    latencies: list[float] = []

    def see(image: Image) -> None:
        if not latencies:
            timer.start()
        latencies.append((node.get_clock().now() - Time.from_msg(image.header.stamp)).nanoseconds / 1e6)

    node.create_subscription(Image, "image", see, qos_profile_sensor_data)
    timer = threading.Timer(seconds, rclpy.shutdown)
    used = time.process_time()
    _spin(node)
    print(
        f"640x480 RGB asked at {rate:.0f} Hz: {len(latencies) / seconds:.1f}/s received with "
        f"{(time.process_time() - used) / seconds:.3f} cores, latency median {median(latencies):.1f} ms, "
        f"worst {max(latencies):.1f} ms"
    )


def _spin(node: Node) -> None:
    with suppress(ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
