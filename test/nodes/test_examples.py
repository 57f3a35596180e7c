"""The examples do what they say, as processes of their own."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from clips import write_clip
from domains import own_domain
from gar_ssl_ros.msg import SoundSource, SoundSourceArray
from geometry_msgs.msg import PoseStamped
from robot import PATIENCE, localizer, robot, until
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory

from gar_ssl_ros.output.record import read_records

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_log_sources_tells_what_makes_the_sound_until_it_is_told_to_stop(how):
    environment = os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes"))}
    command = [sys.executable, "-W", "error", str(EXAMPLES / "log_sources.py")]
    with (
        localizer(reasoner="misbehaving:Fixed"),
        robot() as bot,
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as example,
    ):
        lines = iter(example.stderr.readline, "")
        assert "waiting for the localizer's answers" in next(lines)
        bot.meet()
        bot.node.wait_for_node("/log_sources", PATIENCE)
        bot.play(10, 3)
        told = next(lines)
        assert "#1 dog_bark at 32, 24 of 64x48, 32x24 pixels: a dog" in told
        example.send_signal(how)
        assert example.wait(PATIENCE) == 0
        assert "Traceback" not in example.stderr.read()


@contextmanager
def example(name, *arguments):
    """A process of it, once its node is on the graph, and its lines."""
    environment = os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes"))}
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as started:
        lines = iter(started.stderr.readline, "")
        assert "waiting for the localizer's answers" in next(lines)
        try:
            yield started, lines
        finally:
            started.kill()


def answer_of(*sources, begin=0, stage=SoundSourceArray.FINAL, label=""):
    """Of a window of 3 s."""
    answer = SoundSourceArray(stage=stage, sources=[*sources], label=label)
    answer.window_start.sec, answer.window_end.sec = begin, begin + 3
    answer.header.stamp.sec = begin + 1
    return answer


@contextmanager
def answering():
    """A node on the graph, and what publishes answers as the localizer does, once somebody listens."""
    with robot(localizer="/nobody") as bot:
        out = bot.node.create_publisher(SoundSourceArray, "localizer/sources", 100)

        def publish(answer):
            until(out.get_subscription_count)
            out.publish(answer)

        yield bot, publish


def test_turn_head_turns_to_the_surest_source_within_its_limit():
    unsure = SoundSource(bearing=0.3, target_bearing=-0.4, av_consistency=0.2)
    sure = SoundSource(bearing=0.5, target_bearing=-2.0, av_consistency=0.9)
    unknown = SoundSource(bearing=math.nan, target_bearing=math.nan, av_consistency=1.0)
    for arguments, angle in (((), 0.5), (("--ros-args", "-p", "on_head:=true", "-p", "limit:=1.0"), -1.0)):
        moves = []
        with answering() as (bot, publish), example("turn_head", *arguments) as (head, _):
            bot.node.create_subscription(JointTrajectory, "head_controller/joint_trajectory", moves.append, 10)
            until(lambda bot=bot: bot.node.count_publishers("head_controller/joint_trajectory"))
            publish(answer_of(unknown))  # which it does not turn to
            until(lambda publish=publish, moves=moves: publish(answer_of(unsure, sure, unknown)) or moves)
            (point,) = moves[0].points
            assert (list(moves[0].joint_names), list(point.positions)) == (["head_pan_joint"], [pytest.approx(angle)])
            assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 500_000_000)
            head.send_signal(signal.SIGTERM)
            assert head.wait(PATIENCE) == 0


def test_who_spoke_tells_each_turn_once_it_is_over_and_the_open_ones_at_the_end():
    ann = SoundSource(id=1, detection_id="ann", label="speech")
    bob = SoundSource(id=2, label="Male speech, man speaking")
    dog, cat = SoundSource(id=3, label="dog"), SoundSource(id=4, detection_id="cat", label="speech")
    with answering() as (bot, publish), example("who_spoke") as (log, lines):
        bot.node.wait_for_node("/who_spoke", PATIENCE)
        publish(answer_of(ann, begin=0, stage=SoundSourceArray.INITIAL))
        for begin, *heard in ((10, ann, dog), (11, ann, bob), (13, bob, cat), (15, bob), (16, bob), (17,)):
            publish(answer_of(*heard, begin=begin))
        assert "#1 ann spoke from 10.0 to 14.0 s" in next(lines)
        assert "#4 cat spoke from 13.0 to 16.0 s" in next(lines)
        log.send_signal(signal.SIGINT)
        assert "#2 - spoke from 11.0 to 19.0 s" in log.stderr.read()
        assert log.wait(PATIENCE) == 0


def test_go_there_leaves_for_its_sound_alone_and_rests_between():
    poses = []

    def goal_of(answer):
        goal = PoseStamped()
        goal.header.stamp, goal.header.frame_id = answer.header.stamp, "map"
        goal.pose.position.x = float(answer.window_start.sec)
        return goal

    arguments = ("--ros-args", "-p", "sound:=baby", "-p", "rest:=15.0")
    with answering() as (bot, publish), example("go_there", *arguments) as (robot_, lines):
        goals = bot.node.create_publisher(PoseStamped, "localizer/goal", 10)
        bot.node.create_subscription(PoseStamped, "goal_pose", poses.append, 10)
        until(lambda: bot.node.count_publishers("goal_pose") and goals.get_subscription_count())
        for begin, label in ((10, "speech"), (20, "baby cry"), (30, "baby cry"), (40, "baby cry"), (45, "baby cry")):
            answer = answer_of(SoundSource(label=label), begin=begin)
            publish(answer)
            goals.publish(goal_of(answer))
        assert "to 20.00, 0.00 in map, for baby" in next(lines)
        assert "to 40.00" in next(lines)
        until(lambda: len(poses) == 2)
        assert [pose.pose.position.x for pose in poses] == [20, 40]
        robot_.send_signal(signal.SIGINT)
        assert robot_.wait(PATIENCE) == 0


def test_answer_knock_looks_and_speaks_once_for_each_knock():
    pytest.importorskip("py_trees", reason="needs py_trees, which is not installed")
    looks, said = [], []
    with answering() as (bot, publish), example("answer_knock", "--ros-args", "-p", "words:=Yes?") as (tree, _):
        bot.node.create_subscription(JointTrajectory, "head_controller/joint_trajectory", looks.append, 10)
        bot.node.create_subscription(String, "say", said.append, 10)
        until(
            lambda: bot.node.count_publishers("head_controller/joint_trajectory") and bot.node.count_publishers("say")
        )
        knock = SoundSource(label="knock", bearing=0.4)
        publish(answer_of(SoundSource(label="speech", bearing=-0.4), begin=10, label="speech"))
        publish(answer_of(knock, begin=20, label="knock"))
        until(lambda: looks and said)
        publish(answer_of(knock, begin=22, label="knock"))  # a window that holds the same knock
        publish(answer_of(begin=30, label="knock"))  # out of view: nowhere to look
        until(lambda: len(said) == 2)
        assert [list(look.points[0].positions) for look in looks] == [[pytest.approx(0.4)]]
        assert [text.data for text in said] == ["Yes?", "Yes?"]
        tree.send_signal(signal.SIGTERM)
        assert tree.wait(PATIENCE) == 0


def test_an_agent_s_tool_says_what_was_just_heard_and_where_in_words():
    pytest.importorskip("langchain_core", reason="needs langchain-core, which is not installed")
    environment = os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes"))}
    command = [sys.executable, "-W", "error", str(EXAMPLES / "sound_tool.py"), "0"]
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 3)
        bot.next_final()
        for what, told in (((), "dog_bark, in view: a dog\n"), (("cat",), "Nothing in view makes it. ")):
            done = subprocess.run([*command, *what], env=environment, capture_output=True, text=True, check=False)
            assert f"[sound_tool]: {told}" in done.stderr
    wrong = subprocess.run([*command[:-1], "x"], env=environment, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert wrong.stderr.startswith("sound_tool: seconds: Input should be a valid number")


def test_an_agent_s_tool_that_is_stopped_leaves_no_goal_behind():
    pytest.importorskip("langchain_core", reason="needs langchain-core, which is not installed")
    environment = os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes"))}
    with localizer(reasoner="misbehaving:Fixed") as node, robot() as bot:
        bot.meet()
        bot.play(10, 1)
        asked = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "sound_tool.py"), "600"], env=environment, stderr=subprocess.PIPE, text=True
        )
        until(lambda: node._on_demand._busy or bot.play(11, 0.1))
        asked.send_signal(signal.SIGINT)
        _, said = asked.communicate(timeout=PATIENCE)
        assert (asked.returncode, said) == (0, "")
        until(lambda: not node._on_demand._busy)


def test_an_own_reasoner_answers_and_takes_its_options(run, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    clip = write_clip(tmp_path / "clip.mkv", seconds=1.0)
    asked = ("localize", clip, "--no-video", "--reasoner", "own_reasoner:brightest")
    widths = []
    for size in ("0.5", "0.25"):
        done = run(*asked, "--reasoner-options", f"size={size}", "--out", tmp_path / size)
        assert done.returncode == 0, done.stderr
        (record,) = read_records(tmp_path / size / "clip.jsonl")
        assert record.reasoner == "brightest"
        widths.append(record.sources[0].box.width)
    assert widths[0] > widths[1]
    for wrong, why in (("size=2", "size is 2.0: it must lie in 0.05..1"), ("sise=1", "sise: there is no such option")):
        done = run(*asked, "--reasoner-options", wrong, "--out", tmp_path / "wrong")
        assert done.returncode == 2
        assert done.stderr.startswith(f"gar-ssl: {why}")


def test_each_example_is_short():
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 100, path


def test_one_line_makes_rclpy_and_the_project_s_messages_importable():
    assert "gar_ssl_ros" in entry_points(group="embedded_ros.interfaces").names, "pip install --editable . again"
    code = (
        "from gar_ssl_ros import embedded_ros; embedded_ros.install()\n"
        "import rclpy\n"
        "from gar_ssl_ros.msg import SoundSourceArray\n"
        "from gar_ssl_ros.srv import Localize\n"
        "import gar_ssl_ros.messages.ros as ros\n"
        "from gar_ssl_ros.msg import SoundSourceArray as again\n"
        "assert again is SoundSourceArray\n"
        "print(ros.EMBEDDED, SoundSourceArray(outcome=SoundSourceArray.SILENT).outcome)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout in {"True 2\n", "False 2\n"}, done.stderr
