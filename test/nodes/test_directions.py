"""Where it is, through the graph: a process of the localizer hears a camera, its depth and tf, and says where."""

from __future__ import annotations

import math
import time
from array import array
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import FRAME, PATIENCE, localizer, process, robot, seconds, stamped, until
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from gar_ssl_ros.media.window import SECOND

NODE = ("localizer", "--ros-args", "-p", "reasoner:=misbehaving:Fixed", "-p", "window:=1.0", "-p", "hop:=0.5")
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# The box of Fixed is the middle half of the picture, 64 x 48 pixels; the camera's axis is at its upper right.
INFO = {"width": 64, "height": 48, "distortion_model": "plumb_bob", "d": [0.0] * 5}
MATRIX = [64.0, 0.0, 63.5, 0.0, 64.0, 7.5, 0.0, 0.0, 1.0]


class Camera:
    """The robot's: publishes its calibration, depth and where it is."""

    def __init__(self, bot, matrix=MATRIX) -> None:
        self.bot = bot
        self.shown: list[MarkerArray] = []
        self.goals: list[PoseStamped] = []
        node = bot.node
        node.create_subscription(MarkerArray, f"/{bot.localizer}/markers", self.shown.append, QoSProfile(depth=100))
        node.create_subscription(PoseStamped, f"/{bot.localizer}/goal", self.goals.append, QoSProfile(depth=100))
        self.infos = node.create_publisher(CameraInfo, "camera_info", LATCHED)
        self.depths = node.create_publisher(Image, "depth", QoSProfile(depth=100))
        self.moving = node.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self.fixed = node.create_publisher(TFMessage, "/tf_static", LATCHED)
        info = CameraInfo(**INFO, k=matrix)
        info.header.frame_id = "camera_optical_frame"
        self.infos.publish(info)
        # 0.3 m above base_link, looking ahead: optical z is the base's x, optical x its -y, optical y its -z.
        self.fixed.publish(transform("base_link", "camera_optical_frame", 0, (0, 0, 0.3), (-0.5, 0.5, -0.5, 0.5)))

    def play(self, begin: float, seconds: float) -> None:
        """As the robot does, with depth of 2 m, and a base that drives ahead by 1 m/s."""
        for step in range(round(seconds * 10)):
            stamp = round(begin * SECOND) + step * FRAME
            values = np.full((48, 64), 2000, "<u2")
            values[::2] = 5000  # the wall behind, in every other row
            depth = Image(width=64, height=48, encoding="16UC1", step=128, data=array("B", values.tobytes()))
            depth.header.frame_id = "camera_optical_frame"
            self.depths.publish(stamped(depth, stamp))
            self.moving.publish(transform("odom", "base_link", stamp, (stamp / SECOND, 0, 0), (0, 0, 0, 1)))
            self.bot.images.publish(self.bot.picture(stamp))
            self.bot._tell(16000)
            self.bot.sound.publish(self.bot.chunk(stamp))
            time.sleep(0.01)

    def answer(self, good) -> object:
        """Play on until there is an answer that is good."""
        begin = [10.0]

        def answered():
            del self.bot.answers[:]
            self.play(begin[0], 2)
            begin[0] += 2
            return next((answer for answer in self.bot.finals() if answer.sources and good(answer)), None)

        return until(answered)


def transform(parent: str, child: str, stamp: int, moved, turned) -> TFMessage:
    one = stamped(TransformStamped(child_frame_id=child), stamp)
    one.header.frame_id = parent
    for name, value in zip("xyz", moved, strict=True):
        setattr(one.transform.translation, name, float(value))
    for name, value in zip("xyzw", turned, strict=True):
        setattr(one.transform.rotation, name, float(value))
    return TFMessage(transforms=[one])


@contextmanager
def camera(**options):
    with robot() as bot:
        yield bot, Camera(bot, **options)


