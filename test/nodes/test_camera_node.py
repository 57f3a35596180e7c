"""The camera node: what it publishes, what it survives, and what it says."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from clips import write_clip
from mjpeg import NetworkCamera, jpeg
from rclpy.qos import qos_profile_sensor_data
from robot import PATIENCE, calibration, process, robot, seconds, spinning, until
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.messages.calibration import CalibrationError
from gar_ssl_ros.messages.images import rgb_from_compressed, rgb_from_image
from gar_ssl_ros.nodes.camera import MAX_WAITING, CameraNode


def camera(**parameters: Any) -> AbstractContextManager[CameraNode]:
    return spinning(CameraNode, **parameters)


def arguments(given: dict[str, Any]) -> list[str]:
    return ["camera", "--ros-args", *(part for name, value in given.items() for part in ("-p", f"{name}:={value}"))]


class Watcher:
    """What the camera publishes."""

    def __init__(self, bot: Any) -> None:
        bot.node.destroy_publisher(bot.images)
        self.images: list[Any] = []
        self.jpegs: list[Any] = []
        self.infos: list[Any] = []
        quality = qos_profile_sensor_data
        bot.node.create_subscription(Image, "image", self.images.append, quality)
        bot.node.create_subscription(CompressedImage, "image/compressed", self.jpegs.append, quality)
        bot.node.create_subscription(CameraInfo, "camera_info", self.infos.append, quality)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mkv", seconds=1.0, with_audio=False)


def test_a_file_is_sent_in_its_time_with_its_calibration_until_it_has_ended(clip, tmp_path):
    ended = Event()
    with robot() as bot:
        seen = Watcher(bot)
        given = {"device": str(clip), "calibration": calibration(tmp_path), "frame_id": "eye", "loop": True}
        with camera(**given) as node:
            node.look(ended.set)
            until(lambda: len(seen.infos) > 12 and len(seen.images) > 12)  # longer than the clip
            assert bot.state_of("camera")().get("message") in (None, "sending")
        assert not ended.is_set() or node.broken == ""
        stamps = [seconds(one.header.stamp) for one in seen.images[:10]]
        assert np.diff(stamps) == pytest.approx([0.1] * 9, abs=0.09)
        assert abs(stamps[0] - time.time()) < PATIENCE
        first = seen.images[0]
        assert (first.header.frame_id, first.encoding, rgb_from_image(first).shape) == ("eye", "rgb8", (48, 64, 3))
        info = next(one for one in seen.infos if one.header.stamp == seen.images[5].header.stamp)
        assert (info.header.frame_id, info.width, info.k[0]) == ("eye", 64, 50.0)


def test_a_camera_that_is_unplugged_comes_back_and_each_is_told_once(tmp_path):
    sent = [jpeg(96, 64, level) for level in range(0, 100, 10)]
    network = NetworkCamera(sent)
    given = {"device": network.address, "compressed": "true", "calibration": calibration(tmp_path)}
    with robot() as bot, process(*arguments(given)) as node:
        seen = Watcher(bot)
        until(lambda: len(seen.jpegs) > 5)
        assert {bytes(one.data) for one in seen.jpegs} <= set(sent)  # as they came
        assert (seen.jpegs[0].format, rgb_from_compressed(seen.jpegs[0]).shape) == ("jpeg", (64, 96, 3))
        told = until(lambda: (state := bot.state_of("camera")()).get("level") == "1" and state)
        assert told["message"].startswith("the calibration is of images of 64x48, and these are 96x64")
        assert (told["codec"], told["width"], told["opened"], told["infos"]) == ("mjpeg", "96", "1", "0")
        assert float(told["rate_hz"]) > 5
        network.unplug()
        lost = until(lambda: (state := bot.state_of("camera")()).get("level") == "2" and state)
        assert "http://127.0.0.1" in lost["message"]
        count = len(seen.jpegs)
        network.plug_in()
        until(lambda: len(seen.jpegs) > count + 5)
        node.send_signal(signal.SIGINT)
        said, _ = node.communicate(timeout=PATIENCE)
    network.unplug()
    assert node.returncode == 0
    assert (said.count("was lost"), said.count("sending http://127.0.0.1"), "secret" in said) == (1, 2, False), said
    assert seen.infos == []


def test_images_that_cannot_be_sent_in_time_are_dropped_and_counted_the_newest_is_sent():
    network = NetworkCamera([jpeg(96, 64)], rate=100)
    with camera(device=network.address, compressed=True) as node:
        publish, going_on = node._publish, Event()
        sent: list[int] = []

        def slow(taken: Any) -> None:
            going_on.wait(PATIENCE)
            sent.append(taken.stamp)
            publish(taken)

        node._publish = slow
        node.look(lambda: None)
        until(lambda: node._counts["dropped"] > 20)
        held = node.get_clock().now().nanoseconds
        going_on.set()
        until(lambda: len(sent) > MAX_WAITING + 1)
        assert sent[0] < sent[1] <= sent[2]
        assert held - sent[1] < held - sent[0]
    network.unplug()


def test_an_image_that_breaks_its_message_ends_nothing():
    network = NetworkCamera([jpeg(96, 64), b"\xff\xd8nonsense"], rate=100)
    with robot() as bot, camera(device=network.address, compressed=False) as node:
        node.look(lambda: None)
        until(lambda: node._counts["damaged"] > 3 and node._counts["images"] > 3)
        assert bot.state_of("camera")().get("level", "0") == "0"
    network.unplug()


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ({"device": "ftp://x"}, UsageError, "there are no addresses of ftp"),
        ({"height": 0}, UsageError, "give both"),
        ({"calibration": "absent.yaml"}, CalibrationError, "absent.yaml cannot be read"),
    ],
)
def test_what_means_nothing_is_refused_at_the_start(given, kind, told):
    with pytest.raises(kind, match=told), camera(**given):
        pass


def test_a_file_begins_when_somebody_listens(clip):
    with camera(device=str(clip), wait=PATIENCE) as node, robot() as bot:
        node.look(lambda: None)
        told = until(lambda: (state := bot.state_of("camera")()).get("message") == "waiting for listeners" and state)
        assert (told["level"], told["images"]) == ("0", "0")
        seen = Watcher(bot)
        until(lambda: len(seen.images) > 5)
        np.testing.assert_array_equal(rgb_from_image(seen.images[0]), next(Clip(clip).pictures()).image)


def test_a_file_that_ends_ends_the_node(clip):
    with process(*arguments({"device": clip})) as node:
        said, _ = node.communicate(timeout=PATIENCE)
        assert (node.returncode, f"{clip} has ended" in said) == (0, True)


def test_a_file_that_is_not_there_ends_it_with_a_sentence():
    ended = Event()
    with camera(device="nowhere.mp4") as node:
        node.look(ended.set)
        assert ended.wait(PATIENCE)
        assert node.broken == "nowhere.mp4 does not exist: check the path"


def test_list_ends_and_a_number_is_a_device_without_quotes():
    with process(*arguments({"device": 97, "list": "true"})) as node:
        said, _ = node.communicate(timeout=PATIENCE)
        assert node.returncode == 0
        assert "there is no camera" in said or "/dev/video" in said


@pytest.fixture
def plugged(tmp_path, monkeypatch) -> Path:
    """The folder that says how a V4L2 device is that every process of the test finds; see fake_camera.c."""
    library = tmp_path / "fake_camera.so"
    source = Path(__file__).with_name("fake_camera.c")
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a C compiler and Linux's headers, which are not here")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKE_CAMERA", "/dev/video97")
    monkeypatch.setenv("FAKE_CAMERA_STATE", str(tmp_path))
    (tmp_path / "image.jpg").write_bytes(jpeg(320, 240))
    return tmp_path


def test_a_v4l2_camera_gives_its_jpegs_with_the_time_at_which_they_were_taken(plugged):
    (plugged / "busy").touch()
    with robot() as bot:
        seen = Watcher(bot)
        with process(*arguments({"device": "/dev/video97", "compressed": "true"})) as node:
            until(lambda: "/dev/video97 is in use by another" in bot.state_of("camera")().get("message", ""))
            (plugged / "busy").unlink()
            until(lambda: len(seen.jpegs) > 5)
            assert bytes(seen.jpegs[0].data) == (plugged / "image.jpg").read_bytes()
            assert time.time() - seconds(seen.jpegs[-1].header.stamp) >= 0.25  # s, as the device tells
            told = until(lambda: (state := bot.state_of("camera")()).get("level") == "1" and state)
            assert told["message"] == "/dev/video97 cannot give 640x480 at 30 Hz: it gives 320x240 at 50 Hz"
            (plugged / "gone").touch()
            until(lambda: "/dev/video97 is not there: plug it in" in bot.state_of("camera")().get("message", ""))
            (plugged / "image.yuyv").write_bytes(bytes((100, 128)) * 320 * 240)  # another camera, grey and without JPEG
            (plugged / "gone").unlink()
            until(lambda: bot.state_of("camera")().get("codec") == "rawvideo")
            until(lambda: abs(int(rgb_from_compressed(seen.jpegs[-1]).mean()) - 98) < 8)  # Y of 100, 16 to 235
            node.send_signal(signal.SIGTERM)
            said, _ = node.communicate(timeout=PATIENCE)
    assert (node.returncode, said.count("was lost (No such device)"), "Traceback" in said) == (0, 1, False)
