"""What is on the graph that the nodes care about: topics, who sends and who listens, how often, under which QoS."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from gar_ssl_ros.messages.ros import message_type

DISCOVERY_S = 0.2  # s from one look at the graph to the next


@dataclass(frozen=True)
class SeenTopic:
    """A topic while it was watched.

    types: usually one. qos: of each publisher, in words. received: messages. rate: of their coming, Hz.
    """

    name: str
    types: tuple[str, ...]
    publishers: int
    subscribers: int
    qos: tuple[str, ...]
    received: int
    rate: float


@dataclass(frozen=True)
class SeenGraph:
    """nodes: full names. topics: those that were asked for, by name. others: how many more there are."""

    nodes: tuple[str, ...]
    topics: tuple[SeenTopic, ...]
    others: int


def watch(seconds: float, types: frozenset[str]) -> SeenGraph:
    """Watch the graph for that long, receiving every topic of the given types as its first publisher offers it."""
    context = Context()
    rclpy.init(context=context)
    try:
        node = Node("gar_ssl_check", context=context, start_parameter_services=False, enable_rosout=False)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        watched: dict[str, _Arrivals] = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, kinds in node.get_topic_names_and_types():
                if name not in watched and types & set(kinds):
                    _listen(node, name, watched)
            look = min(end, time.monotonic() + DISCOVERY_S)
            while (left := look - time.monotonic()) > 0:
                executor.spin_once(timeout_sec=left)
        seen = _summary(node, types, watched)
        executor.shutdown()
        node.destroy_node()
        return seen
    finally:
        context.try_shutdown()


@dataclass
class _Arrivals:
    since: float = field(default_factory=time.monotonic)
    count: int = 0

    @property
    def rate(self) -> float:
        span = time.monotonic() - self.since
        return self.count / span if span > 0 else 0.0


def _listen(node: Node, name: str, watched: dict[str, _Arrivals]) -> None:
    """Subscribe as the first publisher offers, where there is one by now and its type can be received here."""
    offers = node.get_publishers_info_by_topic(name)
    if not offers:
        return
    arrivals = watched[name] = _Arrivals()
    try:
        kind = message_type(offers[0].topic_type)
    except LookupError:
        return
    offered = offers[0].qos_profile
    wanted = QoSProfile(depth=100, reliability=offered.reliability, durability=offered.durability)
    node.create_subscription(kind, name, partial(_arrived, arrivals), wanted, raw=True)


def _arrived(arrivals: _Arrivals, _message: bytes) -> None:
    arrivals.count += 1


def _summary(node: Node, types: frozenset[str], watched: dict[str, _Arrivals]) -> SeenGraph:
    topics = []
    others = 0
    for name, kinds in node.get_topic_names_and_types():
        if not types & set(kinds):
            others += 1
            continue
        offers = node.get_publishers_info_by_topic(name)
        listeners = [info for info in node.get_subscriptions_info_by_topic(name) if info.node_name != node.get_name()]
        arrivals = watched.get(name, _Arrivals())
        words = tuple(dict.fromkeys(in_words(offer.qos_profile) for offer in offers))
        topics.append(SeenTopic(name, tuple(kinds), len(offers), len(listeners), words, arrivals.count, arrivals.rate))
    nodes = (f"{space.rstrip('/')}/{name}" for name, space in node.get_node_names_and_namespaces())
    others_here = tuple(sorted(name for name in nodes if name != node.get_fully_qualified_name()))
    return SeenGraph(others_here, tuple(sorted(topics, key=lambda topic: topic.name)), others)


def in_words(profile: QoSProfile) -> str:
    """A profile's reliability and durability, such as `best effort, volatile`."""
    reliability = {ReliabilityPolicy.RELIABLE: "reliable", ReliabilityPolicy.BEST_EFFORT: "best effort"}
    durability = {DurabilityPolicy.VOLATILE: "volatile", DurabilityPolicy.TRANSIENT_LOCAL: "transient local"}
    return f"{reliability.get(profile.reliability, '?')}, {durability.get(profile.durability, '?')}"
