"""Actions between processes and inside one, and what may become of a goal."""

from __future__ import annotations

import threading

import pytest
from action_msgs.msg import GoalInfo, GoalStatus, GoalStatusArray
from action_msgs.srv import CancelGoal
from gar_ssl_ros.action import LocalizeSound
from hypothesis import given
from hypothesis import strategies as st
from processes import PATIENCE, spin_until
from std_srvs.srv import SetBool
from unique_identifier_msgs.msg import UUID

from gar_ssl_ros.embedded_ros.rclpy.action import (
    ActionClient,
    ActionServer,
    CancelResponse,
    GoalResponse,
    get_action_client_names_and_types_by_node,
    get_action_names_and_types,
    get_action_server_names_and_types_by_node,
)
from gar_ssl_ros.embedded_ros.rclpy.action.goal_state import GoalEvent, GoalState, RCLError, after, allows
from gar_ssl_ros.embedded_ros.rclpy.callback_groups import ReentrantCallbackGroup
from gar_ssl_ros.embedded_ros.rclpy.exceptions import NoTypeSupportImportedException
from gar_ssl_ros.embedded_ros.rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.qos import DurabilityPolicy
from gar_ssl_ros.embedded_ros.rclpy.task import Future

# What each goal is to do, as its `what` says; `seconds` is how many messages of feedback there are.
SERVER = """
import time
from gar_ssl_ros.action import LocalizeSound
from rclpy.action import ActionServer, CancelResponse, GoalResponse
rclpy.init()
node = rclpy.create_node("listener")
def decide(goal):
    return GoalResponse.REJECT if goal.what == "reject" else GoalResponse.ACCEPT
def work(handle):
    for step in range(int(handle.request.seconds)):
        handle.publish_feedback(LocalizeSound.Feedback(heard=float(step)))
    what = handle.request.what
    if what == "raise":
        raise ValueError("so it is")
    while what == "wait" and not handle.is_cancel_requested:
        time.sleep(0.005)
    {"wait": handle.canceled, "abort": handle.abort, "leave": lambda: None}.get(what, handle.succeed)()
    return LocalizeSound.Result(message=what)
ActionServer(node, LocalizeSound, "~/listen", work, goal_callback=decide,
             cancel_callback=lambda handle: CancelResponse.ACCEPT, result_timeout=float(sys.argv[1]))
executor = rclpy.executors.MultiThreadedExecutor(4)
executor.add_node(node)
print("ready", flush=True)
try:
    executor.spin()
except rclpy.executors.ExternalShutdownException:
    pass
"""
SERVER = "import sys\nimport rclpy.executors\n" + SERVER


@pytest.fixture
def node(context):
    return Node("tester", context=context)


@pytest.fixture
def spin(node, context):
    """Waits, spinning, for a future's result, or for a condition."""
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)

        def wait(what):
            assert spin_until(executor, what.done if isinstance(what, Future) else what)
            return what.result() if isinstance(what, Future) else None

        yield wait


