"""What others write into the graph may be any bytes, of any size: it is read as far as it makes sense, and survived."""

from __future__ import annotations

import ctypes
import socket
import struct
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from audio_common_msgs.msg import AudioStamped
from diagnostic_msgs.msg import DiagnosticArray
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import spin_until
from rcl_interfaces.msg import Parameter
from rcl_interfaces.srv import GetParameters, ListParameters, SetParameters, SetParametersAtomically
from rmw_dds_common.msg import ParticipantEntitiesInfo
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray

from gar_ssl_ros.embedded_ros import entities_info
from gar_ssl_ros.embedded_ros.dds.library import OCTET_AT, TopicDescriptor, checked, library
from gar_ssl_ros.embedded_ros.dds.policies import Policies, record_of
from gar_ssl_ros.embedded_ros.dds.settings import MAX_MESSAGE_BYTES
from gar_ssl_ros.embedded_ros.rclpy.context import Context
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.parameter_service import MAX_REQUEST_BYTES
from gar_ssl_ros.embedded_ros.service_wire import client_ends
from gar_ssl_ros.interfaces import CdrError, deserialize, serialize

ROOM = 4 * 2**20  # bytes that reading a short message may take
TYPES = (AudioStamped, CompressedImage, DiagnosticArray, Detection2DArray, Image, ParticipantEntitiesInfo, String)
TYPES += (SetParameters.Request, ListParameters.Request)


@pytest.fixture
def node(context):
    return Node("tester", context=context)


@pytest.fixture
def stranger(context):
    """Another participant of the same domain, which keeps to no rule."""
    made = Context()
    made.init([], domain_id=context.get_domain_id())
    yield made
    made.try_shutdown()


def written_in_c(stranger: Context, topic: bytes, type_name: bytes, user_data: bytes) -> None:
    """A writer that says of itself what it likes."""
    octet = (ctypes.c_uint32 * 3)(OCTET_AT, 0, 0)
    described = TopicDescriptor(size=1, align=1, typename=type_name, nops=2, ops=octet)
    dds, participant = library(), stranger.participant
    made = checked(
        dds.dds_create_topic(participant.handle, ctypes.byref(described), topic, None, None), "a topic was refused"
    )
    with record_of(Policies(user_data=user_data)) as qos:
        checked(dds.dds_create_writer(participant.handle, made, qos, None), "a writer was refused")


@pytest.mark.parametrize(
    ("topic", "type_name", "user_data"),
    [
        (b"rt/image", b"\xff\xfe::msg::dds_::Image_", b""),
        (b"rt/image", b"sensor_msgs::msg::dds_::Image_", b"typehash=RIHS\xff_;\xff\xfe=;;=\x00"),
        (b"rt/image", "sensor_msgs::msg::dds_::\x1b[2J\u202e_".encode(), b"typehash=RIHS99999_" + b"f" * 64 + b";"),
        (b"rt/strange", b"\x80", b"\xff" * 1000),
        (b"rq/strangeRequest", b"x::srv::dds_::\xffRequest_", b"clientid=\xff;"),
    ],
)
def test_a_writer_whose_names_are_no_text_hides_nobody(node, stranger, topic, type_name, user_data):
    written_in_c(stranger, topic, type_name, user_data)
    node.create_publisher(String, "honest", 1)
    end = time.monotonic() + 240
    while len(node._graph.writers()) < 4 and time.monotonic() < end:
        time.sleep(0.02)
    names = dict(node.get_topic_names_and_types())
    assert names["/honest"] == ["std_msgs/msg/String"]
    for name in ("/image", "/honest"):
        for info in node.get_publishers_info_by_topic(name):
            str(info)
    node.get_service_names_and_types()
    assert node.count_publishers("/honest") == 1


@given(data=st.binary(max_size=200), little=st.booleans())
def test_what_others_say_of_their_nodes_may_be_any_bytes(data, little):
    entities_info.read(b"\0\1\0\0" + data if little else data)


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.binary(max_size=300), big=st.booleans())
def test_any_bytes_are_a_message_or_a_cdr_error(kind, data, big):
    with suppress(CdrError):
        deserialize((b"\0\0\0\0" if big else b"\0\1\0\0") + data, kind)


