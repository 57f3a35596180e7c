"""Simulated time: /clock, for nodes whose parameter use_sim_time says so."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..classes import message_class
from .clock import ROSClock
from .clock_type import ClockType
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

    def __init__(self, node: Node) -> None:
        self._node = weakref.proxy(node)
        self._clocks: set[ROSClock] = set()
        self._last = Time(clock_type=ClockType.ROS_TIME)
        self._active = False
        self._subscription: Subscription | None = None
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
        if enabled:
            self._subscription = self._node.create_subscription(
                message_class("rosgraph_msgs/msg/Clock"),
                CLOCK_TOPIC,
                self._heard,
                QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT),
            )
        elif self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def attach_clock(self, clock: ROSClock) -> None:
        """Set this clock too."""
        clock.set_ros_time_override(self._last)
        clock._set_ros_time_is_active(self._active)
        self._clocks.add(clock)

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
