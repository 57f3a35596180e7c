"""From where sound comes, through the graph: the channels of an array in, directions out, and in the answers."""

from __future__ import annotations

import math
import re
import threading
import time
from array import array as numbers
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from gar_ssl_ros.msg import SoundDirectionArray, SoundSourceArray
from geometry_msgs.msg import PoseStamped
from odas_ros_msgs.msg import OdasSst, OdasSstArrayStamped
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from robot import CHUNK, localizer, robot, seconds, stamped, until
from sensor_msgs.msg import CameraInfo
from std_srvs.srv import Trigger
from test_directions import INFO, LATCHED, transform
from test_localizer import call
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.steering import delays

RATE = 16_000
ARRAY = arrays()["respeaker_usb_4"]
MATRIX = [64.0, 0.0, 31.5, 0.0, 64.0, 23.5, 0.0, 0.0, 1.0]
OPTICAL = (-0.5, 0.5, -0.5, 0.5)  # of a camera that looks where the array does
PARAMETERS = {"reasoner": "misbehaving:Wavering", "array": "respeaker_usb_4"}


def sound_from(azimuth: float, length: float = 12.0) -> np.ndarray:
    """Noise that comes and goes from there, in the open: (6, n)."""
    random = np.random.default_rng(0)
    n = round(length * RATE)
    dry = 0.1 * random.normal(size=n) * np.repeat(random.random(n // 1600) > 0.3, 1600)
    late = delays(ARRAY, np.array([body_of_angles(azimuth, 0.0)]))[0]
    recorded = 1e-4 * random.normal(size=(6, n))
    turns = np.exp(-2j * np.pi * np.fft.rfftfreq(n, 1 / RATE) * late[:, None])
    recorded[list(ARRAY.channels)] += np.fft.irfft(np.fft.rfft(dry) * turns, n)
    return recorded


class Ears:
    """The robot's camera and microphones; keeps all that is told of directions."""

    def __init__(self, bot, camera: bool = True, mounted: bool = True) -> None:
        self.bot, self.now = bot, 10 * SECOND
        node, name = bot.node, bot.localizer
        self.heard: list[SoundDirectionArray] = []
        self.poses: list[PoseStamped] = []
        self.markers: list[MarkerArray] = []
        self.frames: list[TFMessage] = []
        self.beamed: list[AudioDataStamped] = []
        self.infos: list[AudioInfo] = []
        for kind, topic, kept in (
            (SoundDirectionArray, f"/{name}/directions", self.heard),
            (PoseStamped, f"/{name}/sound_localization", self.poses),
            (MarkerArray, f"/{name}/markers", self.markers),
            (TFMessage, "/tf", self.frames),
            (AudioDataStamped, f"/{name}/beam", self.beamed),
            (AudioInfo, f"/{name}/beam_info", self.infos),
        ):
            node.create_subscription(kind, topic, kept.append, QoSProfile(depth=100))
        if camera:
            self.camera = node.create_publisher(CameraInfo, "camera_info", LATCHED)
            info = CameraInfo(**INFO, k=MATRIX)
            info.header.frame_id = "camera_optical_frame"
            self.camera.publish(info)
        if mounted:
            self.fixed = node.create_publisher(TFMessage, "/tf_static", LATCHED)
            self.fixed.publish(transform("microphone", "camera_optical_frame", 0, (0, 0, 0.1), OPTICAL))

    def play_until(self, condition, recorded: np.ndarray, rate: int = RATE):
        """Play the sound on and on until that holds."""
        size = rate * CHUNK // SECOND
        at = [0]

        def played():
            for _ in range(5):
                self.now += CHUNK
                self.bot.images.publish(self.bot.picture(self.now))
                told = AudioInfo(channels=len(recorded), sample_rate=rate, sample_format="S16LE", coding_format="wave")
                self.bot.infos.publish(told)
                message = AudioDataStamped()
                message.header.frame_id = "microphone"
                part = np.round(32767 * np.clip(recorded[:, at[0] : at[0] + size].T, -1, 1)).astype("<i2")
                message.audio.data = numbers("B", part.tobytes())
                self.bot.sound.publish(stamped(message, self.now))
                at[0] = (at[0] + size) % (recorded.shape[1] - size)
                time.sleep(0.01)
            return condition()

        return until(played)

    def status(self, what: str = "hearing") -> dict[str, str]:
        return self.bot.state_of(what)()

    def calibration(self) -> str:
        """What `~/calibrate` tells."""
        return str(call(self.bot, Trigger, f"/{self.bot.localizer}/calibrate", Trigger.Request()).message)

    def final(self, good):
        return next((answer for answer in self.bot.finals() if good(answer)), None)


@contextmanager
def ears(options=(), **parameters):
    with localizer(**PARAMETERS | parameters) as node, robot() as bot:
        mine = Ears(bot, **dict(options))
        until(lambda: bot.images.get_subscription_count() and bot.sound.get_subscription_count())
        yield node, mine


def listening() -> bool:
    return any(thread.name == "hearing" for thread in threading.enumerate())


def test_where_sound_comes_from_is_told_shown_and_in_the_answers():
    with ears(direction_frames=True, beam="loudest") as (node, mine):
        ahead = sound_from(math.radians(6))
        found = mine.play_until(lambda: mine.final(lambda one: one.sources and one.sources[0].direction_id), ahead)
        source = found.sources[0]
        assert source.heard_bearing == pytest.approx(math.radians(6), abs=math.radians(3))
        told = mine.play_until(lambda: next((one for one in mine.heard if one.directions[:1]), None), ahead)
        one = mine.heard[-1].directions[0]
        assert (told.array, told.header.frame_id, told.detail) == ("respeaker_usb_4", "microphone", "")
        assert one.azimuth == pytest.approx(math.radians(6), abs=math.radians(3))
        assert (one.elevation_known, one.front_back_known, math.isnan(one.elevation)) == (False, True, True)

        # The answer and what is told as it comes agree on the ids of both.
        def matched():
            return [one for heard in mine.heard for one in heard.directions if one.source_id]

        mine.play_until(matched, ahead)
        assert {(one.id, one.source_id) for one in matched()} == {(source.direction_id, source.id)}
        turned = mine.poses[-1].pose.orientation
        assert 2 * math.atan2(turned.z, turned.w) == pytest.approx(one.azimuth, abs=0.1)
        shown = until(lambda: [m for array in mine.markers for m in array.markers if m.ns == "heard"])
        assert (shown[-1].header.frame_id, shown[-1].points[1].x) == ("microphone", pytest.approx(2.0, abs=0.05))
        frames = until(lambda: [t for array in mine.frames for t in array.transforms])
        assert frames[-1].child_frame_id.startswith("direction_")

        # What `beam` sends is one channel, without a gap or a sample twice, and tells the sound from the noise.
        reader = AudioReader()
        until(lambda: any(info.channels == 1 for info in mine.infos))
        reader.take_info(mine.infos[-1])
        mine.play_until(lambda: len(mine.beamed) > 4, ahead)
        sounds = [reader.read(message, 0) for message in mine.beamed]
        assert {len(sound.samples) for sound in sounds} == {1}
        joined = [abs(later.stamp - earlier.end) < SECOND // RATE for earlier, later in pairwise(sounds)]
        assert sum(joined) > len(joined) // 2  # all, unless this machine left a hop out

        # Behind it is in no picture: with OFF_SCREEN comes where to turn to.
        behind = sound_from(math.radians(-170))
        off = mine.play_until(
            lambda: mine.final(lambda one: one.outcome == SoundSourceArray.OFF_SCREEN and "behind you" in one.detail),
            behind,
        )
        assert off.unmatched[0].azimuth == pytest.approx(math.radians(-170), abs=math.radians(4))
        assert "behind you" in off.unmatched[0].description
        assert off.unmatched[0].id in {one.id for heard in mine.heard for one in heard.directions}

        # A channel that dies, one channel alone and another rate: one sentence each, and what can be told still is.
        dead = ahead.copy()
        dead[2] = 0
        mine.play_until(lambda: "channel 2 is dead" in mine.status().get("message", ""), dead)
        mine.play_until(lambda: mine.heard[-1].detail and mine.heard[-1].directions, dead)
        mine.play_until(lambda: "the audio has 1 channel," in mine.status().get("message", ""), ahead[:1])
        assert "respeaker_usb_4 is recorded with 6" in mine.status()["message"]
        now = len(mine.bot.finals())
        mine.play_until(lambda: len(mine.bot.finals()) > now and not mine.bot.finals()[-1].unmatched, ahead[:1])
        faster = np.repeat(ahead, 2, axis=1)
        mine.play_until(
            lambda: mine.status().get("message") == "listening" and mine.heard[-1].directions, faster, 2 * RATE
        )

        # Time that jumps back.
        mine.now = 5 * SECOND
        mine.play_until(lambda: seconds(mine.heard[-1].header.stamp) < 9 and mine.heard[-1].directions, ahead)
        assert listening()
        node.trigger_deactivate()
        assert not listening()
        node.trigger_activate()
        before = len(mine.heard)
        mine.play_until(lambda: len(mine.heard) > before, ahead)
    assert not listening()


def test_what_is_missing_for_the_picture_is_told_and_directions_still_are():
    ahead = sound_from(0.0, 4.0)
    with ears({"camera": False}) as (_, mine):
        mine.play_until(lambda: "no CameraInfo" in mine.status().get("message", ""), ahead)
        assert mine.play_until(lambda: mine.heard and mine.heard[-1].directions, ahead)
        assert not mine.bot.finals()[-1].unmatched
        # The first window may lack sound, which tells nothing of a camera.
        mine.play_until(lambda: "no CameraInfo" in mine.calibration(), ahead)
    with ears({"mounted": False}) as (node, mine):
        mine.play_until(lambda: "no transform names the frame" in mine.status().get("message", ""), ahead)
        assert "array_to_camera" in mine.status()["message"]
        # Said by parameter instead: the camera looks to the left of the array, so the sound is to its right.
        node.trigger_deactivate()
        node.trigger_cleanup()
        node.set_parameters([Parameter("array_to_camera", value="0 0 0.1 0 0 0.1")])
        node.trigger_configure()
        node.trigger_activate()
        found = mine.play_until(lambda: mine.final(lambda one: one.sources and one.sources[0].direction_id), ahead)
        assert found.sources[0].heard_bearing == pytest.approx(-0.1, abs=0.05)

        # RViz shows it in the camera's frame then, of which tf knows.
        def shown():
            every = [one for array in mine.markers for one in array.markers if one.ns == "heard"]
            return next((one for one in every if one.header.frame_id == "camera_optical_frame"), None)

        arrow = mine.play_until(shown, ahead)
        assert (arrow.points[1].x, arrow.points[1].z) == pytest.approx((0.2, 2.0), abs=0.06)
        assert re.search("it takes 12|all sounds came from one bearing|in no one way", mine.calibration())
        # What describes no array is told, and the localizer goes on without.
        node.trigger_deactivate()
        node.trigger_cleanup()
        refused = node.set_parameters([Parameter("array", value="/etc/array.yaml")])[0]
        assert "another array is named at the node's start" in refused.reason
        node.set_parameters([Parameter("array_channels", value="0, 1")])
        node.trigger_configure()
        node.trigger_activate()
        mine.play_until(lambda: "it has 2 channels and 4 positions" in mine.status().get("message", ""), ahead)
        assert mine.status()["level"] == "2"
        now = len(mine.bot.finals())
        mine.play_until(lambda: len(mine.bot.finals()) > now, ahead)


@pytest.mark.parametrize("kind", [PoseStamped, OdasSstArrayStamped])
def test_a_device_that_tells_directions_by_itself_is_heard_instead(kind):
    with ears(array="", device_directions=True) as (_, mine):
        out = mine.bot.node.create_publisher(kind, "directions_in", QoSProfile(depth=100))
        until(out.get_subscription_count)
        azimuth = math.radians(8)

        def tell(good: bool = True) -> None:
            message = kind()
            message.header.frame_id = "microphone"
            if kind is PoseStamped:
                message.pose.orientation.z, message.pose.orientation.w = math.sin(azimuth / 2), math.cos(azimuth / 2)
                message.pose.orientation.w *= good
                message.pose.orientation.z *= good
            else:
                x, y = math.cos(azimuth), math.sin(azimuth)
                there = OdasSst(id=7, x=x if good else math.nan, y=y, z=0.1, activity=0.9)
                message.sources = [OdasSst(), there]
            out.publish(stamped(message, mine.now))

        def matched():
            tell()
            return mine.final(lambda one: one.sources and one.sources[0].direction_id)

        found = mine.play_until(matched, sound_from(1.0, 4.0)[1:2])
        assert found.sources[0].heard_bearing == pytest.approx(azimuth, abs=0.02)
        one = mine.heard[-1].directions[0]
        assert one.azimuth == pytest.approx(azimuth, abs=0.02)
        assert one.elevation_known is (kind is OdasSstArrayStamped)
        assert (math.isnan(one.power), mine.heard[-1].array, one.id) == (True, "", found.sources[0].direction_id)
        until(lambda: tell(False) or "left out" in mine.status("directions_in").get("message", "") or time.sleep(0.1))
