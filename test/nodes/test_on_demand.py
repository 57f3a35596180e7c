"""What may be asked of a localizer at any time: ~/localize, and goals of ~/localize_sound."""

from __future__ import annotations

import math
import threading
import time
from array import array
from contextlib import contextmanager
from itertools import count

import pytest
from action_msgs.msg import GoalStatus
from gar_ssl_ros.action import LocalizeSound
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.srv import Localize
from rclpy.action import ActionClient
from robot import PATIENCE, localizer, robot, seconds, until
from std_srvs.srv import SetBool

from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.evaluation.scenes.score import MIN_FOUND_IOU, matched
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import box_from_bounding_box
from gar_ssl_ros.messages.stamps import stamp_of
from gar_ssl_ros.nodes import on_demand

LISTENING, REASONING = LocalizeSound.Feedback.LISTENING, LocalizeSound.Feedback.REASONING


class Asker:
    """Sends goals to the localizer, and keeps what is told of the last one."""

    def __init__(self, bot) -> None:
        self.bot = bot
        self.client = ActionClient(bot.node, LocalizeSound, "/localizer/localize_sound")
        until(self.client.server_is_ready)

    def send(self, **goal):
        """Its handle, once it is accepted or rejected."""
        self.told: list[LocalizeSound.Feedback] = []
        told = self.told  # of this goal, whatever comes later
        sent = self.client.send_goal_async(LocalizeSound.Goal(**goal), lambda message: told.append(message.feedback))
        until(sent.done)
        return sent.result()

    def result(self, handle):
        """Its status, and its result."""
        ended = handle.get_result_async()
        until(ended.done)
        return ended.result().status, ended.result().result

    def reach(self, **goal):
        handle = self.send(**goal)
        assert handle.accepted
        return self.result(handle)

    def localize(self, **request):
        client = self.bot.node.create_client(Localize, "/localizer/localize")
        until(client.service_is_ready)
        future = client.call_async(Localize.Request(**request))
        until(future.done)
        return future.result()


@contextmanager
def asking(**parameters):
    """A localizer that answers only when it is asked, and who asks it."""
    with localizer(**parameters) as node, robot() as bot:
        bot.meet()
        enable = bot.node.create_client(SetBool, "/localizer/enable")
        until(enable.service_is_ready)
        until(enable.call_async(SetBool.Request(data=False)).done)
        yield Asker(bot), node


@contextmanager
def playing(bot, begin: int = 10):
    """Images and sound that go on, from `begin` s on, ten times as fast as in real time."""
    stop = threading.Event()

    def play() -> None:
        for second in count(begin):
            if stop.is_set():
                return
            bot.play(second, 1)

    player = threading.Thread(target=play)
    player.start()
    try:
        yield
    finally:
        stop.set()
        player.join()


def test_goals_and_calls_are_answered_while_the_node_publishes_no_windows_of_its_own():
    with asking(reasoner="misbehaving:Many") as (asker, _):
        asker.bot.play(10, 4)
        newest = asker.localize()
        assert (newest.success, newest.message, len(newest.result.sources)) == (True, "", 1)
        assert seconds(newest.result.window_end) == pytest.approx(13.9, abs=0.15)
        before = asker.localize(ago=1.5, sources=3)
        assert len(before.result.sources) == 3
        ago = seconds(newest.result.window_end) - seconds(before.result.window_end)
        assert ago == pytest.approx(1.5)
        assert (before.result.frames, before.result.audio_gap) == (10, 0.0)  # it is as whole as the newest
        for wrong, why in (
            ({"ago": 2.5}, "ago is 2.5: it must lie in 0..2"),
            ({"ago": -1.0}, "ago is -1: it must lie in 0..2"),
            ({"ago": math.nan}, "ago is nan: it must lie in 0..2"),
            ({"sources": 17}, "sources is 17: it must lie in 1..16"),
        ):
            refused = asker.localize(**wrong)
            assert (refused.success, refused.message, refused.result.outcome) == (False, why, 0)

        two = asker.send(sources=2)  # of what has just been heard
        # Before its result is asked for, with which rclpy's client stops to hear of it.
        until(lambda: any(one.initial.sources for one in asker.told))
        status, result = asker.result(two)
        assert (status, result.success, result.message) == (GoalStatus.STATUS_SUCCEEDED, True, "")
        assert result.result.window_end == newest.result.window_end
        assert [source.label for source in result.result.sources] == ["dog_bark"] * 2
        initial = asker.told[-1]
        assert (initial.stage, initial.initial.stage, len(initial.initial.sources)) == (REASONING, 1, 2)

        with playing(asker.bot, 14):
            status, result = asker.reach(seconds=1.0, what="Dog")
            assert (status, result.result.outcome) == (GoalStatus.STATUS_SUCCEEDED, SoundSourceArray.LOCALIZED)
            assert seconds(result.result.window_start) >= 13.9  # nothing of before the goal came
            assert seconds(result.result.window_end) - seconds(result.result.window_start) == pytest.approx(1, abs=0.15)
            answered = len(asker.bot.finals())
            other = asker.send(seconds=20.0, what="bark cat")
            until(lambda: asker.told and asker.told[-1].heard >= 20)
            assert asker.told[0].stage == LISTENING
            status, result = asker.result(other)
            assert (status, result.success) == (GoalStatus.STATUS_SUCCEEDED, True)
            assert (result.result.outcome, len(result.result.sources)) == (SoundSourceArray.UNCERTAIN, 0)
            assert result.result.detail == "what was localized is dog_bark, not bark cat"
            until(lambda: len(asker.bot.finals()) > answered + 1)  # more than one window was answered in that time


