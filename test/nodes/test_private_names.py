"""Our nodes hide nothing that rclpy's own classes keep for themselves, here or on the robot."""

from __future__ import annotations

import pytest
import rclpy
from domains import own_domain
from rclpy.context import Context
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node

from gar_ssl_ros.nodes.camera import CameraNode
from gar_ssl_ros.nodes.localizer import LocalizerNode
from gar_ssl_ros.nodes.microphone import MicrophoneNode
from gar_ssl_ros.nodes.player import PlayerNode
from gar_ssl_ros.nodes.recorder import RecorderNode

# Attributes that rclpy's Node and LifecycleNode have set in Humble, Jazzy or Rolling.
REAL = {
    "_allow_undeclared_parameters",
    "_clients",
    "_clock",
    "_context",
    "_default_callback_group",
    "_descriptors",
    "_guards",
    "_logger",
    "_logger_service",
    "_parameter_event_publisher",
    "_parameter_overrides",
    "_parameter_service",
    "_parameters",
    "_parameters_callbacks",
    "_post_set_parameters_callbacks",
    "_pre_set_parameters_callbacks",
    "_publishers",
    "_rate_group",
    "_services",
    "_subscriptions",
    "_time_source",
    "_timers",
    "_type_description_service",
    "_callbacks",
    "_managed_entities",
    "_service_change_state",
    "_service_get_available_states",
    "_service_get_available_transitions",
    "_service_get_state",
    "_service_get_transition_graph",
    "_state_machine",
}


@pytest.mark.parametrize(
    ("ours", "base"),
    [
        (LocalizerNode, LifecycleNode),
        (PlayerNode, Node),
        (CameraNode, Node),
        (MicrophoneNode, Node),
        (RecorderNode, Node),
    ],
)
def test_no_private_name_is_taken_twice(ours, base):
    context = Context()
    rclpy.init(context=context, domain_id=own_domain("nodes"))
    try:
        plain = base("plain", context=context)
        theirs = REAL | set(vars(plain)) | set(dir(base))
        plain.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    named = set(ours.__init__.__code__.co_names) | set(vars(ours))
    private = {name for name in named if name.startswith("_") and not name.startswith("__")}
    assert not private & theirs