def test_goals_of_two_clients_at_a_server_of_another_process(process, node, spin, context):
    clients = [ActionClient(node, LocalizeSound, "/listener/listen") for _ in range(2)]
    assert not clients[0].wait_for_server(0.05)
    child = process(SERVER, "600")
    assert all(client.wait_for_server(PATIENCE) for client in clients)

    def done(what, client=clients[0], **options):
        handle = spin(client.send_goal_async(LocalizeSound.Goal(what=what, seconds=3.0), **options))
        assert handle.accepted
        response = spin(handle.get_result_async())
        return response.status, response.result.message

    told: list[list[float]] = [[], []]
    handles = [
        spin(client.send_goal_async(LocalizeSound.Goal(seconds=3.0, what=name), lambda m, k=kept: k.append(m)))
        for client, name, kept in zip(clients, ("one", "two"), told, strict=True)
    ]
    spin(lambda: all(len(kept) == 3 for kept in told))  # each gets its own, and no more
    results = [spin(handle.get_result_async()) for handle in handles]
    assert [(one.status, one.result.message) for one in results] == [(GoalStatus.STATUS_SUCCEEDED, "one"), (4, "two")]
    assert [[m.feedback.heard for m in kept] for kept in told] == [[0.0, 1.0, 2.0]] * 2
    assert [m.goal_id for m in told[1]] == [handles[1].goal_id] * 3
    spin(lambda: handles[0].status == handles[1].status == GoalStatus.STATUS_SUCCEEDED)
    assert (spin(handles[1].get_result_async()).result.message, handles[0].stamp.sec > 0) == ("two", True)  # again

    assert not spin(clients[0].send_goal_async(LocalizeSound.Goal(what="reject"))).accepted
    assert done("abort") == (GoalStatus.STATUS_ABORTED, "abort")
    assert done("leave", clients[1]) == (GoalStatus.STATUS_ABORTED, "leave")
    assert done("raise") == (GoalStatus.STATUS_ABORTED, "")
    mine = UUID(uuid=list(range(16)))
    assert done("named", goal_uuid=mine) == (GoalStatus.STATUS_SUCCEEDED, "named")
    again = clients[0].send_goal_async(LocalizeSound.Goal(what="named"), goal_uuid=mine)
    assert not spin(again).accepted  # the server still knows one of that id

    waiting = [spin(client.send_goal_async(LocalizeSound.Goal(what="wait"))) for client in clients]
    spin(lambda: waiting[0].status == GoalStatus.STATUS_EXECUTING)
    answer = spin(waiting[0].cancel_goal_async())
    assert (answer.return_code, [info.goal_id for info in answer.goals_canceling]) == (0, [waiting[0].goal_id])
    assert spin(waiting[0].get_result_async()).status == GoalStatus.STATUS_CANCELED
    assert waiting[1].status == GoalStatus.STATUS_EXECUTING
    over = spin(waiting[0].cancel_goal_async())
    assert (over.return_code, over.goals_canceling) == (CancelGoal.Response.ERROR_GOAL_TERMINATED, [])

    late = Node("late", context=context)  # who comes later is told how it stands
    seen: list[GoalStatusArray] = []
    latched = clients[0]._subscriptions[1].qos_profile
    assert latched.durability == DurabilityPolicy.TRANSIENT_LOCAL
    late.create_subscription(GoalStatusArray, "/listener/listen/_action/status", seen.append, latched)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(late)
        assert spin_until(executor, lambda: seen)
    assert GoalStatus.STATUS_EXECUTING in [told.status for told in seen[0].status_list]

    unanswered = waiting[1].get_result_async()
    child.terminate()
    spin(lambda: not clients[1].server_is_ready())
    assert not unanswered.done()
    for client in clients:
        client.destroy()
    spin(lambda: get_action_names_and_types(node) == [])


def test_a_result_is_forgotten_after_its_time(process, node, spin, capfd):
    process(SERVER, "0.1")
    client = ActionClient(node, LocalizeSound, "/listener/listen")
    assert client.wait_for_server(PATIENCE)
    handles = [spin(client.send_goal_async(LocalizeSound.Goal(what=f"{number}"))) for number in range(2)]
    for handle in handles:
        answer = spin(handle.get_result_async())  # by now or forgotten already
        while answer.status != GoalStatus.STATUS_UNKNOWN:
            answer = spin(handle.get_result_async())
        assert answer.result == LocalizeSound.Result()
        refused = spin(handle.cancel_goal_async())
        assert refused.return_code == CancelGoal.Response.ERROR_UNKNOWN_GOAL_ID


def test_a_coroutine_may_execute_a_goal_accepted_earlier_and_blocking_calls_work_beside_it(node, context):
    taken, proceed = [], Future()

    async def work(goal):
        await proceed
        goal.succeed()
        return LocalizeSound.Result(message="late")

    group = ReentrantCallbackGroup()
    server = ActionServer(
        node, LocalizeSound, "listen", work, callback_group=group, handle_accepted_callback=taken.append
    )
    client = ActionClient(node, LocalizeSound, "listen", callback_group=group)
    with MultiThreadedExecutor(3, context=context) as executor:
        executor.add_node(node)
        spinner = threading.Thread(target=executor.spin)
        spinner.start()
        assert client.wait_for_server(PATIENCE)
        done = []
        caller = threading.Thread(target=lambda: done.append(client.send_goal(LocalizeSound.Goal())))
        caller.start()
        while not taken:
            taken or threading.Event().wait(0.005)
        assert (taken[0].status, taken[0].is_active) == (GoalStatus.STATUS_ACCEPTED, True)
        refused = client.send_goal_async(LocalizeSound.Goal())
        while not refused.done():
            threading.Event().wait(0.005)
        answer = refused.result().cancel_goal()
        assert answer.return_code == CancelGoal.Response.ERROR_REJECTED  # as the default says
        with pytest.raises(RCLError, match="ACCEPTED cannot succeed"):
            taken[0].succeed()
        taken[0].execute()
        proceed.set_result(None)
        caller.join(PATIENCE)
        assert (done[0].status, done[0].result.message) == (GoalStatus.STATUS_SUCCEEDED, "late")
        server.destroy()
        taken[1].execute()  # of a goal that is forgotten
        assert (taken[1].status, taken[1].is_active) == (GoalStatus.STATUS_UNKNOWN, False)
        executor.shutdown()
        spinner.join(PATIENCE)
    assert list(node.services) == [s for s in node.services if "_action" not in s.service_name]


