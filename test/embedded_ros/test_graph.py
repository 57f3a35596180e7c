"""Who is in the graph, and what they have."""

from __future__ import annotations

import time

import pytest
from processes import PATIENCE
from std_msgs.msg import String
from std_srvs.srv import SetBool

from gar_ssl_ros.embedded_ros.graph import ros_service, ros_topic, ros_type
from gar_ssl_ros.embedded_ros.rclpy.exceptions import InvalidNamespaceException, InvalidNodeNameException
from gar_ssl_ros.embedded_ros.rclpy.node import Node, NodeNameNonExistentError
from gar_ssl_ros.embedded_ros.rclpy.parameter import Parameter
from gar_ssl_ros.embedded_ros.rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from gar_ssl_ros.embedded_ros.rclpy.topic_endpoint_info import TopicEndpointTypeEnum
from gar_ssl_ros.embedded_ros.rclpy.topic_or_service_is_hidden import topic_or_service_is_hidden

OTHER = """
import sys
from rclpy.qos import QoSProfile
from std_msgs.msg import String
from std_srvs.srv import SetBool
rclpy.init(args=["--ros-args", *sys.argv[1:]])
node = rclpy.create_node("other", namespace="far")
node.create_publisher(String, "text", QoSProfile(depth=3, durability=1))
node.create_subscription(String, "~/in", print, QoSProfile(depth=7, reliability=2))
node.create_service(SetBool, "go", print)
node.create_client(SetBool, "/elsewhere")
print("ready", flush=True)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    pass
"""


@pytest.fixture
def node(context):
    return Node("tester", context=context)


def soon(ask, expected, seconds=PATIENCE):
    """What `ask` gives once it is as expected, or at last."""
    end = time.monotonic() + seconds
    while (found := ask()) != expected and time.monotonic() < end:
        time.sleep(0.02)
    return found


def test_another_processs_node_is_seen_with_all_that_it_has_until_it_leaves(process, node):
    child = process(OTHER)
    assert node.wait_for_node("/far/other", 20)
    assert sorted(node.get_node_names_and_namespaces_with_enclaves()) == [("other", "/far", "/"), ("tester", "/", "/")]

    def published():
        return [name for name, _ in node.get_publisher_names_and_types_by_node("other", "/far")]

    assert soon(published, ["/far/text", "/parameter_events", "/rosout"]) == [
        "/far/text",
        "/parameter_events",
        "/rosout",
    ]
    heard = [("/far/other/in", ["std_msgs/msg/String"])]
    assert soon(lambda: node.get_subscriber_names_and_types_by_node("other", "/far"), heard) == heard
    served = ("/far/go", ["std_srvs/srv/SetBool"])
    assert soon(lambda: served in node.get_service_names_and_types_by_node("other", "/far"), True)
    called = [("/elsewhere", ["std_srvs/srv/SetBool"])]
    assert soon(lambda: node.get_client_names_and_types_by_node("other", "/far"), called) == called
    assert ("/far/text", ["std_msgs/msg/String"]) in node.get_topic_names_and_types()
    assert served in node.get_service_names_and_types()
    assert soon(lambda: node.count_publishers("/far/text"), 1) == 1
    assert soon(lambda: node.count_services("/far/go"), 1) == 1
    assert soon(lambda: node.count_clients("/elsewhere"), 1) == 1
    child.terminate()
    child.wait(timeout=PATIENCE)
    assert soon(node.get_node_names, ["tester"]) == ["tester"]
    assert soon(lambda: node.count_publishers("/far/text"), 0) == 0
    with pytest.raises(NodeNameNonExistentError, match="/far/other"):
        node.get_publisher_names_and_types_by_node("other", "/far")


def test_the_quality_of_service_of_others_is_seen(process, node):
    process(OTHER)
    assert node.wait_for_node("/far/other", 20)
    assert soon(lambda: len(node.get_publishers_info_by_topic("/far/text")), 1) == 1
    (info,) = node.get_publishers_info_by_topic("/far/text")
    assert (info.node_name, info.node_namespace) == ("other", "/far")
    assert (info.topic_type, info.endpoint_type) == ("std_msgs/msg/String", TopicEndpointTypeEnum.PUBLISHER)
    assert (info.qos_profile.depth, info.qos_profile.durability) == (3, DurabilityPolicy.TRANSIENT_LOCAL)
    assert str(info.topic_type_hash).startswith("RIHS01_")
    assert "Node name: other" in str(info)
    assert soon(lambda: len(node.get_subscriptions_info_by_topic("/far/other/in")), 1) == 1
    (info,) = node.get_subscriptions_info_by_topic("/far/other/in")
    assert (info.qos_profile.depth, info.qos_profile.reliability) == (7, ReliabilityPolicy.BEST_EFFORT)


