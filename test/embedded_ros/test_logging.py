"""Log messages: which, where to, how often."""

from __future__ import annotations

import pytest
from processes import output, spin_until
from rcl_interfaces.msg import Log

from gar_ssl_ros.embedded_ros.rclpy import logging
from gar_ssl_ros.embedded_ros.rclpy.clock import ROSClock
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.impl.logging_severity import LoggingSeverity
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.qos import DurabilityPolicy, QoSProfile
from gar_ssl_ros.embedded_ros.rclpy.time import Time


@pytest.fixture(autouse=True)
def _clean():
    yield
    logging.clear_config()


def test_a_message_says_how_bad_when_who_and_what(capfd):
    assert logging.get_logger("nav").get_child("planner").warning("no way")
    said = capfd.readouterr().err
    assert said.startswith("[WARN] [")
    assert said.endswith("[nav.planner]: no way\n")


def test_the_nearest_level_above_counts(capfd):
    child = logging.get_logger("nav").get_child("planner")
    assert child.get_effective_level() is LoggingSeverity.INFO
    logging.set_logger_level("nav", LoggingSeverity.ERROR)
    assert not child.warning("left out")
    child.set_level(LoggingSeverity.DEBUG)
    assert child.debug("told")
    assert not logging.get_logger("nav").info("left out")
    assert logging.get_logger("other").info("told too")
    assert capfd.readouterr().err.count("told") == 2


def test_once_first_and_now_and_then_count_by_the_line_that_logs(capfd):
    logger, clock = logging.get_logger("x"), ROSClock()
    clock._set_ros_time_is_active(True)
    shown = {"once": 0, "skip": 0, "throttle": 0, "other": 0}
    for second in range(1, 7):
        clock.set_ros_time_override(Time(seconds=second))
        shown["once"] += logger.info("once", once=True)
        shown["other"] += logger.info("once more", once=True)
        shown["skip"] += logger.info("skip", skip_first=True)
        shown["throttle"] += logger.info("now", throttle_duration_sec=2.0, throttle_time_source_type=clock)
    assert shown == {"once": 1, "other": 1, "skip": 5, "throttle": 3}
    with pytest.raises(TypeError, match="nonsense"):
        logger.info("x", nonsense=True)
    levels = iter((LoggingSeverity.INFO, LoggingSeverity.ERROR))
    with pytest.raises(ValueError, match="cannot be changed"):
        [logger.log("x", level, once=True) for level in levels]


def test_a_nodes_messages_go_to_rosout_too(context, capfd):
    node, got = Node("talker", context=context, namespace="left"), []
    durable = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(Log, "/rosout", got.append, durable)
    node.get_logger().get_child("part").error("broken")
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        assert spin_until(executor, lambda: bool(got))
    message = got[0]
    assert (message.name, message.level, message.msg) == ("left.talker.part", 40, "broken")
    assert message.file == __file__
    assert message.function == "test_a_nodes_messages_go_to_rosout_too"
    node.destroy_node()
    node.get_logger().info("after the end")


LEVELS = """
import sys
rclpy.init(args=["--ros-args", "--log-level", "warn", "--log-level", "loud:=debug"])
print("ready", flush=True)
for name in ("quiet", "loud"):
    rclpy.create_node(name).get_logger().debug("debug of " + name)
    rclpy.logging.get_logger(name).info("info of " + name)
rclpy.shutdown()
"""


def test_the_command_line_sets_levels(process):
    said = output(process(LEVELS))
    assert "of quiet" not in said
    assert "debug of loud" in said
    assert "info of loud" in said
