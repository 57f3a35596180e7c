"""Messages from one process to another, over DDS."""

from __future__ import annotations

import numpy as np
import pytest
from processes import spin_until
from sensor_msgs.msg import Image
from std_msgs.msg import Int32, String

from gar_ssl_ros.embedded_ros.rclpy.exceptions import (
    InvalidHandle,
    InvalidTopicNameException,
    NoTypeSupportImportedException,
)
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from gar_ssl_ros.embedded_ros.rclpy.serialization import deserialize_message
from gar_ssl_ros.embedded_ros.rclpy.wait_for_message import wait_for_message

ECHO = """
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node("echo")
images = node.create_publisher(Image, "image_back", 10)
node.create_subscription(Image, "image", images.publish, 10)
latched = node.create_publisher(String, "latched", QoSProfile(depth=2, durability=1))
for text in ("one", "two", "three"):
    latched.publish(String(data=text))
print("ready", flush=True)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    pass
"""


@pytest.fixture
def node(context):
    return Node("tester", context=context)


@pytest.fixture
def executor(context, node):
    with SingleThreadedExecutor(context=context) as made:
        made.add_node(node)
        yield made


def test_an_image_comes_back_from_another_process_as_it_was(process, node, executor):
    process(ECHO)
    publisher = node.create_publisher(Image, "image", 10)
    back = []
    node.create_subscription(Image, "image_back", lambda message, info: back.append((message, info)), 10)
    assert spin_until(executor, lambda: publisher.get_subscription_count() == 1)
    pixels = np.random.default_rng(1).integers(0, 256, 640 * 480 * 3, np.uint8)
    sent = Image(height=480, width=640, encoding="rgb8", step=1920, data=pixels.tobytes())
    sent.header.frame_id = "camera"
    sent.header.stamp.sec = 7

    def arrived() -> bool:
        if not back:
            publisher.publish(sent)  # until the other one's publisher has found us
        return bool(back)

    assert spin_until(executor, arrived)
    message, info = back[0]
    assert message == sent
    assert 0 < info["source_timestamp"] <= info["received_timestamp"]


def test_who_comes_late_gets_what_was_published_before_where_both_want_that(process, node, executor):
    process(ECHO)
    late = []
    durable = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(String, "latched", lambda message: late.append(message.data), durable)
    assert spin_until(executor, lambda: len(late) == 2)
    assert late == ["two", "three"]  # the publisher keeps the last two


def test_who_does_not_want_what_was_published_before_does_not_get_it(process, node, executor):
    process(ECHO)
    got = []
    subscription = node.create_subscription(String, "latched", got.append, 10)
    assert spin_until(executor, lambda: subscription.get_publisher_count() == 1)
    assert not spin_until(executor, lambda: bool(got), seconds=0.3)


def test_raw_subscriptions_get_bytes_and_publishers_take_them(node, executor):
    got = []
    node.create_subscription(String, "text", got.append, 10, raw=True)
    publisher = node.create_publisher(String, "text", 10)
    publisher.publish(String(data="hello"))
    assert spin_until(executor, lambda: len(got) == 1)
    assert deserialize_message(got[0], String).data == "hello"
    publisher.publish(got[0])
    assert spin_until(executor, lambda: len(got) == 2)
    assert got[0] == got[1]


def test_a_best_effort_reader_hears_a_reliable_writer(node, executor):
    got = []
    node.create_subscription(String, "text", got.append, qos_profile_sensor_data)
    publisher = node.create_publisher(String, "text", 10)
    publisher.publish(String(data="hello"))
    assert spin_until(executor, lambda: bool(got))


def test_a_message_that_is_broken_is_logged_and_left_out(node, executor, capfd):
    got = []
    node.create_subscription(String, "text", lambda message: got.append(message.data), 10)
    publisher = node.create_publisher(String, "text", 10)
    publisher.publish(b"\0\1\0\0\xff\xff\xff\0hello")
    publisher.publish(String(data="whole"))
    assert spin_until(executor, lambda: bool(got))
    assert got == ["whole"]
    assert "a message on /text is left out" in capfd.readouterr().err


def test_a_keep_last_reader_keeps_the_newest(node, executor):
    got = []
    node.create_subscription(Int32, "count", lambda message: got.append(message.data), 3)
    publisher = node.create_publisher(Int32, "count", 10)
    for count in range(10):
        publisher.publish(Int32(data=count))
    assert spin_until(executor, lambda: len(got) == 3)
    assert got == [7, 8, 9]


def test_wait_for_message_gives_one_or_says_that_none_came(process, node):
    assert wait_for_message(String, node, "nobody", time_to_wait=0.1) == (False, None)
    process(ECHO)
    durable = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    came, message = wait_for_message(String, node, "latched", qos_profile=durable, time_to_wait=20)
    assert came
    assert message.data == "two"


def test_what_cannot_be_published_or_named_is_refused(node):
    publisher = node.create_publisher(String, "text", 10)
    with pytest.raises(TypeError, match="Expected"):
        publisher.publish(Int32())
    with pytest.raises(InvalidTopicNameException, match="must not contain characters"):
        node.create_publisher(String, "my text", 10)
    with pytest.raises(NoTypeSupportImportedException):
        node.create_publisher(int, "text", 10)
    with pytest.raises(ValueError, match="history depth"):
        node.create_publisher(String, "text", -1)
    with pytest.raises(NotImplementedError, match="content_filter_options"):
        node.create_subscription(String, "text", print, 10, content_filter_options="data = 'x'")
    with pytest.raises(RuntimeError, match="callback should be"):
        node.create_subscription(String, "text", lambda: None, 10)
    assert node.destroy_publisher(publisher)
    assert not node.destroy_publisher(publisher)
    with pytest.raises(InvalidHandle):
        publisher.publish(String())


def test_nothing_is_delivered_after_a_subscription_is_destroyed(node, executor):
    got = []
    subscription = node.create_subscription(String, "text", got.append, 10)
    publisher = node.create_publisher(String, "text", 10)
    publisher.publish(String(data="hello"))
    assert node.destroy_subscription(subscription)
    executor.spin_once(timeout_sec=0.1)
    assert got == []
    assert publisher.get_subscription_count() == 0
