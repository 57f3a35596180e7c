"""The recorder writes what passes, in pieces of which each can be played, and keeps no more than it is told to."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import localizer, robot, spinning, stamped, until
from sensor_msgs.msg import CameraInfo, CompressedImage

from gar_ssl_ros.bags.rosbag import Bag
from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.pictures import jpeg
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.nodes.player import PlayerNode
from gar_ssl_ros.nodes.recorder import RecorderNode
from gar_ssl_ros.page.commands import Seek
from gar_ssl_ros.page.session import Session

TOPICS = "image image/compressed audio audio_info camera_info"
JPEG = array("B", jpeg(np.zeros((48, 64, 3), np.uint8)))


def read(path) -> list[tuple[str, object]]:
    with Bag(path) as bag:
        return [(one.topic, bag.message(one)) for one in bag.messages()]


def stamps(messages: list[tuple[str, object]], topic: str) -> list[int]:
    return [one.header.stamp.sec * SECOND + one.header.stamp.nanosec for name, one in messages if name == topic]


def test_nothing_is_lost_between_two_pieces_and_what_is_old_goes(tmp_path):
    path, count = tmp_path / "drive", 0
    with robot() as bot, spinning(RecorderNode, bag=str(path), topics=TOPICS, piece=0.3, keep=0.9) as recorder:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        bot.node.create_publisher(CameraInfo, "camera_info", latched).publish(stamped(CameraInfo(width=64), 0))
        images = bot.node.create_publisher(CompressedImage, "image/compressed", QoSProfile(depth=100))
        described = AudioInfo(channels=1, sample_rate=16000, sample_format="S16LE", coding_format="wave")
        until(lambda: all(one.get_subscription_count() for one in (images, bot.sound, bot.infos)))
        bot.infos.publish(described)

        def send() -> bool:
            nonlocal count
            images.publish(stamped(CompressedImage(format="jpeg", data=JPEG), SECOND * count))
            bot.sound.publish(bot.chunk(SECOND * count))
            count += 1
            return count > 60 and not (path / "drive_001").exists()

        until(send)
        sent = count
        until(lambda: int(bot.state_of("recorder")().get("messages") or 0) == 2 * sent + 2)  # and what describes them
        told = bot.state_of("recorder")()
        assert int(told["pieces"]) > 1
        assert int(told["bytes"]) > 2 * len(JPEG)
        assert 0.9 <= float(told["seconds"]) < 60
        assert recorder.broken == ""
    messages = read(path)
    seen = stamps(messages, "/image/compressed")
    assert seen == [SECOND * at for at in range(seen[0] // SECOND, sent)]
    heard = stamps(messages, "/audio")
    assert heard == [SECOND * at for at in range(heard[0] // SECOND, sent)]
    for piece in sorted(path.iterdir()):
        assert {topic for topic, _ in read(piece)[:2]} == {"/audio_info", "/camera_info"}


def test_a_clip_that_is_played_compressed_is_a_session_with_its_answers(tmp_path):
    scene = Scene(SceneOptions(kind=Kind.ONE, seconds=3.0))
    clip, path = write_scene(scene, tmp_path, "scene"), tmp_path / "session"
    topics = f"{TOPICS} localizer/sources localizer/image_annotated"
    wanted = {"clip": str(clip), "compressed": True, "wait": 60.0, "listeners": 2, "rate": 2.0}
    with (
        robot() as bot,
        localizer() as node,
        spinning(RecorderNode, bag=str(path), topics=topics),
    ):
        for one in (bot.images, bot.sound, bot.infos):
            bot.node.destroy_publisher(one)
        with spinning(PlayerNode, **wanted) as player:
            player.play(lambda: None)
            until(lambda: bot.state_of("player")().get("message") == "ended")
        answered = until(lambda: len(bot.finals()) > 2 and bot.finals())
        assert node.get_name() == "localizer"
        until(lambda: any(path.rglob("*.mcap")))
    messages = read(path)
    pictures = [one for topic, one in messages if topic == "/image/compressed"]
    assert len(pictures) == sum(1 for _ in Clip(clip).pictures())
    assert all(bytes(one.data[:3]) == b"\xff\xd8\xff" for one in pictures)
    assert len([topic for topic, _ in messages if topic == "/localizer/sources"]) >= len(answered)
    with Session(path, playing=False) as session:
        first = stamps(messages, "/image/compressed")[0]
        until(lambda: len([one for one in session.feed.news(0).messages if '"answer"' in str(one)]) > 2)
        session.do(Seek(id=1, do="seek", to=(first + 2 * SECOND) / 1e6))
        assert session.picture(first + 2 * SECOND).stamp == pytest.approx(first + 2 * SECOND, abs=SECOND // 15)
        assert session.sound(first + SECOND, first + 2 * SECOND)


def test_pieces_without_an_end_are_kept_all(tmp_path):
    path, count = tmp_path / "drive", 0
    with robot() as bot, spinning(RecorderNode, bag=str(path), topics="audio", piece=0.2):
        until(bot.sound.get_subscription_count)

        def send() -> bool:
            nonlocal count
            bot.sound.publish(bot.chunk(SECOND * count))
            count += 1
            return (path / "drive_003").exists()

        until(send)
        until(lambda: int(bot.state_of("recorder")().get("messages") or 0) == count)
    assert bot.sound.msg_type is AudioDataStamped
    assert stamps(read(path), "/audio") == [SECOND * at for at in range(count)]
