"""Quality of service: profiles, what fits what, and what happens where it does not."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import spin_until
from std_msgs.msg import String

from gar_ssl_ros.embedded_ros.rclpy.duration import Duration, Infinite
from gar_ssl_ros.embedded_ros.rclpy.event_handler import (
    PublisherEventCallbacks,
    SubscriptionEventCallbacks,
    UnsupportedEventTypeError,
)
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    InvalidQoSProfileException,
    LivelinessPolicy,
    QoSCompatibility,
    QoSPolicyKind,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
    qos_profile_sensor_data,
)
from gar_ssl_ros.embedded_ros.rclpy.qos_policies import policies_of_profile, profile_of_policies

PROFILES = st.builds(
    QoSProfile,
    history=st.sampled_from([HistoryPolicy.KEEP_LAST, HistoryPolicy.KEEP_ALL]),
    depth=st.integers(1, 1000),
    reliability=st.sampled_from([ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT]),
    durability=st.sampled_from([DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL]),
    deadline=st.integers(1, 2**62).map(lambda ns: Duration(nanoseconds=ns)),
    liveliness=st.sampled_from([LivelinessPolicy.AUTOMATIC, LivelinessPolicy.MANUAL_BY_TOPIC]),
    liveliness_lease_duration=st.integers(1, 2**62).map(lambda ns: Duration(nanoseconds=ns)),
)


def test_a_profile_needs_a_history_or_a_depth():
    assert QoSProfile(depth=3).history is HistoryPolicy.KEEP_LAST
    assert QoSProfile(history=HistoryPolicy.KEEP_ALL).depth == 10
    with pytest.raises(InvalidQoSProfileException, match="History and/or depth"):
        QoSProfile()
    with pytest.raises(InvalidQoSProfileException, match="without a depth"):
        QoSProfile(history=HistoryPolicy.KEEP_LAST)
    with pytest.raises(AssertionError, match="nonsense"):
        QoSProfile(depth=1, nonsense=2)
    with pytest.raises(AssertionError, match="deadline"):
        QoSProfile(depth=1, deadline=5)
    with pytest.warns(UserWarning, match="A zero depth with KEEP_LAST doesn't make sense"):
        QoSProfile(depth=0)


def test_the_presets_are_those_of_rmw():
    sensor = QoSPresetProfiles.get_from_short_key("sensor_data")
    assert sensor == qos_profile_sensor_data
    assert (sensor.depth, sensor.reliability) == (5, ReliabilityPolicy.BEST_EFFORT)
    assert QoSPresetProfiles.PARAMETERS.value.depth == 1000
    assert "services_default" in QoSPresetProfiles.short_keys()
    assert ReliabilityPolicy.get_from_short_key("best_effort") == ReliabilityPolicy.BEST_EFFORT
    assert ReliabilityPolicy.BEST_EFFORT.short_key == "best_effort"


@given(profile=PROFILES)
def test_what_dds_is_told_of_a_profile_is_the_whole_profile(profile):
    back = profile_of_policies(policies_of_profile(profile))
    if profile.history is HistoryPolicy.KEEP_ALL:
        profile.depth = 0  # which then says nothing
    profile.lifespan = Infinite
    assert back == profile


@given(offered=PROFILES, asked=PROFILES)
def test_what_fits_fits_still_when_more_is_offered_or_less_asked(offered, asked):
    def fits() -> bool:
        return qos_check_compatible(offered, asked)[0] is QoSCompatibility.OK

    fitted = fits()
    offered.reliability = ReliabilityPolicy.RELIABLE
    offered.durability = DurabilityPolicy.TRANSIENT_LOCAL
    offered.liveliness = LivelinessPolicy.MANUAL_BY_TOPIC
    asked.deadline = asked.liveliness_lease_duration = Infinite
    assert fits() >= fitted
    assert fits()


def test_what_does_not_fit_is_named():
    best_effort, durable = qos_profile_sensor_data, QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    verdict, reason = qos_check_compatible(best_effort, durable)
    assert verdict is QoSCompatibility.ERROR
    assert "Best effort publisher and reliable subscription" in reason
    assert "Volatile publisher and transient local subscription" in reason
    assert qos_check_compatible(QoSProfile(depth=1, reliability=0), QoSProfile(depth=1))[0] is QoSCompatibility.WARNING


@pytest.fixture
def node(context):
    return Node("tester", context=context)


@pytest.fixture
def executor(context, node):
    with SingleThreadedExecutor(context=context) as made:
        made.add_node(node)
        yield made


CASES = {
    QoSPolicyKind.RELIABILITY: ({"reliability": ReliabilityPolicy.BEST_EFFORT}, {}),
    QoSPolicyKind.DURABILITY: ({}, {"durability": DurabilityPolicy.TRANSIENT_LOCAL}),
    QoSPolicyKind.DEADLINE: ({}, {"deadline": Duration(seconds=1)}),
    QoSPolicyKind.LIVELINESS: ({}, {"liveliness": LivelinessPolicy.MANUAL_BY_TOPIC}),
}


@pytest.mark.parametrize("policy", CASES)
def test_a_clash_is_told_to_both_sides_with_its_policy_and_nothing_is_delivered(node, executor, policy):
    offered, asked = CASES[policy]
    told, got = [], []
    node.create_subscription(
        String, "text", got.append, QoSProfile(depth=1, **asked),
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=lambda event: told.append(("asked", event))),
    )  # fmt: skip
    publisher = node.create_publisher(
        String, "text", QoSProfile(depth=1, **offered),
        event_callbacks=PublisherEventCallbacks(incompatible_qos=lambda event: told.append(("offered", event))),
    )  # fmt: skip
    publisher.publish(String(data="x"))
    assert spin_until(executor, lambda: len(told) == 2)
    assert {side for side, _ in told} == {"asked", "offered"}
    assert all((event.last_policy_kind, event.total_count) == (policy, 1) for _, event in told)
    assert got == []
    verdict, _ = qos_check_compatible(QoSProfile(depth=1, **offered), QoSProfile(depth=1, **asked))
    assert verdict is QoSCompatibility.ERROR


def test_without_a_callback_a_clash_is_logged_as_a_warning(node, executor, capfd):
    said = ""
    node.create_subscription(String, "text", print, 10)
    node.create_publisher(String, "text", qos_profile_sensor_data)

    def told():
        nonlocal said
        said += capfd.readouterr().err
        return said.count("incompatible QoS") == 2

    assert spin_until(executor, told)
    assert "New publisher discovered on topic '/text', offering incompatible QoS" in said
    assert "Last incompatible policy: RELIABILITY" in said


def test_both_sides_are_told_who_comes_and_goes(node, executor):
    told = []
    publisher = node.create_publisher(
        String,
        "text",
        10,
        event_callbacks=PublisherEventCallbacks(matched=lambda event: told.append(event.current_count)),
    )
    subscription = node.create_subscription(String, "text", print, 10)
    assert spin_until(executor, lambda: told == [1])
    node.destroy_subscription(subscription)
    assert spin_until(executor, lambda: told == [1, 0])
    assert publisher.get_subscription_count() == 0


def test_a_missed_deadline_and_a_lost_liveliness_are_told(node, executor):
    told = set()
    short = QoSProfile(
        depth=1,
        deadline=Duration(nanoseconds=20_000_000),
        liveliness=LivelinessPolicy.MANUAL_BY_TOPIC,
        liveliness_lease_duration=Duration(nanoseconds=40_000_000),
    )
    node.create_subscription(
        String, "text", lambda message: None, short,
        event_callbacks=SubscriptionEventCallbacks(
            deadline=lambda event: told.add("asked deadline"),
            liveliness=lambda event: told.add(f"alive {event.alive_count}"),
        ),
    )  # fmt: skip
    publisher = node.create_publisher(
        String, "text", short,
        event_callbacks=PublisherEventCallbacks(
            deadline=lambda event: told.add("offered deadline"), liveliness=lambda event: told.add("lost")
        ),
    )  # fmt: skip
    publisher.publish(String())
    expected = {"asked deadline", "offered deadline", "alive 1", "alive 0", "lost"}
    assert spin_until(executor, lambda: told >= expected), told
    publisher.assert_liveliness()


def test_a_sample_older_than_its_lifespan_is_not_delivered(node, executor):
    got = []
    node.create_subscription(String, "text", lambda message: got.append(message.data), 10)
    publisher = node.create_publisher(String, "text", QoSProfile(depth=10, lifespan=Duration(nanoseconds=1_000_000)))
    publisher.publish(String(data="gone"))
    time.sleep(0.05)
    executor.spin_once(timeout_sec=0.05)
    assert got == []


def test_a_choice_that_is_not_there_is_refused_by_name(node):
    with pytest.raises(NotImplementedError, match="reliability BEST_AVAILABLE"):
        node.create_publisher(String, "text", QoSPresetProfiles.BEST_AVAILABLE.value)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(UnsupportedEventTypeError, match="incompatible types"):
        SubscriptionEventCallbacks(incompatible_type=print)


def test_a_reliable_publisher_knows_when_all_have_all(node):
    publisher = node.create_publisher(String, "text", 10)
    publisher.publish(String())
    assert publisher.wait_for_all_acked(Duration(seconds=5))


@pytest.mark.parametrize(("offered", "asked"), list(itertools.product([True, False], repeat=2)))
def test_dds_and_the_check_agree_on_reliability(node, executor, offered, asked):
    profiles = [QoSProfile(depth=1, reliability=1 if reliable else 2) for reliable in (offered, asked)]
    subscription = node.create_subscription(String, "text", print, profiles[1])
    node.create_publisher(String, "text", profiles[0])
    fits = qos_check_compatible(*profiles)[0] is QoSCompatibility.OK
    assert (subscription.get_publisher_count() == 1) == fits
