"""Refusals and edges that programs written for rclpy may count on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rcl_interfaces.msg import ParameterDescriptor, ParameterValue
from std_msgs.msg import String
from std_srvs.srv import SetBool

from gar_ssl_ros.embedded_ros.rclpy import logging
from gar_ssl_ros.embedded_ros.rclpy.clock import Clock, ROSClock
from gar_ssl_ros.embedded_ros.rclpy.context import Context
from gar_ssl_ros.embedded_ros.rclpy.event_handler import PublisherEventCallbacks, UnsupportedEventTypeError
from gar_ssl_ros.embedded_ros.rclpy.exceptions import InvalidHandle, NoTypeSupportImportedException
from gar_ssl_ros.embedded_ros.rclpy.expand_topic_name import expand_topic_name
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.parameter import Parameter, get_parameter_value, parameter_dict_from_yaml_file
from gar_ssl_ros.embedded_ros.rclpy.task import Task
from gar_ssl_ros.embedded_ros.rclpy.time import Time
from gar_ssl_ros.embedded_ros.rclpy.time_source import TimeSource
from gar_ssl_ros.embedded_ros.rclpy.topic_endpoint_info import TopicEndpointInfo
from gar_ssl_ros.embedded_ros.rclpy.type_support import check_for_type_support, check_is_valid_srv_type


@pytest.fixture
def node(context):
    return Node("tester", context=context, cli_args=["-p", "rate:=7"])


@pytest.mark.parametrize("names", [("no spaces", "node", "/"), ("topic", "no/slash", "/"), ("topic", "node", "bare")])
def test_a_bad_name_is_a_value_error(names):
    with pytest.raises(ValueError, match=r"is invalid: .* must"):
        expand_topic_name(*names)


def test_a_bad_name_asked_for_in_the_graph_is_a_value_error(node):
    for ask in (node.count_publishers, node.count_services, node.get_publishers_info_by_topic):
        with pytest.raises(ValueError, match="'42' is invalid"):
            ask("42")


def test_a_node_lists_the_publishers_its_program_knows_of(node):
    publisher = node.create_publisher(String, "text", 10)
    assert [p.topic_name for p in node.publishers] == ["/parameter_events", "/text"]
    node.destroy_publisher(publisher)
    with pytest.raises(RuntimeError):
        publisher.publish(String())
    assert issubclass(InvalidHandle, RuntimeError)


def test_what_is_made_may_be_left_by_with(context):
    with Node("short", context=context) as short:
        assert short.get_name() in short.get_node_names()
        with short.create_subscription(String, "text", print, 10), short.create_publisher(String, "text", 10) as text:
            assert text.get_subscription_count() == 1
        assert short.count_publishers("text") == 0
    with context as same:  # which was begun already
        assert "short" not in Node("tester", context=same).get_node_names()
    assert not context.ok()


def test_a_service_is_no_message_and_a_message_no_service(node):
    with pytest.raises(RuntimeError, match="service"):
        node.create_publisher(SetBool, "text", 10)
    with pytest.raises(RuntimeError, match="message"):
        check_is_valid_srv_type(String)
    with pytest.raises(NoTypeSupportImportedException):
        check_for_type_support(int)


def test_an_unset_message_as_default_takes_the_override_where_any_type_goes(node):
    with pytest.raises(ValueError, match="PARAMETER_NOT_SET"):
        node.declare_parameter("rate", ParameterValue(), ParameterDescriptor())
    declared = node.declare_parameter("rate", ParameterValue(), ParameterDescriptor(dynamic_typing=True))
    assert declared.value == 7
    assert node.declare_parameter("gain", ParameterValue(type=3, double_value=0.5)).value == 0.5


def test_a_canceled_timer_is_never_due(node):
    timer = node.create_timer(60.0, print)
    assert 0 < timer.time_until_next_call() <= 60 * 10**9
    timer.cancel()
    assert timer.time_until_next_call() is None
    assert not timer.is_ready()
    timer.reset()
    assert timer.time_until_next_call() > 0


def test_callbacks_for_events_may_be_set_later(node):
    callbacks = PublisherEventCallbacks(use_default_callbacks=False)
    assert node.create_publisher(String, "text", 10, event_callbacks=callbacks).event_handlers == []
    callbacks.matched = print
    assert len(node.create_publisher(String, "text", 10, event_callbacks=callbacks).event_handlers) == 1
    with pytest.raises(UnsupportedEventTypeError, match="incompatible types"):
        callbacks.incompatible_type = print


def test_clocks_are_driven_without_a_node_and_then_by_one(node):
    clock, source = ROSClock(), TimeSource()
    source.attach_clock(clock)
    source.ros_time_is_active = True
    clock.set_ros_time_override(Time(seconds=5, clock_type=clock.clock_type))
    assert clock.now().nanoseconds == 5 * 10**9
    source.attach_node(node)  # whose use_sim_time is false
    assert clock.now().nanoseconds > 10**18
    node.set_parameters([Parameter("use_sim_time", value=True)])
    assert source.ros_time_is_active
    assert node.count_subscribers("/clock") == 2  # its own clock's, and this one's
    source.detach_node()
    assert node.count_subscribers("/clock") == 1
    with pytest.raises(ValueError, match="ROS_TIME"):
        source.attach_clock(Clock())
    with pytest.raises(TypeError, match="Node"):
        source.attach_node("tester")


def test_a_task_without_an_executor_goes_on_when_it_is_called_again():
    async def twice() -> int:
        await asyncio.sleep(0)
        return 3

    task = Task(twice)
    task()
    assert not task.done()
    task()
    assert task.result() == 3


def test_a_line_that_logs_keeps_its_options_and_name(embedded):
    logger = logging.get_logger("like_rclpy")
    with pytest.raises(TypeError, match="required parameter"):
        logger.info("text", throttle_time_source_type=Clock())

    def say(name: str) -> bool:
        return logger.info("text", name=name)

    assert say("one")
    with pytest.raises(ValueError, match="name cannot be changed"):
        say("two")
    simulated = ROSClock()
    simulated._set_ros_time_is_active(True)
    assert [
        logger.info("text", throttle_duration_sec=2, throttle_time_source_type=simulated)
        for second in (0, 1, 2, 3, 4)
        if simulated.set_ros_time_override(Time(seconds=second, clock_type=simulated.clock_type)) is None
    ] == [False, False, True, False, True]


def test_the_folder_of_log_files_is_the_environments(monkeypatch):
    monkeypatch.setenv("ROS_LOG_DIR", "")
    monkeypatch.setenv("ROS_HOME", "/robot")
    assert logging.get_logging_directory() == Path("/robot/log")
    monkeypatch.setenv("ROS_LOG_DIR", "~/logs")
    assert logging.get_logging_directory() == Path.home() / "logs"


def test_arguments_that_are_no_utf_8_are_refused(embedded):
    with pytest.raises(UnicodeEncodeError):
        Context().init(["program", "\udcc3"])


def test_a_missing_parameters_file_is_a_missing_file(embedded, tmp_path):
    with pytest.raises(FileNotFoundError):
        parameter_dict_from_yaml_file(str(tmp_path / "missing.yaml"))


@pytest.mark.parametrize(("text", "value"), [(" ", " "), ("", ""), ("# no value", "# no value"), ("3", 3)])
def test_a_text_without_a_value_in_yaml_is_itself(embedded, text, value):
    message = get_parameter_value(text)
    assert (message.integer_value if isinstance(value, int) else message.string_value) == value


def test_nothing_is_known_of_an_endpoint_by_default():
    told = str(TopicEndpointInfo())
    assert told.count("UNKNOWN") == 4
    assert told.count("0 nanoseconds") == 3
    assert TopicEndpointInfo().qos_profile is not TopicEndpointInfo().qos_profile  # nobody changes the other's
