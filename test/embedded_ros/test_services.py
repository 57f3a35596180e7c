"""Services and their clients, and the two ways to run callbacks."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from processes import spin_until
from std_msgs.msg import String
from std_srvs.srv import SetBool

from gar_ssl_ros.embedded_ros.rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from gar_ssl_ros.embedded_ros.rclpy.exceptions import InvalidServiceNameException, NoTypeSupportImportedException
from gar_ssl_ros.embedded_ros.rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node

SERVICE = """
from std_srvs.srv import SetBool
rclpy.init()
node = rclpy.create_node("server")
def answer(request, response):
    response.success, response.message = request.data, f"{request.data} it is"
    return response
node.create_service(SetBool, "~/enable", answer)
print("ready", flush=True)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    pass
"""


@pytest.fixture
def node(context):
    return Node("tester", context=context)


def test_a_service_of_another_process_answers(process, node, context):
    client = node.create_client(SetBool, "/server/enable")
    assert not client.wait_for_service(0.05)
    process(SERVICE)
    assert client.wait_for_service(20)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        calls = [client.call_async(SetBool.Request(data=data)) for data in (True, False, True)]
        for call in calls:
            executor.spin_until_future_complete(call, 20)
    assert [call.result().message for call in calls] == ["True it is", "False it is", "True it is"]


def test_two_clients_of_one_service_get_each_their_own_answers(node, context):
    node.create_service(SetBool, "go", lambda request, response: SetBool.Response(success=request.data))
    clients = [node.create_client(SetBool, "go") for _ in range(2)]
    assert all(client.wait_for_service(20) for client in clients)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        calls = [
            client.call_async(SetBool.Request(data=data)) for client, data in zip(clients, (True, False), strict=True)
        ]
        assert spin_until(executor, lambda: all(call.done() for call in calls))
    assert [call.result().success for call in calls] == [True, False]


def test_a_call_that_nobody_answers_gives_none_after_its_time(node):
    client = node.create_client(SetBool, "nobody")
    assert client.call(SetBool.Request(), timeout_sec=0.05) is None
    assert not client._pending


def test_what_is_no_request_or_service_is_refused(node):
    client = node.create_client(SetBool, "go")
    with pytest.raises(TypeError, match="Expected"):
        client.call_async(SetBool.Response())
    with pytest.raises(RuntimeError, match="it is a message"):
        node.create_service(String, "go", print)
    with pytest.raises(NoTypeSupportImportedException):
        node.create_service(int, "go", print)
    with pytest.raises(InvalidServiceNameException):
        node.create_client(SetBool, "go there")
    with pytest.raises(NotImplementedError, match="introspection"):
        client.configure_introspection()


def test_a_callback_may_await_a_call_to_the_same_executor(node, context):
    node.create_service(SetBool, "inner", lambda request, response: SetBool.Response(success=True, message="inner"))
    client = node.create_client(SetBool, "inner", callback_group=ReentrantCallbackGroup())

    async def answer(request, response):
        response.message = "outer of " + (await client.call_async(SetBool.Request())).message
        return response

    node.create_service(SetBool, "outer", answer, callback_group=ReentrantCallbackGroup())
    outer = node.create_client(SetBool, "outer")
    assert outer.wait_for_service(20)
    assert client.wait_for_service(20)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        call = outer.call_async(SetBool.Request())
        executor.spin_until_future_complete(call, 20)
    assert call.result().message == "outer of inner"


def test_a_blocking_call_inside_a_callback_works_in_a_multi_threaded_executor(node, context):
    node.create_service(SetBool, "inner", lambda request, response: SetBool.Response(message="inner"))
    client = node.create_client(SetBool, "inner", callback_group=ReentrantCallbackGroup())
    assert client.wait_for_service(20)
    got = []
    timer = node.create_timer(
        0.01, lambda: (timer.cancel(), got.append(client.call(SetBool.Request(), 10))), MutuallyExclusiveCallbackGroup()
    )
    with MultiThreadedExecutor(3, context=context) as executor:
        executor.add_node(node)
        assert spin_until(executor, lambda: bool(got))
    assert got[0].message == "inner"


def running_at_once(node, context, group):
    """How many of four callbacks of a group ran at the same time at most, in four threads."""
    now, most, done = [], [], []
    together = threading.Barrier(4)

    def work():
        timers[len(done)].cancel() if len(done) < 4 else None
        now.append(1)
        most.append(len(now))
        with suppress(threading.BrokenBarrierError):
            together.wait(0.2)
        now.pop()
        done.append(1)

    timers = [node.create_timer(0.01, work, group) for _ in range(4)]
    with MultiThreadedExecutor(4, context=context) as executor:
        executor.add_node(node)
        assert spin_until(executor, lambda: len(done) >= 4)
    return max(most)


def test_a_mutually_exclusive_group_runs_one_callback_at_a_time(node, context):
    assert running_at_once(node, context, MutuallyExclusiveCallbackGroup()) == 1


def test_a_reentrant_group_runs_all_at_once(node, context):
    assert running_at_once(node, context, ReentrantCallbackGroup()) == 4
