"""What ends a node is its user alone: no message, no name on the graph, no request does."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from array import array
from contextlib import suppress
from pathlib import Path

import pytest
import rclpy
from gar_ssl_ros.msg import SoundSourceArray
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from robot import PATIENCE, localizer, process, robot, until
from sensor_msgs.msg import CompressedImage

from gar_ssl_ros.embedded_ros.dds.library import OCTET_AT, TopicDescriptor, library
from gar_ssl_ros.embedded_ros.dds.policies import Policies, record_of
from gar_ssl_ros.errors import shortened
from gar_ssl_ros.messages import ros
from gar_ssl_ros.nodes.executor import SurvivingExecutor
from gar_ssl_ros.reasoners import known, names
from gar_ssl_ros.work.complaints import AT_ONCE, Complaints

BOMB = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x9c\x40\0\0\x9c\x40\x08\x02\0\0\0\xe6\x7f\x8d\x8f\0\0\0\0IDAT5\xaf\x06\x1e"
    b"\0\0\0\0IEND\xaeB`\x82"
)
TWO_CHANNELS = b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n" + bytes(8)


def call(bot, kind, name, request):
    """The answer of the localizer's service."""
    client = bot.node.create_client(kind, f"/localizer/{name}")
    assert client.wait_for_service(PATIENCE)
    future = client.call_async(request)
    until(future.done)
    bot.node.destroy_client(client)
    return future.result()


def change_state(bot, label: str) -> bool:
    request = ChangeState.Request()
    request.transition.label = label
    return bool(call(bot, ChangeState, "change_state", request).success)


def set_parameter(bot, name: str, value):
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    return call(bot, SetParameters, "set_parameters", request).results[0]


@pytest.mark.parametrize("content", [BOMB, TWO_CHANNELS])
def test_a_compressed_image_that_is_none_is_told_and_the_next_is_seen(content):
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.destroy_publisher(bot.images)
        bot.images = bot.node.create_publisher(CompressedImage, "image/compressed", QoSProfile(depth=10))
        until(bot.images.get_subscription_count)
        bot.images.publish(CompressedImage(format="png", data=array("B", content)))
        told = until(lambda: bot.was_told("image", "left out: "))["message"]
        assert "40000x40000 pixels" in told or "jpeg or png" in told
        bot.node.destroy_publisher(bot.images)
        bot.images = bot.node.create_publisher(type(bot.picture(0)), "image", QoSProfile(depth=100))
        bot.meet()
        bot.play(10, 2)
        assert bot.next_final().outcome == SoundSourceArray.LOCALIZED


@pytest.mark.skipif(not ros.EMBEDDED, reason="needs embedded_ros, to write to the graph as no ROS 2 does")
def test_a_writer_whose_type_is_no_text_ends_nothing():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        dds, octet = library(), (ctypes.c_uint32 * 3)(OCTET_AT, 0, 0)
        described = TopicDescriptor(size=1, align=1, typename=b"\xff\xfe::msg::dds_::\xff_", nops=2, ops=octet)
        participant = bot.context.participant.handle
        for name in (b"rt/image", b"rt/elsewhere", b"rt/audio"):
            topic = dds.dds_create_topic(participant, ctypes.byref(described), name, None, None)
            with record_of(Policies()) as qos:
                assert dds.dds_create_writer(participant, topic, qos, None) > 0
        bot.play(10, 3)
        assert bot.next_final(after=11.5).outcome == SoundSourceArray.LOCALIZED
        assert until(lambda: bot.state_of("node")().get("callback_errors")) == "0"


FIXED = ("localizer", "--ros-args", "-p", "reasoner:=misbehaving:Fixed")  # which loads little

NO_MESSAGES = (
    b"",
    b"\0\1\0\0",
    b"\0\1\0\0" + bytes(12) + b"\xff" * 40,
    b"\7\7\7\7" + bytes(100),
    b"\0\1\0\0" + b"\xff" * 9999,
)


@pytest.mark.parametrize("topic", ["images", "sound", "infos"])
def test_bytes_that_are_no_message_are_counted_and_left_out(topic):
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        for data in NO_MESSAGES:
            with suppress(RuntimeError):  # what the middleware refuses to send
                getattr(bot, topic).publish(data)
        bot.describe(16000)
        bot.play(10, 3)
        assert bot.next_final(after=11.5).outcome == SoundSourceArray.LOCALIZED
        assert until(lambda: bot.state_of("node")().get("callback_errors")) == "0"
        if topic != "infos":
            until(lambda: int(bot.state_of("image" if topic == "images" else "audio")()["refused"]) >= 2)


def test_what_a_callback_raises_is_counted_told_and_survived(monkeypatch, capfd):
    with localizer(reasoner="misbehaving:Fixed") as node, robot() as bot:
        bot.meet()
        take = node._inputs._assembler.take_image
        broken = iter([True] * 5)

        def sometimes(*arguments):
            if next(broken, False):
                raise KeyError("of a defect")
            return take(*arguments)

        monkeypatch.setattr(node._inputs._assembler, "take_image", sometimes)
        bot.play(10, 3)
        assert bot.next_final(after=11.5).outcome == SoundSourceArray.LOCALIZED
        told = until(lambda: bot.state_of("node")().get("callback_errors") == "5" and bot.state_of("node")())
        assert told["level"] == "2"
        assert "a callback failed: KeyError: 'of a defect'" in told["message"]
        assert capfd.readouterr().err.count("a callback failed, and the node goes on") == 1


