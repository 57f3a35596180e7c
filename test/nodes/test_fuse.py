"""Two localizers on the graph, each with its own camera and microphone, and one answer of both."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.qos import QoSProfile
from robot import localizer, robot, spinning, until

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.nodes.fuse import FuseNode


def fuse(**parameters) -> AbstractContextManager[FuseNode]:
    return spinning(FuseNode, **parameters)


def line(bot, topic: str) -> str:
    """What /diagnostics says of a camera."""
    lines = (status for array in reversed(list(bot.health)) for status in array.status)
    return next((status.message for status in lines if status.name == f"fuse: {topic}"), "")


def test_a_sound_that_two_cameras_see_is_one_and_a_camera_that_falls_silent_is_told():
    fixed = {"reasoner": "misbehaving:Fixed"}
    topics = ["/front/localizer/sources", "/rear/localizer/sources"]
    with (
        fuse(timeout=1.0),
        localizer(namespace="front", **fixed),
        localizer(namespace="rear", **fixed) as rear,
        robot(localizer="/front/localizer", namespace="front") as front_bot,
        robot(localizer="/rear/localizer", namespace="rear") as rear_bot,
    ):
        told: list[SoundSourceArray] = []
        front_bot.node.create_subscription(SoundSourceArray, "/fuse/sources", told.append, QoSProfile(depth=100))
        for bot in (front_bot, rear_bot):
            bot.meet()
        begin = [10]

        def play(*bots):
            for bot in bots:
                bot.play(begin[0], 1)
            begin[0] += 1
            return told and told[-1]

        both = until(lambda: (one := play(front_bot, rear_bot)) and len(one.sources[0].seen_by) == 2 and one)
        assert sorted(both.sources[0].seen_by) == topics
        assert len(both.sources) == 1
        assert both.sources[0].camera_frame == "camera_optical_frame"
        health = front_bot.state_of("fuse")
        until(lambda: health().get("message", "").startswith("no camera tells places"))
        assert (health()["level"], health()["cameras"]) == ("1", "2")

        rear.trigger_deactivate()
        alone = until(lambda: (one := play(front_bot)) and len(one.sources[0].seen_by) == 1 and one)
        assert list(alone.sources[0].seen_by) == topics[:1]
        assert alone.sources[0].id == both.sources[0].id
        until(lambda: "its sounds count no more" in line(front_bot, topics[1]))


def test_what_publishes_no_answer_of_a_localizer_is_refused_and_ends_nothing():
    with fuse(topics="/junk other"), robot() as bot:
        junk = bot.node.create_publisher(SoundSourceArray, "/junk", QoSProfile(depth=10))
        told: list[SoundSourceArray] = []
        bot.node.create_subscription(SoundSourceArray, "/fuse/sources", told.append, QoSProfile(depth=100))
        until(junk.get_subscription_count)

        def refused():
            junk.publish(SoundSourceArray(stage=SoundSourceArray.FINAL, outcome=SoundSourceArray.SILENT))
            return "so of no localizer" in line(bot, "/junk")

        until(refused)
        until(lambda: line(bot, "/other").startswith("nobody publishes /other"))
        assert told == []


@pytest.mark.parametrize(
    ("topics", "said"),
    [("a b c d e f g h i", "topics names 9 localizers: name at most 8"), ("a 1", "topics: Invalid topic name")],
)
def test_topics_that_are_too_many_or_misnamed_are_refused(topics, said):
    with pytest.raises(UsageError, match=said), fuse(topics=topics):
        pass
