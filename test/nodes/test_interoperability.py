"""An independent ROS 2 client on another DDS (dora-rs's Ros2Node, on RustDDS) and the localizer, on one graph."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time_ns
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gar_ssl_ros.bags.rosbag import known_types
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import matched
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.offline.processes import free_domain

dora = pytest.importorskip("dora", reason="needs dora-rs, which Python 3.10 cannot have")
SENT = ("sensor_msgs/msg/Image", "audio_common_msgs/msg/AudioStamped")
RECEIVED = ("gar_ssl_ros/msg/SoundSourceArray", "vision_msgs/msg/Detection2DArray")
FINAL, LOCALIZED = 2, 1
# RustDDS finds others, and sends to several, by multicast only; it need not leave this machine.
LOOPBACK = '<General><Interfaces><NetworkInterface name="lo" multicast="true"/></Interfaces></General>'
NETWORK = {
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT",
    "CYCLONEDDS_URI": f"<CycloneDDS><Domain>{LOOPBACK}</Domain></CycloneDDS>",
}


def write_definitions(folder: Path) -> None:
    """Message packages as an installed ROS 2 has them: share/PACKAGE/msg/*.msg and package.xml."""
    needs: dict[str, set[str]] = {}
    for wanted in (*SENT, *RECEIVED):
        text, _ = known_types(wanted).generate_msgdef(wanted, ros_version=2)
        for part in f"MSG: {wanted}\n{text}".split("=" * 80 + "\n"):
            head, _, body = part.partition("\n")
            package, *_, name = head.removeprefix("MSG: ").split("/")
            path = folder / "share" / package / "msg" / f"{name}.msg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
            types = (line.split()[0] for line in body.splitlines() if line)
            needs.setdefault(package, set()).update(kind.split("/")[0] for kind in types if "/" in kind)
    for package, others in needs.items():
        depends = "".join(f"<depend>{other}</depend>" for other in sorted(others - {package}))
        (folder / "share" / package / "package.xml").write_text(f"<package>{depends}</package>")


@dataclass
class Peer:
    """The client: publishers of what the localizer needs and subscriptions to what it gives."""

    image: Any
    audio: Any
    sources: Any
    detections: Any
    context: Any
    node: Any


@pytest.fixture
def domain() -> int:
    return free_domain()


@pytest.fixture
def peer(domain, tmp_path) -> Peer:
    write_definitions(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its bridge may change
        context = dora.Ros2Context([str(tmp_path)], domain_id=domain)
        node = context.new_node("peer", "/", dora.Ros2NodeOptions(rosout=False))
        qos = dora.Ros2QosPolicies(reliable=True, max_blocking_time=0.5, keep_last=50)

        def topic(name: str, kind: str) -> Any:
            return node.create_topic(name, kind.replace("/msg/", "/"), qos)

        return Peer(
            node.create_publisher(topic("/image", SENT[0])),
            node.create_publisher(topic("/audio", SENT[1])),
            node.create_subscription(topic("/localizer/sources", RECEIVED[0])),
            node.create_subscription(topic("/localizer/detections", RECEIVED[1])),
            context,
            node,
        )


@pytest.fixture
def localizer(domain, tmp_path):
    command = [sys.executable, "-m", "gar_ssl_ros.cli", "run", "localizer"]
    environment = {**os.environ, **NETWORK, "ROS_DOMAIN_ID": str(domain)}
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            yield tmp_path / "log"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0, (tmp_path / "log").read_text()


def header(stamp: int, frame_id: str) -> dict[str, Any]:
    time = {"sec": np.int32(stamp // 10**9), "nanosec": np.uint32(stamp % 10**9)}
    return {"stamp": time, "frame_id": frame_id}


def image(scene: Scene, index: int, stamp: int) -> dict[str, Any]:
    picture = scene.image(index)
    height, width, _ = picture.shape
    size = {"height": np.uint32(height), "width": np.uint32(width), "step": np.uint32(3 * width)}
    told = {"encoding": "rgb8", "is_bigendian": np.uint8(0), "data": picture.reshape(-1)}
    return {"header": header(stamp, "camera_optical_frame"), **size, **told}


def chunk(scene: Scene, index: int, stamp: int) -> dict[str, Any]:
    size = SPEECH_RATE_HZ // 10
    samples = np.round(scene.samples[index * size : (index + 1) * size] * 32767).astype(np.int16)
    others = {"float32_data": np.float32, "int32_data": np.int32, "int8_data": np.int8, "uint8_data": np.uint8}
    data = {"int16_data": samples, **{name: np.zeros(0, kind) for name, kind in others.items()}}
    numbers = {"format": 8, "channels": 1, "rate": SPEECH_RATE_HZ, "chunk": len(samples)}
    info = {name: np.int32(value) for name, value in numbers.items()}
    return {"header": header(stamp, "microphone"), "audio": {"audio_data": data, "info": info}}


def test_a_client_on_another_dds_is_heard_and_answered(peer, localizer):
    scene = Scene(SceneOptions(kind=Kind.ONE, seed=3, width=160, height=120, seconds=5.0))
    until(lambda: localizer.read_text().count("listening to /") == 2, localizer)
    begin = time_ns()
    due = [(index / 15, peer.image, image, index) for index in range(scene.frames)]
    due += [((index + 1) / 10, peer.audio, chunk, index) for index in range(50)]
    for at, publisher, make, index in sorted(due, key=lambda one: one[0]):
        sleep(max(0.0, at - (time_ns() - begin) / 1e9))
        stamp = begin + round((at if publisher is peer.image else at - 0.1) * 1e9)
        publisher.publish(pa.array([make(scene, index, stamp)]))
    answer = next(one for one in received(peer.sources, localizer) if one["stage"] == FINAL)
    detected = next(received(peer.detections, localizer))

    assert answer["outcome"] == LOCALIZED
    assert answer["header"]["frame_id"] == "camera_optical_frame"
    stamp = answer["header"]["stamp"]["sec"] * 10**9 + answer["header"]["stamp"]["nanosec"]
    assert detected["header"] == answer["header"]
    truth = scene.truth().sources[0].boxes[round((stamp - begin) / 1e9 * 15)]
    for box in (answer["sources"][0]["box"], detected["detections"][0]["bbox"]):
        assert matched([corners(box)], [truth])[0] > 0.5
    assert detected["detections"][0]["results"][0]["hypothesis"]["class_id"] == answer["sources"][0]["label"]


def corners(box: dict[str, Any]) -> Box:
    """Of a vision_msgs/BoundingBox2D."""
    x, y, half_width, half_height = *box["center"]["position"].values(), box["size_x"] / 2, box["size_y"] / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def received(subscription: Any, log: Path) -> Iterator[dict[str, Any]]:
    """The messages as they come."""
    while True:
        came: list[dict[str, Any]] = []

        def take(came: list[dict[str, Any]] = came) -> bool:
            message = subscription.next()
            if message is not None:
                came.extend(message.to_pylist())
            return bool(came)

        until(take, log)
        yield from came


def until(happened: Callable[[], bool], log: Path) -> None:
    """Wait for it; what the localizer says is told where it never does."""
    end = monotonic() + 240
    while not happened():
        assert monotonic() < end, log.read_text()
        sleep(0.05)