@pytest.mark.parametrize("kind", TYPES)
@settings(deadline=None)
@given(data=st.data())
def test_a_length_that_lies_costs_no_memory(kind, data):
    whole = bytearray(serialize(kind()))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(1, max(1, len(whole) // 4 - 1)))
        lie = data.draw(st.sampled_from([2**31 - 1, 2**32 - 1, 2**30, 10**7, 65_536]))
        whole[4 * place : 4 * place + 4] = struct.pack("<I", lie)
    tracemalloc.start()
    with suppress(CdrError):
        deserialize(bytes(whole), kind)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < ROOM


REQUESTS = (
    b"",
    b"\0\1\0\0",
    b"\0\1\0\0" + bytes(16),
    b"\0\1\0\0" + bytes(16) + b"\xff\xff\xff\xff" * 10,
    b"\0\1\0\0" + bytes(16) + struct.pack("<I", 1) + struct.pack("<I", 2) + b"\xff\0" + b"\7" * 60,
    b"\0\1\0\0" + bytes(16) + struct.pack("<I", 2**20) + b"x" * 4000,
)


def answered(node, context, client, request):
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        assert client.wait_for_service(20)
        call = client.call_async(request)
        assert spin_until(executor, call.done)
        return call.result()


@pytest.mark.parametrize(
    ("kind", "name"),
    [(SetParameters, "set_parameters"), (ListParameters, "list_parameters"), (GetParameters, "get_parameters")],
)
def test_requests_that_are_none_are_left_out_and_the_next_is_answered(node, context, kind, name, capfd):
    node.declare_parameter("known", 1)
    ends = client_ends(context.participant, f"/tester/{name}", kind, Policies(depth=100))
    client = node.create_client(kind, f"/tester/{name}")
    assert client.wait_for_service(20)
    for request in REQUESTS:
        with suppress(RuntimeError):  # what Cyclone DDS itself refuses to send
            ends.writer.write(request)
    ends.writer.write(b"\0\1\0\0" + bytes(MAX_REQUEST_BYTES + 100))
    answered(node, context, client, kind.Request())
    assert "is left out" in capfd.readouterr().err


@pytest.mark.parametrize("type_", [0, 3, 10, 200, 255])
def test_a_parameter_of_no_type_is_refused_with_a_reason(node, context, type_):
    node.declare_parameter("known", 1)
    request = SetParametersAtomically.Request()
    message = Parameter(name="known")
    message.value.type = type_
    request.parameters = [message]
    client = node.create_client(SetParametersAtomically, "/tester/set_parameters_atomically")
    done = answered(node, context, client, request)
    assert not done.result.successful
    assert done.result.reason
    assert node.get_parameter("known").value == 1


LARGE_WRITER = """
import sys, time
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node("large")
publisher = node.create_publisher(String, "text", 10)
print("ready", flush=True)
while not publisher.get_subscription_count():
    time.sleep(0.02)
time.sleep(0.2)
publisher.publish(String(data="x" * int(sys.argv[1])))
publisher.publish(String(data="small"))
time.sleep(60)
"""


def test_a_message_above_the_largest_size_never_comes(node, context, process, surroundings):
    heard = []
    node.create_subscription(String, "text", lambda message: heard.append(len(message.data)), 10)
    unlimited = "<CycloneDDS><Domain><Internal><MaxSampleSize>1 GB</MaxSampleSize></Internal></Domain></CycloneDDS>"
    surroundings["CYCLONEDDS_URI"] = unlimited
    process(LARGE_WRITER, str(MAX_MESSAGE_BYTES + 1000))
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        assert spin_until(executor, lambda: 5 in heard, 60)
    assert heard == [5]


def test_on_localhost_no_socket_hears_another_machine(embedded, surroundings, monkeypatch):
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc, to see a process's sockets")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    before = sockets()
    context = Context()
    context.init([])
    try:
        opened = [socket.socket(fileno=one) for one in map(ctypes.CDLL(None).dup, sockets() - before)]
        for one in opened:
            with one:
                confined = one.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0")
                assert confined == b"lo" or one.getsockname()[0] == "127.0.0.1"
        assert len(opened) >= 3
    finally:
        context.try_shutdown()


def sockets() -> set[int]:
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if str(path.readlink()).startswith("socket:"):
                found.add(int(path.name))
    return found
