"""Cyclone DDS of the system or of CYCLONEDDS_HOME, where there is no wheel."""

from __future__ import annotations

import ctypes
import ctypes.util
import os

import pytest
from processes import spin_until
from std_msgs.msg import String
from std_srvs.srv import SetBool

from gar_ssl_ros.embedded_ros.dds import library
from gar_ssl_ros.embedded_ros.dds.library import DDSError
from gar_ssl_ros.embedded_ros.dds.policies import Policies
from gar_ssl_ros.embedded_ros.dds.sertype import _sertype_by_sample, sertype_of
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node

HOME = os.environ.get("CYCLONEDDS_HOME")
OTHER = """
from gar_ssl_ros.embedded_ros.dds.library import library
assert "site-packages" not in library()._name, library()._name
from std_msgs.msg import String
from std_srvs.srv import SetBool
rclpy.init()
node = rclpy.create_node("other")
answers = node.create_publisher(String, "answer", 10)
node.create_subscription(String, "question", lambda m: answers.publish(String(data=m.data.upper())), 10)
node.create_service(SetBool, "switch", lambda request, response: SetBool.Response(success=request.data))
print("ready", flush=True)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    pass
"""


@pytest.mark.skipif(
    not (HOME or ctypes.util.find_library("ddsc")), reason="needs Cyclone DDS in the system (Debian: libddsc0debian)"
)
def test_a_process_on_the_systems_library_and_one_on_the_wheel_are_of_one_graph(
    process, surroundings, context, tmp_path
):
    (tmp_path / "cyclonedds.py").write_text("raise ImportError\n")
    surroundings["PYTHONPATH"] = os.pathsep.join([str(tmp_path), surroundings.get("PYTHONPATH", "")])
    if HOME:
        surroundings["CYCLONEDDS_HOME"] = HOME
    process(OTHER)
    node, heard = Node("tester", context=context), []
    node.create_subscription(String, "answer", lambda message: heard.append(message.data), 10)
    questions = node.create_publisher(String, "question", 10)
    client = node.create_client(SetBool, "switch")
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        assert client.wait_for_service(20)
        assert spin_until(executor, lambda: questions.get_subscription_count() and node.count_publishers("answer"))
        questions.publish(String(data="who is there?"))
        assert spin_until(executor, lambda: heard == ["WHO IS THERE?"])
        called = client.call_async(SetBool.Request(data=True))
        executor.spin_until_future_complete(called, 20)
        assert called.result().success
        assert spin_until(executor, lambda: "other" in node.get_node_names())
    (told,) = node.get_publishers_info_by_topic("/answer")
    (ours,) = node.get_publishers_info_by_topic("/question")
    assert told.topic_type_hash == ours.topic_type_hash


def test_the_type_that_a_sample_has_is_the_writers(context):
    participant, type_name = context.participant, "std_msgs::msg::dds_::String_"
    writer = participant.writer("rt/text", type_name, Policies())
    by_sample = _sertype_by_sample(participant.handle, type_name)
    assert by_sample.value == sertype_of(writer.handle, participant.handle, type_name).value


def test_a_library_that_is_too_old_or_another_one_is_refused_in_a_sentence(monkeypatch):
    another = ctypes.CDLL(ctypes.util.find_library("m"))
    monkeypatch.setattr(library, "_from_wheel", lambda: None)
    monkeypatch.setattr(library, "_from_system", lambda: another)
    with pytest.raises(DDSError, match=r"libm.* before 0\.10, or none: install 0\.10 or 11"):
        library.library.__wrapped__()