def test_the_command_line_renames_nodes_and_topics_and_sets_parameters(process, node):
    process(
        OTHER,
        "-r",
        "__node:=renamed",
        "-r",
        "__ns:=/near",
        "-r",
        "text:=words",
        "-r",
        "go:=/went",
        "-p",
        "use_sim_time:=true",
    )
    assert node.wait_for_node("/near/renamed", 20)
    expected = {"/near/words", "/near/renamed/in", "/clock"}
    names = soon(lambda: expected <= {name for name, _ in node.get_topic_names_and_types()}, True)
    assert names
    assert soon(lambda: "/went" in {name for name, _ in node.get_service_names_and_types()}, True)


def test_our_own_nodes_are_seen_too_and_gone_once_destroyed(context, node):
    second = Node("second", context=context, namespace="deep/down")
    second.create_publisher(String, "text", 10)
    second.create_client(SetBool, "go")
    assert set(node.get_fully_qualified_node_names()) == {"/tester", "/deep/down/second"}
    assert node.count_publishers("/deep/down/text") == 1
    (info,) = node.get_publishers_info_by_topic("/deep/down/text")
    assert info.node_name == "second"
    second.destroy_node()
    second.destroy_node()
    assert node.get_node_names() == ["tester"]
    assert node.count_publishers("/deep/down/text") == 0


def test_a_node_lists_what_it_has_made(node):
    publisher = node.create_publisher(String, "text", QoSProfile(depth=1))
    subscription = node.create_subscription(String, "text", print, 1)
    assert publisher in list(node.publishers)
    assert subscription in list(node.subscriptions)
    assert publisher.topic_name == subscription.topic_name == "/text"
    assert len(list(node.services)) == 6  # of the parameters


@pytest.mark.parametrize(("name", "namespace", "refusal"), [
    ("my node", "", InvalidNodeNameException), ("", "", InvalidNodeNameException),
    ("node", "a b", InvalidNamespaceException), ("node", "/a//b", InvalidNamespaceException),
])  # fmt: skip
def test_a_name_that_is_not_allowed_is_refused(context, name, namespace, refusal):
    with pytest.raises(refusal):
        Node(name, context=context, namespace=namespace)


def test_a_node_that_cannot_be_made_is_not_left_in_the_graph(context, node):
    with pytest.raises(ValueError, match="PARAMETER_NOT_SET"):
        Node("half", context=context, parameter_overrides=[Parameter("a")],
             automatically_declare_parameters_from_overrides=True)  # fmt: skip
    assert node.get_node_names() == ["tester"]


def test_what_is_not_there_is_refused_by_name(context):
    with pytest.raises(NotImplementedError, match="enable_logger_service"):
        Node("tester", context=context, enable_logger_service=True)


@pytest.mark.parametrize(
    ("dds", "ros"),
    [("rt/a/b", "/a/b"), ("ros_discovery_info", None), ("rq/a/goRequest", None), ("other", None), ("rt/", None)],
)
def test_a_dds_topic_is_a_ros_topic_by_its_prefix(dds, ros):
    assert ros_topic(dds) == ros


def test_dds_names_are_told_as_ros_has_them():
    assert ros_service("rq/a/goRequest") == ros_service("rr/a/goReply") == "/a/go"
    assert ros_service("rt/a") is None
    assert ros_type("sensor_msgs::msg::dds_::Image_") == "sensor_msgs/msg/Image"
    assert ros_type("std_srvs::srv::dds_::SetBool_Request_") == "std_srvs/srv/SetBool"
    assert ros_type("not::of::ros") == "not::of::ros"
    assert topic_or_service_is_hidden("/_hidden/topic")
    assert not topic_or_service_is_hidden("/not_hidden")
