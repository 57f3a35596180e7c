"""Time, durations and clocks, simulated ones too."""

from __future__ import annotations

import threading

import pytest
from builtin_interfaces.msg import Time as TimeMessage
from hypothesis import given
from hypothesis import strategies as st
from processes import spin_until
from rosgraph_msgs.msg import Clock as ClockMessage

from gar_ssl_ros.embedded_ros.rclpy.clock import Clock, ClockChange, JumpThreshold, ROSClock
from gar_ssl_ros.embedded_ros.rclpy.clock_type import ClockType
from gar_ssl_ros.embedded_ros.rclpy.duration import Duration, Infinite
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.parameter import Parameter
from gar_ssl_ros.embedded_ros.rclpy.time import Time

NS = st.integers(0, 2**62 - 1)


@given(a=NS, b=NS)
def test_times_and_durations_add_up(a, b):
    time, duration = Time(nanoseconds=a), Duration(nanoseconds=b)
    assert (time + duration) - time == duration
    assert (time + duration) - duration == time
    assert (time < time + duration) == (b > 0)
    assert divmod(a, 10**9) == time.seconds_nanoseconds()


@given(ns=st.integers(0, 2**31 * 10**9 - 1))
def test_time_survives_its_message(embedded, ns):
    time = Time(nanoseconds=ns, clock_type=ClockType.ROS_TIME)
    assert Time.from_msg(time.to_msg()) == time
    assert Duration.from_msg(Duration(nanoseconds=-ns).to_msg()) == Duration(nanoseconds=-ns)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(TypeError, match="different clock types"):
        _ = Time(clock_type=ClockType.ROS_TIME) == Time(clock_type=ClockType.STEADY_TIME)
    with pytest.raises(ValueError, match="negative"):
        Time(nanoseconds=-1)
    with pytest.raises(ValueError, match="negative time"):
        _ = Time() - Duration(nanoseconds=1)
    with pytest.raises(OverflowError):
        Time(nanoseconds=2**63)
    with pytest.raises(TypeError, match=r"builtin_interfaces\.msg\.Duration"):
        Duration.from_msg(TimeMessage())
    with pytest.raises(ValueError, match="positive non-zero"):
        JumpThreshold(min_forward=Duration(), min_backward=None)
    assert str(Infinite) == "Infinite"


def test_each_clock_is_of_its_kind_and_goes_forward():
    for kind in (ClockType.ROS_TIME, ClockType.SYSTEM_TIME, ClockType.STEADY_TIME):
        clock = Clock(clock_type=kind)
        assert isinstance(clock, ROSClock) == (kind is ClockType.ROS_TIME)
        before = clock.now()
        assert before.clock_type == kind
        assert clock.now() >= before


def test_jumps_of_simulated_time_are_told_to_who_wants_to_know():
    clock, told = ROSClock(), []
    forward = JumpThreshold(min_forward=Duration(seconds=5), min_backward=Duration(nanoseconds=-1))
    handle = clock.create_jump_callback(
        forward,
        pre_callback=lambda: told.append("before"),
        post_callback=lambda jump: told.append(jump.delta.nanoseconds),
    )
    clock._set_ros_time_is_active(True)
    assert told[0] == "before"
    told.clear()
    for seconds in (10, 11, 20, 19):
        clock.set_ros_time_override(Time(seconds=seconds))
    assert told == ["before", 10 * 10**9, "before", 9 * 10**9, "before", -(10**9)]
    handle.unregister()
    clock.set_ros_time_override(Time(seconds=0))
    assert len(told) == 6


def test_a_change_to_simulated_time_ends_a_sleep(context):
    clock, changes = ROSClock(), []
    clock.create_jump_callback(
        JumpThreshold(min_forward=None, min_backward=None), post_callback=lambda jump: changes.append(jump.clock_change)
    )
    thread = threading.Timer(0.05, lambda: clock._set_ros_time_is_active(True))
    thread.start()
    assert not clock.sleep_for(Duration(seconds=60), context)
    thread.join()
    assert changes == [ClockChange.ROS_TIME_ACTIVATED]


def test_sleep_ends_when_its_time_has_come_or_the_context_is_shut_down(context):
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    assert steady.sleep_for(Duration(nanoseconds=1_000_000), context)
    thread = threading.Timer(0.05, context.shutdown)
    thread.start()
    assert not steady.sleep_for(Duration(seconds=60), context)
    thread.join()


def test_a_node_on_simulated_time_has_the_clocks_time_and_its_timers_follow_it(context):
    node = Node("tester", context=context, cli_args=["-p", "use_sim_time:=true"])
    source = node.create_publisher(ClockMessage, "/clock", 10)
    fired = []
    node.create_timer(10.0, lambda: fired.append(node.get_clock().now().nanoseconds // 10**9))
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)

        def set_time(seconds):
            source.publish(ClockMessage(clock=TimeMessage(sec=seconds)))
            assert spin_until(executor, lambda: node.get_clock().now().nanoseconds == seconds * 10**9)
            executor.spin_once(timeout_sec=0.02)

        set_time(1001)
        set_time(1005)
        set_time(1015)
        assert fired == [1001, 1015]  # those of 1000 s that nobody lived through are left out
        count = len(fired)
        set_time(500)  # a bag that begins again
        set_time(509)
        assert len(fired) == count
        set_time(511)
        assert fired[count:] == [511]
        node.set_parameters([Parameter("use_sim_time", value=False)])
        assert node.get_clock().now().nanoseconds > 10**18
        assert not node.set_parameters([Parameter("use_sim_time", value=3)])[0].successful