def test_a_source_has_a_bearing_a_point_and_markers_over_real_processes():
    more = ("-p", "depth:=image", "-p", "target_frame:=odom")
    with process(*NODE, *more), camera() as (bot, eye):
        bot.meet()
        answer = eye.answer(lambda found: math.isfinite(found.sources[0].target_position.x))
        source = answer.sources[0]
        # The box's middle, (32, 24), is 32 pixels to the left of the camera's axis and 16 below it.
        assert source.bearing == pytest.approx(math.atan2(32, 64), abs=1e-5)
        assert source.elevation == pytest.approx(-math.atan2(16, math.hypot(32, 64)), abs=1e-5)
        assert 0.05 < source.bearing_sd < 0.2
        point = source.position
        assert (point.x, point.y, point.z) == pytest.approx((-1.0, 0.5, 2.0), rel=0.02)
        assert source.distance == pytest.approx(math.sqrt(1 + 0.25 + 4), rel=0.02)
        stamp = answer.header.stamp.sec + answer.header.stamp.nanosec / SECOND
        target = source.target_position
        assert answer.target_frame == "odom"
        assert (target.x, target.y, target.z) == pytest.approx((stamp + 2.0, 1.0, -0.2), abs=0.05)
        assert source.target_bearing == pytest.approx(source.bearing, abs=1e-5)
        added = {Marker.ADD}  # of an answer that may have come without a place, the point is taken away
        markers = until(
            lambda: next((one.markers for one in eye.shown if {marker.action for marker in one.markers} == added), None)
        )
        kinds = {marker.ns: marker for marker in markers}
        assert {name: marker.type for name, marker in kinds.items()} == {
            "ray": Marker.ARROW,
            "label": Marker.TEXT_VIEW_FACING,
            "point": Marker.SPHERE,
        }
        assert {marker.id for marker in markers} == {source.id}
        assert kinds["ray"].header.frame_id == "camera_optical_frame"
        until(lambda: bot.state_of("directions")().get("message") == "known")
        told = bot.state_of("directions")()
        assert (told["level"], told["transforms"], bot.state_of("camera_info")()["level"]) == ("0", "2", "0")


def test_a_goal_lies_before_the_source_and_faces_it():
    more = ("-p", "depth:=image", "-p", "target_frame:=odom", "-p", "goal_distance:=1.0")
    with process(*NODE, *more), camera() as (bot, eye):
        bot.meet()
        eye.answer(lambda _: len(eye.goals) > 2)
        goals = list(eye.goals)
        for goal in goals:
            stamp = seconds(goal.header.stamp)
            assert goal.header.frame_id == "odom"
            # The camera is at x = stamp, the source 2 m ahead of it and 1 m to the left.
            share = 1 - 1 / math.sqrt(5)
            where, turned = goal.pose.position, goal.pose.orientation
            assert (where.x, where.y, where.z) == pytest.approx((stamp + 2 * share, share, 0.0), abs=0.05)
            assert 2 * math.atan2(turned.z, turned.w) == pytest.approx(math.atan2(1, 2), abs=1e-3)
            assert (turned.x, turned.y) == (0.0, 0.0)
        stamps = [seconds(goal.header.stamp) for goal in goals]
        assert all(later - sooner >= 1.0 - 1e-6 for sooner, later in pairwise(stamps))


def test_there_is_no_goal_unless_asked_for_and_one_that_cannot_be_known_is_refused():
    with localizer(reasoner="misbehaving:Fixed", depth="image", target_frame="odom"), camera() as (bot, eye):
        bot.meet()
        eye.answer(lambda found: math.isfinite(found.sources[0].target_position.x))
        assert eye.goals == []
    with process(*NODE, "-p", "goal_distance:=1.0") as node:
        told, _ = node.communicate(timeout=PATIENCE)
        assert "goal_distance is 1, but no position will be known: set target_frame and depth" in told
        assert node.returncode == 2


def test_without_a_calibration_boxes_go_on_and_diagnostics_say_why():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        source = bot.next_final().sources[0]
        assert math.isnan(source.bearing)
        assert math.isnan(source.position.x)
        told = until(
            lambda: "no CameraInfo" in bot.state_of("directions")().get("message", "") and bot.state_of("directions")()
        )
        assert told["level"] == "0"  # nothing that needs it was asked for
    with localizer(reasoner="misbehaving:Fixed", target_frame="map"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        told = until(
            lambda: "no CameraInfo" in bot.state_of("directions")().get("message", "") and bot.state_of("directions")()
        )
        assert told["level"] == "1"
        assert bot.state_of("camera_info")()["level"] == "1"


def test_a_bad_calibration_and_a_missing_frame_are_told_and_the_boxes_go_on():
    parameters = {"reasoner": "misbehaving:Fixed", "target_frame": "map"}
    with localizer(**parameters), camera(matrix=[0.0] * 9) as (bot, eye):
        bot.meet()
        assert math.isnan(eye.answer(lambda _: True).sources[0].bearing)
        until(lambda: "its K is zero" in bot.state_of("directions")().get("message", ""))
    with localizer(**parameters), camera() as (bot, eye):
        bot.meet()
        answer = eye.answer(lambda found: math.isfinite(found.sources[0].bearing))
        assert (answer.target_frame, math.isnan(answer.sources[0].target_bearing)) == ("", True)
        until(lambda: "no transform names the frame 'map'" in bot.state_of("directions")().get("message", ""))
        assert bot.state_of("directions")()["level"] == "1"


def test_directions_can_be_left_alone():
    with localizer(reasoner="misbehaving:Fixed", directions=False) as node, camera() as (bot, eye):
        bot.meet()
        assert math.isnan(eye.answer(lambda _: True).sources[0].bearing)
        assert node.count_subscribers("/camera_info") == 0
        assert bot.state_of("directions")() == {}
