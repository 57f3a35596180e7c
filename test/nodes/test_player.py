"""The player gives a clip as a camera and a microphone would."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from audio_common_msgs.msg import AudioStamped
from hearing_clips import array_clip
from robot import PATIENCE, calibration, process, robot, seconds, until
from sensor_msgs.msg import CameraInfo, Image

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND, Audio, Frame
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import rgb_from_image
from gar_ssl_ros.nodes.player import CHUNK_NS, timed


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    scene = Scene(SceneOptions(kind=Kind.ONE, seconds=2.0))
    return write_scene(scene, tmp_path_factory.mktemp("clips"), "scene")


def test_pictures_come_at_their_time_and_sound_when_its_last_sample_has_been(clip):
    items = list(timed(Clip(clip)))
    assert [time for time, _ in items] == sorted(time for time, _ in items)
    for time, item in items:
        assert time == (item.stamp if isinstance(item, Frame) else item.end)
    chunks = [item for _, item in items if isinstance(item, Audio)]
    assert {chunk.samples.shape[1] for chunk in chunks[:-1]} == {1600}
    assert all(later.stamp - earlier.stamp == CHUNK_NS for earlier, later in itertools.pairwise(chunks))
    whole = np.concatenate([piece.samples for piece in Clip(clip).audio()], axis=1)
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks], axis=1), whole)
    assert sum(isinstance(item, Frame) for _, item in items) == sum(isinstance(i, Frame) for i in Clip(clip).read())


def test_a_clip_of_an_array_comes_with_all_its_channels(tmp_path):
    clip = array_clip(tmp_path / "array.mkv", [0.0], 0.0, "respeaker_usb_4")
    chunks = [item for _, item in timed(Clip(clip)) if isinstance(item, Audio)]
    assert {chunk.samples.shape for chunk in chunks[:-1]} == {(6, 1600)}


def arguments(path, **parameters) -> list[str]:
    chosen = {"clip": path, "wait": PATIENCE} | parameters
    return ["player", "--ros-args", *(part for name, value in chosen.items() for part in ("-p", f"{name}:={value}"))]


class Listener:
    def __init__(self, bot) -> None:
        self.images: list[Image] = []
        self.sound: list[AudioStamped] = []
        bot.node.destroy_publisher(bot.images)
        bot.node.destroy_publisher(bot.sound)
        bot.node.create_subscription(Image, "image", self.images.append, 100)
        bot.node.create_subscription(AudioStamped, "audio", self.sound.append, 100)


def test_all_of_a_clip_arrives_and_the_counts_say_so_in_the_end(clip, tmp_path):
    infos: list[CameraInfo] = []
    with robot() as bot, process(*arguments(clip, calibration=calibration(tmp_path, 320, 240))) as player:
        bot.node.create_subscription(CameraInfo, "camera_info", infos.append, 100)
        heard = Listener(bot)
        assert player.wait(PATIENCE) == 0
        until(lambda: bot.state_of("player")().get("message") == "ended")
        counts = bot.state_of("player")()
        assert int(counts["images"]) == len(heard.images) == sum(1 for _ in Clip(clip).pictures())
        assert int(counts["chunks"]) == len(heard.sound)
        first = next(Clip(clip).pictures())
        np.testing.assert_array_equal(rgb_from_image(heard.images[0]), first.image)
        assert heard.images[0].header.frame_id == "camera_optical_frame"
        samples = sum(AudioReader().read(message, now=0).samples.shape[1] for message in heard.sound)
        assert samples == int(counts["samples"]) == sum(piece.samples.shape[1] for piece in Clip(clip).audio())
        assert infos[-1].header == heard.images[-1].header
        assert (infos[-1].width, infos[-1].k[2]) == (320, 160)
        stamps = [seconds(message.header.stamp) for message in heard.images]
        assert stamps[-1] - stamps[0] == pytest.approx(2 - 1 / 15, abs=0.01)


def test_it_begins_where_it_is_told_and_loops_without_a_jump(clip):
    with robot() as bot, process(*arguments(clip, start=1.5, loop="true", rate=4.0)):
        heard = Listener(bot)
        until(lambda: int(bot.state_of("player")().get("laps", 0)) >= 2)
        until(lambda: len(heard.images) > 16)
        stamps = np.array([seconds(message.header.stamp) for message in heard.images[:16]])
        assert np.all(np.diff(stamps) > 0)
        assert np.diff(stamps).max() < 0.3
        late = next(frame for frame in Clip(clip).pictures() if frame.stamp >= 1.5 * SECOND)
        np.testing.assert_array_equal(rgb_from_image(heard.images[0]), late.image)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"clip": "nowhere.mp4"}, "nowhere.mp4 does not exist: check the path"),
        ({"clip": "''"}, "no clip is named"),
        ({"rate": "99.0"}, "rate"),
        ({"loop": "sometimes"}, "loop"),
    ],
)
def test_what_it_cannot_play_is_one_sentence_and_a_status(clip, changes, problem):
    with process(*arguments(clip, **changes)) as player:
        output, _ = player.communicate(timeout=PATIENCE)
        assert player.returncode == 2
        assert problem in output
        assert "Traceback" not in output
