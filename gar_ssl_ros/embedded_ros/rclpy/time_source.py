"""Simulated time: /clock, for nodes whose parameter use_sim_time says so."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..classes import message_class
from .clock import ROSClock
from .clock_type import ClockType
from .node_entities import NodeEntities
from .parameter import Parameter
from .qos import QoSProfile, ReliabilityPolicy
from .time import Time

if TYPE_CHECKING:
    from .node import Node
    from .subscription import Subscription

CLOCK_TOPIC = "/clock"
USE_SIM_TIME_NAME = "use_sim_time"


class TimeSource:
    """Sets the clocks attached to it, by the node's parameter and the messages on /clock."""

    def __init__(self, *, node: Node | None = None) -> None:
        self._get_node: Callable[[], Node | None] = lambda: None
        self._clocks: set[ROSClock] = set()
        self._last = Time(clock_type=ClockType.ROS_TIME)
        self._active = False
        self._clock_sub: Subscription | None = None
        if node is not None:
            self.attach_node(node)

    @property
    def ros_time_is_active(self) -> bool:
        """True if time is simulated."""
        return self._active

    @ros_time_is_active.setter
    def ros_time_is_active(self, enabled: bool) -> None:
        if enabled == self._active:
            return
        self._active = enabled
        for clock in self._clocks:
            clock._set_ros_time_is_active(enabled)
        self._hear(enabled)

    def attach_node(self, node: Node) -> None:
        """Go by the parameter of this node, and by what it hears on /clock."""
        if not isinstance(node, NodeEntities):
            raise TypeError("Node must be of type rclpy.node.Node")
        self.detach_node()
        self._get_node = weakref.ref(node)
        if not node.has_parameter(USE_SIM_TIME_NAME):
            node.declare_parameter(USE_SIM_TIME_NAME, False)
        node.add_on_set_parameters_callback(self._set)
        parameter = node.get_parameter(USE_SIM_TIME_NAME)
        if parameter.type_ is Parameter.Type.BOOL:
            self.ros_time_is_active = parameter.value
        else:
            node.get_logger().error(
                f"Invalid type for parameter '{USE_SIM_TIME_NAME}' {parameter.type_!r} should be bool"
            )

    def detach_node(self) -> None:
        """Go by no node; the clocks stay as they are."""
        node = self._get_node()
        if node is not None:
            self._hear(False)
            node.remove_on_set_parameters_callback(self._set)
        self._get_node = lambda: None

    def attach_clock(self, clock: ROSClock) -> None:
        """Set this clock too."""
        if not isinstance(clock, ROSClock):
            raise ValueError("Only clocks with type ROS_TIME can be attached.")
        clock.set_ros_time_override(self._last)
        clock._set_ros_time_is_active(self._active)
        self._clocks.add(clock)

    def _hear(self, enabled: bool) -> None:
        """Subscribe to /clock, or no longer."""
        node = self._get_node()
        if node is None:
            return
        if self._clock_sub is not None:
            node.destroy_subscription(self._clock_sub)
            self._clock_sub = None
        if enabled:
            qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            clock = message_class("rosgraph_msgs/msg/Clock")
            self._clock_sub = node.create_subscription(clock, CLOCK_TOPIC, self._heard, qos)

    def _heard(self, message: Any) -> None:
        self._last = Time.from_msg(message.clock)
        for clock in self._clocks:
            clock.set_ros_time_override(self._last)

    def _set(self, parameters: list[Parameter]) -> Any:
        reason = ""
        for parameter in parameters:
            if parameter.name == USE_SIM_TIME_NAME and parameter.type_ is Parameter.Type.BOOL:
                self.ros_time_is_active = parameter.value
            elif parameter.name == USE_SIM_TIME_NAME:
                reason = f"{USE_SIM_TIME_NAME} parameter set to something besides a bool"
        return message_class("rcl_interfaces/msg/SetParametersResult")(successful=not reason, reason=reason)
