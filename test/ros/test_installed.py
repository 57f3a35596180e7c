"""What is installed works on the graph, with ROS 2 or without: run by `colcon test` and by `make test`."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from array import array
from pathlib import Path

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from gar_ssl_ros.action import LocalizeSound
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.srv import Localize
from rclpy.action import ActionClient
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image

import gar_ssl_ros
from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.messages.interfaces import interfaces
from gar_ssl_ros.nodes.localizer import LocalizerNode
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher

PATIENCE = 60.0  # s
NODE = "import sys; from gar_ssl_ros.nodes.main import main; sys.exit(main(sys.argv[1], sys.argv[2:]))"
FROM_RCLPY = re.compile(r"Failed to .*|.*never retrieved.*|Traceback.*")  # where a node ends that is still at work


def test_messages_and_code_are_one_package():
    assert SoundSourceArray.LOCALIZED == 1
    assert Localize.Response().result == SoundSourceArray()
    assert LocalizeSound.Result().result == SoundSourceArray()
    assert gar_ssl_ros.__version__
    assert (interfaces() / "srv" / "Localize.srv").is_file()
    assert (interfaces() / "action" / "LocalizeSound.action").is_file()


def test_every_transition_of_the_life_cycle():
    rclpy.init()
    node = LocalizerNode()
    steps = ("configure", "activate", "deactivate", "activate", "deactivate", "cleanup", "configure", "shutdown")
    try:
        for step in steps:
            assert getattr(node, f"trigger_{step}")() == TransitionCallbackReturn.SUCCESS, step
    finally:
        node.close()
        node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def node():
    rclpy.init()
    made = rclpy.create_node("tester")
    yield made
    made.destroy_node()
    rclpy.shutdown()


def spin_until(node, condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        rclpy.spin_once(node, timeout_sec=0.05)


def test_a_localizer_process_answers_what_is_published_and_ends_when_told(node, tmp_path):
    answers: list[SoundSourceArray] = []
    node.create_subscription(SoundSourceArray, "/localizer/sources", answers.append, 10)
    images = node.create_publisher(Image, "image", 50)
    sound = SoundPublisher(node, "microphone", channels=1, rate=16000)
    chances = np.random.default_rng(0)
    arguments = ["localizer", "--ros-args", "-p", "window:=1.0", "-p", "fallback:=signal"]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen([sys.executable, "-c", NODE, *arguments], cwd=Path.home(), stderr=said)
    try:
        spin_until(node, lambda: images.get_subscription_count() and sound.listeners)
        for step in range(30):
            stamp = 1000 * SECOND + step * SECOND // 10
            image = Image(width=64, height=48, encoding="rgb8", step=192)
            image.header.stamp.sec, image.header.stamp.nanosec = divmod(stamp, SECOND)
            image.header.frame_id = "camera_optical_frame"
            image.data = array("B", chances.integers(0, 256, 64 * 48 * 3, np.uint8).tobytes())
            images.publish(image)
            sound.publish(Audio(stamp, chances.uniform(-0.3, 0.3, (1, 1600)).astype(np.float32), 16000))
            rclpy.spin_once(node, timeout_sec=0.02)
        spin_until(node, lambda: answers)
        assert answers[0].header.frame_id == "camera_optical_frame"
        assert answers[0].outcome in (
            SoundSourceArray.LOCALIZED, SoundSourceArray.OFF_SCREEN, SoundSourceArray.UNCERTAIN
        )  # fmt: skip
        client = node.create_client(Localize, "/localizer/localize")
        spin_until(node, client.service_is_ready)

        def newest() -> SoundSourceArray:
            future = client.call_async(Localize.Request())
            spin_until(node, future.done)
            return future.result().result

        before = newest()
        assert before.image_width == 64
        goals = ActionClient(node, LocalizeSound, "/localizer/localize_sound")
        spin_until(node, goals.server_is_ready)
        sent = goals.send_goal_async(LocalizeSound.Goal())
        spin_until(node, sent.done)
        reached = sent.result().get_result_async()
        spin_until(node, reached.done)
        ends = [one.window_end for one in (before, reached.result().result.result, newest())]
        assert ends == sorted(ends, key=lambda end: (end.sec, end.nanosec))  # it, too, answers what is newest then
        listening = goals.send_goal_async(LocalizeSound.Goal(seconds=600.0))
        spin_until(node, listening.done)
        canceled, ended = listening.result().cancel_goal_async(), listening.result().get_result_async()
        spin_until(node, lambda: canceled.done() and ended.done())
        assert ended.result().status == GoalStatus.STATUS_CANCELED
        listening = goals.send_goal_async(LocalizeSound.Goal(seconds=600.0))
        spin_until(node, listening.done)
        ended = listening.result().get_result_async()
        process.terminate()
        spin_until(node, ended.done)  # whoever waits is told that there will be no answer
        assert ended.result().status == GoalStatus.STATUS_ABORTED
        assert "deactivated" in ended.result().result.message
        goals.destroy()
        assert process.wait(PATIENCE) == 0
        assert not FROM_RCLPY.findall((tmp_path / "said").read_text())
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("name", "parameter"), [("player", "clip"), ("camera", "device")])
def test_a_recording_that_is_at_its_end_ends_its_node_in_peace(name, parameter, tmp_path):
    clip = write_scene(Scene(SceneOptions(kind=Kind.ONE, width=64, height=64, seconds=0.5)), tmp_path, "scene")
    arguments = [
        name,
        "--ros-args",
        "-p",
        f"{parameter}:={clip}",
    ]
    command = [sys.executable, "-c", NODE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert not FROM_RCLPY.findall(done.stderr)