def test_the_first_window_with_a_source_ends_the_listening():
    with asking(reasoner="misbehaving:Wavering") as (asker, _), playing(asker.bot):
        status, result = asker.reach(seconds=60.0)
        assert (status, result.result.outcome) == (GoalStatus.STATUS_SUCCEEDED, SoundSourceArray.LOCALIZED)
        outcomes = [one.outcome for one in until(lambda: len(asker.bot.finals()) > 2 and asker.bot.finals())]
        assert outcomes == [SoundSourceArray.UNCERTAIN, SoundSourceArray.OFF_SCREEN, SoundSourceArray.LOCALIZED]


def test_a_goal_is_canceled_at_any_time_and_a_second_one_rejected(capfd, monkeypatch):
    monkeypatch.setattr(on_demand, "STALL_S", PATIENCE)
    with asking(reasoner="misbehaving:Endless", deadline=600.0) as (asker, node):
        asker.bot.play(10, 2)
        listening = asker.send(seconds=600.0)
        assert listening.accepted
        assert not asker.send().accepted
        until(lambda: node._on_demand._busy)  # a status that comes before its goal is known is lost, as in rclpy
        assert len(listening.cancel_goal().goals_canceling) == 1
        status, result = asker.result(listening)
        assert (status, result.success, result.message) == (GoalStatus.STATUS_CANCELED, False, "it was canceled")

        reasoning = asker.send()
        until(lambda: node._worker.statistics.busy is not None)
        reasoning.cancel_goal()
        assert asker.result(reasoning)[0] == GoalStatus.STATUS_CANCELED
        until(lambda: node._worker.statistics.busy is None and node._worker._inferences[0]._job is None)
        for seconds_wrong in (0.1, 601.0, math.nan):
            assert not asker.send(seconds=seconds_wrong).accepted
        for wrong in ({"sources": 17}, {"what": "?!"}, {"what": 300 * "a"}):
            assert not asker.send(**wrong).accepted

        for goal in ({}, {"seconds": 600.0}):
            handle = asker.send(**goal)
            until(lambda: node._on_demand._busy)
            node.trigger_deactivate()
            status, result = asker.result(handle)
            assert (status, "deactivated" in result.message) == (GoalStatus.STATUS_ABORTED, True)
            assert not asker.send().accepted
            node.trigger_activate()
            asker.bot.meet()
            asker.bot.play(20, 2)
    said = capfd.readouterr().err
    for why in (
        "a goal of localize_sound is rejected: there is one already",
        "rejected: seconds is 0.1: it must be 0, or lie in 0.5..600",
        "rejected: seconds is nan",
        "rejected: sources is 17: it must lie in 1..16",
        "rejected: what is '?!', in which there is no word",
        "rejected: what has 300 characters",
        "rejected: the node is not active: activate it first",
    ):
        assert why in said


def test_a_goal_without_an_answer_is_aborted_with_its_reason(monkeypatch):
    monkeypatch.setattr(on_demand, "STALL_S", 0.2)
    with asking(reasoner="misbehaving:Raising") as (asker, _):
        status, result = asker.reach()
        assert (status, result.message) == (GoalStatus.STATUS_ABORTED, "no image has come yet: see /diagnostics")
        status, result = asker.reach(seconds=1.0)
        assert (status, result.message) == (
            GoalStatus.STATUS_ABORTED, "no image has come for 0.2 s: see /diagnostics"
        )  # fmt: skip
        asker.bot.play(10, 2)
        status, result = asker.reach()
        assert (status, result.success) == (GoalStatus.STATUS_ABORTED, False)
        assert "BACKEND_ERROR" in result.message
        assert result.result.outcome == SoundSourceArray.BACKEND_ERROR


def test_what_sounds_in_a_rendered_scene_is_found_by_a_goal(scene_of):
    scene, window = scene_of(Kind.ONE, 1)
    samples = (window.audio.samples[0] * 32767).astype("<i2")
    sent = sorted(
        [(frame.stamp, frame.image) for frame in window.frames]
        + [(at * SECOND // 16000, samples[at : at + 1600]) for at in range(0, len(samples), 1600)],
        key=lambda one: one[0],
    )
    begins = count(10 * SECOND, 10 * SECOND)
    with asking(reasoner="signal", window=3.0) as (asker, _):

        def found():
            """Where it begins and what a goal gives, once nearly all of it had come by then."""
            begin = next(begins)
            for stamp, content in sent:
                data = array("B", content.tobytes())
                if content.ndim == 3:
                    height, width, _ = content.shape
                    asker.bot.images.publish(asker.bot.picture(begin + stamp, width, height, data=data))
                else:
                    chunk = asker.bot.chunk(begin + stamp)
                    chunk.audio.data = data
                    asker.bot.sound.publish(chunk)
                time.sleep(0.01)
            status, result = asker.reach()
            assert (status, result.message) == (GoalStatus.STATUS_SUCCEEDED, "")
            return (begin, result.result) if result.result.frames > 0.9 * scene.frames else None

        begin, answer = until(found)
        shown = min(range(scene.frames), key=lambda at: abs(begin + window.frames[at].stamp - stamp_of(answer.header)))
        boxes = [box_from_bounding_box(source.box) for source in answer.sources]
        assert matched(boxes, [scene.truth().sources[0].boxes[shown]])[0] >= MIN_FOUND_IOU
