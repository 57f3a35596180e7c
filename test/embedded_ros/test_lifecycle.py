"""Nodes with a life cycle, driven from outside."""

from __future__ import annotations

import pytest
from lifecycle_msgs.msg import Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState
from processes import spin_until
from std_msgs.msg import String

from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.lifecycle import LifecycleNode, LifecycleState, SimpleManagedEntity
from gar_ssl_ros.embedded_ros.rclpy.lifecycle.machine import (
    ERROR,
    FAILURE,
    LABELS,
    SUCCESS,
    TRANSITIONS,
    TransitionError,
)
from gar_ssl_ros.embedded_ros.rclpy.lifecycle.managed_entity import TransitionCallbackReturn as Return
from gar_ssl_ros.embedded_ros.rclpy.node import Node


class Probe(LifecycleNode):
    """Notes its transitions, and does in them what it was told to."""

    def __init__(self, context, **outcomes):
        super().__init__("probe", context=context)
        self.outcomes = outcomes
        self.seen = []

    def _note(self, name, state):
        self.seen.append((name, state.label))
        outcome = self.outcomes.get(name, Return.SUCCESS)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def on_configure(self, state):
        return self._note("configure", state)

    def on_activate(self, state):
        return self._note("activate", state) if super().on_activate(state) is Return.SUCCESS else Return.ERROR

    def on_deactivate(self, state):
        return self._note("deactivate", state) if super().on_deactivate(state) is Return.SUCCESS else Return.ERROR

    def on_cleanup(self, state):
        return self._note("cleanup", state)

    def on_shutdown(self, state):
        return self._note("shutdown", state)

    def on_error(self, state):
        return self._note("error", state)


def state(node):
    return node._state_machine.current_state[1]


def test_a_node_goes_round_its_life_cycle(context):
    node = Probe(context)
    assert state(node) == "unconfigured"
    for trigger, reached in (
        (node.trigger_configure, "inactive"),
        (node.trigger_activate, "active"),
        (node.trigger_deactivate, "inactive"),
        (node.trigger_cleanup, "unconfigured"),
        (node.trigger_shutdown, "finalized"),
    ):
        assert trigger() is Return.SUCCESS
        assert state(node) == reached
    assert node.seen == [
        ("configure", "unconfigured"),
        ("activate", "inactive"),
        ("deactivate", "active"),
        ("cleanup", "inactive"),
        ("shutdown", "unconfigured"),
    ]


@pytest.mark.parametrize("trigger", ["activate", "deactivate", "cleanup"])
def test_a_transition_that_the_state_does_not_allow_changes_nothing(context, trigger):
    node = Probe(context)
    with pytest.raises(TransitionError, match="from unconfigured: there is configure"):
        getattr(node, f"trigger_{trigger}")()
    assert state(node) == "unconfigured"
    assert node.seen == []


def test_a_failure_goes_back_to_the_state_before(context):
    node = Probe(context, configure=Return.FAILURE)
    assert node.trigger_configure() is Return.FAILURE
    assert state(node) == "unconfigured"


@pytest.mark.parametrize("wrong", [ValueError("broken"), Return.ERROR, None])
def test_an_error_is_processed_and_then_the_node_is_unconfigured_or_finalized(context, wrong, capfd):
    node = Probe(context, configure=wrong)
    assert node.trigger_configure() is Return.ERROR
    assert state(node) == "unconfigured"
    assert node.seen[-1] == ("error", "unconfigured")
    hopeless = Probe(context, configure=wrong, error=Return.FAILURE)
    hopeless.trigger_configure()
    assert state(hopeless) == "finalized"
    assert wrong is Return.ERROR or "on_configure" in capfd.readouterr().err


def test_shutdown_is_possible_from_every_primary_state_but_the_last(context):
    for before in ([], ["configure"], ["configure", "activate"]):
        node = Probe(context)
        for transition in before:
            getattr(node, f"trigger_{transition}")()
        assert node.trigger_shutdown() is Return.SUCCESS
        with pytest.raises(TransitionError, match="from finalized: there is none"):
            node.trigger_shutdown()
        node.destroy_node()


def test_a_lifecycle_publisher_is_silent_unless_its_node_is_active(context):
    node, got = Probe(context), []
    publisher = node.create_lifecycle_publisher(String, "text", 10)
    node.create_subscription(String, "text", lambda message: got.append(message.data), 10)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)
        publisher.publish(String(data="unconfigured"))
        node.trigger_configure()
        publisher.publish(String(data="inactive"))
        node.trigger_activate()
        assert publisher.is_activated
        publisher.publish(String(data="active"))
        node.trigger_deactivate()
        publisher.publish(String(data="inactive again"))
        assert spin_until(executor, lambda: bool(got))
        executor.spin_once(timeout_sec=0.1)
    assert got == ["active"]
    assert node.destroy_lifecycle_publisher(publisher)


def test_managed_entities_follow_until_one_does_not_succeed(context):
    class Stubborn(SimpleManagedEntity):
        def on_activate(self, state: LifecycleState) -> Return:
            return Return.FAILURE

    node, first, last = Probe(context), SimpleManagedEntity(), SimpleManagedEntity()
    for entity in (first, Stubborn(), last):
        node.add_managed_entity(entity)
    assert LifecycleNode.on_activate(node, LifecycleState("inactive", 2)) is Return.FAILURE
    assert (first.is_activated, last.is_activated) == (True, False)
    with pytest.raises(TypeError, match="ManagedEntity"):
        node.add_managed_entity(object())


def test_every_transition_leads_between_known_states_and_every_work_state_has_three_ways_out():
    assert {state for t in TRANSITIONS for state in (t.start, t.goal)} <= LABELS.keys()
    for number in range(10, 16):
        assert [t.label for t in TRANSITIONS if t.start == number] == [SUCCESS, FAILURE, ERROR]
    assert len({t.number for t in TRANSITIONS}) == len(TRANSITIONS)


OTHER = """
from rclpy.lifecycle import LifecycleNode
rclpy.init()
node = LifecycleNode("other")
print("ready", flush=True)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    pass
"""


def test_another_process_is_taken_through_its_life_cycle_by_services(process, context):
    process(OTHER)
    node, events = Node("tester", context=context), []
    node.create_subscription(
        TransitionEvent,
        "/other/transition_event",
        lambda e: events.append((e.start_state.label, e.goal_state.label)),
        10,
    )
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)

        def call(kind, name, **request):
            client = node.create_client(kind, f"/other/{name}")
            assert client.wait_for_service(20)
            future = client.call_async(kind.Request(**request))
            executor.spin_until_future_complete(future, 20)
            return future.result()

        assert call(GetState, "get_state").current_state.label == "unconfigured"
        assert not call(ChangeState, "change_state", transition=Transition(id=3)).success
        assert call(ChangeState, "change_state", transition=Transition(id=1)).success
        assert call(ChangeState, "change_state", transition=Transition(label="activate")).success
        assert call(GetState, "get_state").current_state.id == 3
        ways = call(GetAvailableTransitions, "get_available_transitions").available_transitions
        assert {(way.transition.id, way.goal_state.label) for way in ways} == {(4, "deactivating"), (7, "shuttingdown")}
        assert len(call(GetAvailableStates, "get_available_states").available_states) == 11
        assert len(call(GetAvailableTransitions, "get_transition_graph").available_transitions) == len(TRANSITIONS)
        assert spin_until(executor, lambda: ("activating", "active") in events)
    assert ("unconfigured", "configuring") in events