def test_deactivate_cleanup_a_reasoner_that_ends_processes_and_configure_end_nothing(tmp_path):
    with process("localizer") as node, robot() as bot:
        bot.meet()
        assert change_state(bot, "deactivate")
        assert change_state(bot, "cleanup")
        for name, value in (("reasoner", "os:abort"), ("fallback", "sys:exit"), ("model", "Qwen/Qwen2.5-Omni-3B")):
            done = set_parameter(bot, name, value)
            assert not done.successful
            assert "at the node's start" in done.reason
        assert set_parameter(bot, "reasoner", "omni").successful
        assert not change_state(bot, "configure")
        assert set_parameter(bot, "reasoner", "signal").successful
        for move in ("configure", "activate"):
            assert change_state(bot, move)
        assert not change_state(bot, "no such transition")
        state = call(bot, GetState, "get_state", GetState.Request())
        assert state.current_state.label == "active"
        assert node.poll() is None


def test_a_reasoner_set_over_the_graph_imports_nothing():
    with localizer(active=False, reasoner="signal"), robot() as bot:
        assert not set_parameter(bot, "reasoner", "antigravity:fly").successful
        assert "antigravity" not in sys.modules


def test_what_was_named_at_the_start_may_be_chosen_again():
    with localizer(active=False, reasoner="misbehaving:Raising", fallback="misbehaving:Fixed") as node, robot() as bot:
        assert set_parameter(bot, "fallback", "").successful
        assert set_parameter(bot, "reasoner", "misbehaving:Fixed").successful
        assert not set_parameter(bot, "reasoner", "misbehaving:Slow").successful
        node.trigger_configure()
        node.trigger_activate()
        bot.meet()
        bot.play(10, 2)
        assert bot.next_final().reasoner == "fixed"


def test_a_second_node_of_the_same_name_is_told_in_the_diagnostics():
    with localizer(reasoner="misbehaving:Fixed"), localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        until(lambda: "another node is called /localizer" in bot.state_of("node")().get("message", ""))
        assert bot.state_of("node")()["level"] == "1"


def test_both_of_two_processes_of_one_name_say_so_once():
    with process(*FIXED) as one, process(*FIXED) as other, robot() as bot:
        until(
            lambda: {status.message for array_ in bot.health[-4:] for status in array_.status if "node" in status.name}
        )
        until(lambda: len([1 for array_ in bot.health for s in array_.status if "another node" in s.message]) > 6)
        for node in (one, other):
            node.send_signal(signal.SIGINT)
        for node in (one, other):
            said, _ = node.communicate(timeout=PATIENCE)
            assert said.count("another node is called /localizer") == 1, said


@pytest.mark.parametrize(
    ("remapped", "topics"),
    [
        ((), "/image or /image/compressed"),
        (("-r", "image:=cam/image_raw/compressed"), "/cam/image_raw/compressed or /image/compressed"),
    ],
)
def test_nobody_who_publishes_is_waited_for_in_words(remapped, topics):
    with process(*FIXED, *remapped) as node:
        lines = iter(node.stdout.readline, "")
        told = [next(line for line in lines if "nobody publishes" in line) for _ in range(2)]
        assert f"image: nobody publishes {topics}: start `gar-ssl run camera`" in told[0]
        assert "audio: nobody publishes /audio: start `gar-ssl run microphone`" in told[1]
        assert all("[WARN]" in one for one in told)


def test_sentences_are_few_and_short_whatever_comes():
    said: list[str] = []
    complaints = Complaints(said.append)
    for number in range(1000):
        complaints.tell(f"{number}\x1b[2J" + "x" * 10_000)
        complaints.tell("the same")
    assert len(said) == AT_ONCE
    assert said.count("the same") == 1
    assert all(len(one) <= 400 and one.isprintable() for one in said)
    assert shortened("short") == "short"


def test_an_executor_goes_on_where_a_callback_raises_even_if_a_request_cannot_be_read(monkeypatch):
    context = Context()
    rclpy.init(context=context)
    failed: list[Exception] = []
    executor = SurvivingExecutor(failed.append, context=context)
    node = Node("raising", context=context)
    executor.add_node(node)
    node.create_timer(0.01, lambda: {}[1])
    while len(failed) < 3:
        executor.spin_once(timeout_sec=0.1)
    assert {type(one) for one in failed} == {KeyError}

    def unreadable(self, service):
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "as rclpy has it")

    monkeypatch.setattr(SurvivingExecutor.__mro__[1], "_take_service", unreadable, raising=False)
    assert executor._take_service(None) is None
    assert isinstance(failed[-1], UnicodeDecodeError)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_module_and_factory_is_known_only_where_it_was_named():
    assert set(names()) >= {"auto", "signal", "senses", "omni"}
    assert not known("os:abort")
    assert known("os:abort", named=("os:abort",))
    assert not known("os:abort()", named=("os:abort()",))


def test_a_node_s_own_package_may_declare_a_reasoner(tmp_path):
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gar_ssl_ros.reasoners]\ntheirs = misbehaving:Fixed\n")
    code = "from gar_ssl_ros.reasoners import names, reasoner; print(names()[-1], reasoner('theirs').name)"
    paths = f"{tmp_path}:{Path(__file__).parents[1]}:{Path(__file__).parents[2]}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": paths, "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "theirs fixed\n", done.stderr
