"""Spinning: timers, guard conditions, tasks, exceptions, shutdown."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from processes import spin_until
from std_msgs.msg import String

from gar_ssl_ros.embedded_ros.rclpy.callback_groups import ReentrantCallbackGroup
from gar_ssl_ros.embedded_ros.rclpy.clock import Clock
from gar_ssl_ros.embedded_ros.rclpy.clock_type import ClockType
from gar_ssl_ros.embedded_ros.rclpy.context import Context
from gar_ssl_ros.embedded_ros.rclpy.exceptions import NotInitializedException, ROSInterruptException
from gar_ssl_ros.embedded_ros.rclpy.executors import (
    Executor,
    ExternalShutdownException,
    MultiThreadedExecutor,
    SingleThreadedExecutor,
)
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.task import Future


@pytest.fixture
def node(context):
    return Node("tester", context=context)


@pytest.fixture
def executor(context, node):
    with SingleThreadedExecutor(context=context) as made:
        made.add_node(node)
        yield made


def test_a_timer_fires_until_it_is_canceled_and_again_after_a_reset(node, executor):
    fired = []
    timer = node.create_timer(0.01, lambda: fired.append(1))
    assert spin_until(executor, lambda: len(fired) == 3)
    timer.cancel()
    assert timer.is_canceled()
    executor.spin_once(timeout_sec=0.05)
    assert len(fired) == 3
    timer.reset()
    assert spin_until(executor, lambda: len(fired) == 4)


def test_a_timer_that_was_late_leaves_out_what_it_missed(node, executor):
    fired = []
    timer = node.create_timer(
        0.01, lambda: fired.append(timer.time_until_next_call()), clock=Clock(clock_type=ClockType.STEADY_TIME)
    )
    threading.Event().wait(0.1)
    assert spin_until(executor, lambda: bool(fired))
    assert fired[0] <= 10_000_000  # at most a period: not ten callbacks at once


def test_a_timer_may_be_made_to_wait_for_its_reset(node, executor):
    fired = []
    timer = node.create_timer(0.001, lambda: fired.append(1), autostart=False)
    executor.spin_once(timeout_sec=0.02)
    assert fired == []
    timer.reset()
    assert spin_until(executor, lambda: bool(fired))


def test_spin_once_comes_back_when_its_time_is_over_and_nothing_was_to_do(executor):
    executor.spin_once(timeout_sec=0)
    executor.spin_once(timeout_sec=0.01)


def test_a_guard_condition_wakes_who_spins_from_another_thread(node, executor):
    woken = []
    guard = node.create_guard_condition(lambda: woken.append(1))
    thread = threading.Timer(0.05, guard.trigger)
    thread.start()
    executor.spin_once()
    while not woken:  # waking up for anything else counts as well
        executor.spin_once()
    thread.join()
    assert woken == [1]


def test_what_a_callback_raises_comes_out_of_spin(node, executor):
    def fail():
        raise ValueError("in a callback")

    node.create_timer(0.001, fail)
    with pytest.raises(ValueError, match="in a callback"):
        executor.spin()


def test_what_a_callback_raises_comes_out_of_a_multi_threaded_spin(node, context):
    def fail():
        raise ValueError("in a callback")

    node.create_timer(0.001, fail)
    with MultiThreadedExecutor(2, context=context) as executor:
        executor.add_node(node)
        with pytest.raises(ValueError, match="in a callback"):
            executor.spin()


@pytest.mark.parametrize("kind", [SingleThreadedExecutor, MultiThreadedExecutor])
def test_shutdown_from_another_thread_ends_spin(context, kind):
    executor = kind(context=context)
    executor.add_node(Node("tester", context=context))
    thread = threading.Timer(0.05, context.shutdown)
    thread.start()
    try:
        executor.spin()
    except ExternalShutdownException:
        assert kind is SingleThreadedExecutor
    thread.join()
    assert not context.ok()
    executor.shutdown()


def test_an_executor_that_is_shut_down_ends_its_spin_but_not_the_context(node, executor, context):
    thread = threading.Timer(0.05, executor.shutdown)
    thread.start()
    executor.spin()
    thread.join()
    assert context.ok()


@pytest.mark.parametrize("kind", [SingleThreadedExecutor, MultiThreadedExecutor])
def test_a_callback_may_shut_its_own_executor_down(context, node, kind):
    executor = kind(context=context)
    executor.add_node(node)
    node.create_timer(0.001, lambda: Executor.shutdown(executor))  # the pool's threads are joined below
    executor.spin()
    executor.shutdown()


def test_entities_may_be_destroyed_while_others_run(context, node):
    made = []

    def replace():
        if made:
            node.destroy_subscription(made.pop())
        made.append(node.create_subscription(String, "text", lambda message: None, 10))

    publisher, count = node.create_publisher(String, "text", 10), []
    node.create_timer(0.001, replace, ReentrantCallbackGroup())
    node.create_timer(0.001, lambda: (publisher.publish(String()), count.append(1)), ReentrantCallbackGroup())
    with MultiThreadedExecutor(3, context=context) as executor:
        executor.add_node(node)
        assert spin_until(executor, lambda: len(count) > 200)


def test_tasks_run_when_spun_and_coroutines_go_on_when_what_they_await_is_done(executor):
    future = Future(executor=executor)

    async def twice():
        return 2 * await future

    task = executor.create_task(twice)
    executor.spin_once(timeout_sec=0)
    assert not task.done()
    executor.create_task(future.set_result, 21)
    executor.spin_until_future_complete(task, 10)
    assert task.result() == 42


def test_a_future_that_fails_raises_where_it_is_asked_and_tells_its_callbacks_once(executor):
    told = []
    future = Future()
    future.add_done_callback(told.append)
    future.set_exception(KeyError("x"))
    future.add_done_callback(told.append)
    assert told == [future, future]
    with pytest.raises(KeyError):
        future.result()


def test_spinning_until_a_future_is_done_gives_up_in_time_or_when_it_is_canceled(executor):
    executor.spin_until_future_complete(Future(), timeout_sec=0.02)
    future = Future()
    thread = threading.Timer(0.05, future.cancel)
    thread.start()
    executor.spin_until_future_complete(future)
    thread.join()
    assert future.cancelled()


def test_a_rate_sleeps_while_another_thread_spins_and_ends_with_the_context(node, context):
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin():
        with suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin)
    thread.start()
    rate = node.create_rate(100)
    for _ in range(3):
        rate.sleep()
    context.shutdown()
    with pytest.raises(ROSInterruptException):
        rate.sleep()
    thread.join()


def test_a_node_moves_from_one_executor_to_another(node, executor, context):
    with SingleThreadedExecutor(context=context) as other:
        assert other.add_node(node)
        assert not other.add_node(node)
        assert node.executor is other
        assert executor.get_nodes() == []


def test_nothing_is_made_before_init_or_after_shutdown(embedded, context):
    with pytest.raises(NotInitializedException):
        Node("tester", context=Context())
    context.shutdown()
    with pytest.raises(NotInitializedException):
        Node("tester", context=context)
    with pytest.raises(RuntimeError, match="already"):
        context.shutdown()
    context.try_shutdown()