def test_one_request_cancels_all_goals_or_those_up_to_a_time(node, spin):
    taken = []

    def end(goal):
        goal.canceled()
        return LocalizeSound.Result()

    ActionServer(
        node,
        LocalizeSound,
        "listen",
        end,
        handle_accepted_callback=taken.append,
        cancel_callback=lambda goal: CancelResponse.ACCEPT if goal.request.what else CancelResponse.REJECT,
    )
    client = ActionClient(node, LocalizeSound, "listen")
    assert client.wait_for_server(PATIENCE)
    handles = [spin(client.send_goal_async(LocalizeSound.Goal(what=what))) for what in ("a", "b", "", "c")]
    first = spin(client._cancels.call_async(CancelGoal.Request(goal_info=GoalInfo(stamp=handles[0].stamp))))
    assert [info.goal_id for info in first.goals_canceling] == [handles[0].goal_id]
    rest = spin(client._cancels.call_async(CancelGoal.Request()))
    assert [info.goal_id for info in rest.goals_canceling] == [handles[1].goal_id, handles[3].goal_id]
    taken[0].execute()
    assert spin(handles[0].get_result_async()).status == GoalStatus.STATUS_CANCELED
    assert [goal.is_cancel_requested for goal in taken] == [False, True, False, True]


def test_actions_are_found_in_the_graph_and_their_parts_named_as_rcl_action_does(node, spin):
    server = ActionServer(node, LocalizeSound, "~/listen", print)
    ActionClient(node, LocalizeSound, "other")
    kind = ["gar_ssl_ros/action/LocalizeSound"]
    spin(lambda: len(get_action_names_and_types(node)) == 2)
    assert get_action_names_and_types(node) == [("/other", kind), ("/tester/listen", kind)]
    assert get_action_server_names_and_types_by_node(node, "tester", "/") == [("/tester/listen", kind)]
    assert get_action_client_names_and_types_by_node(node, "tester", "/") == [("/other", kind)]
    services = dict(node.get_service_names_and_types_by_node("tester", "/"))
    assert {name: types for name, types in services.items() if "_action" in name} == {
        "/tester/listen/_action/cancel_goal": ["action_msgs/srv/CancelGoal"],
        "/tester/listen/_action/get_result": ["gar_ssl_ros/action/LocalizeSound_GetResult"],
        "/tester/listen/_action/send_goal": ["gar_ssl_ros/action/LocalizeSound_SendGoal"],
    }
    (status,) = node.get_publishers_info_by_topic("/tester/listen/_action/status")
    assert (status.qos_profile.depth, status.qos_profile.durability) == (1, DurabilityPolicy.TRANSIENT_LOCAL)
    endpoints = [end for end in node._graph.readers() if end.topic.endswith("send_goalRequest")]
    assert [end.type_name for end in endpoints] == ["gar_ssl_ros::action::dds_::LocalizeSound_SendGoal_Request_"]
    server.destroy()
    spin(lambda: [name for name, _ in get_action_names_and_types(node)] == ["/other"])


def test_what_is_no_action_goal_or_feedback_is_refused(node, spin):
    with pytest.raises(NoTypeSupportImportedException):
        ActionServer(node, SetBool, "listen", print)
    with pytest.raises(TypeError, match="not callable"):
        ActionServer(node, LocalizeSound, "listen", None)
    client = ActionClient(node, LocalizeSound, "listen")
    with pytest.raises(TypeError, match="Expected"):
        client.send_goal_async(LocalizeSound.Result())
    taken = []
    ActionServer(node, LocalizeSound, "listen", print, handle_accepted_callback=taken.append)
    odd = ActionServer(node, LocalizeSound, "odd", print, goal_callback=lambda _: True)
    assert client.wait_for_server(PATIENCE)
    spin(client.send_goal_async(LocalizeSound.Goal()))
    with pytest.raises(TypeError, match="Expected"):
        taken[0].publish_feedback(LocalizeSound.Result())
    other = ActionClient(node, LocalizeSound, "odd")
    assert other.wait_for_server(PATIENCE)
    assert not spin(other.send_goal_async(LocalizeSound.Goal())).accepted  # True is no GoalResponse
    odd.register_goal_callback(None)
    assert spin(other.send_goal_async(LocalizeSound.Goal())).accepted
    assert GoalResponse.ACCEPT is not CancelResponse.ACCEPT


@given(st.lists(st.sampled_from(GoalEvent)))
def test_whatever_is_asked_of_a_goal_it_ends_once_and_only_ever_by_what_its_state_allows(events):
    state = GoalState.ACCEPTED
    for event in events:
        if not allows(state, event):
            with pytest.raises(RCLError, match=state.name):
                after(state, event)
            continue
        assert state.active
        before, state = state, after(state, event)
        assert state > before
        assert (state is GoalState.CANCELED) == (event is GoalEvent.CANCELED)
        assert not state.active or event in {GoalEvent.EXECUTE, GoalEvent.CANCEL_GOAL}
    assert state.active == any(allows(state, event) for event in GoalEvent)
    assert [int(one) for one in GoalState] == list(range(7))
