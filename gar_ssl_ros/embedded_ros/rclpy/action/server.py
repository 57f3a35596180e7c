"""Servers of actions: three services and two topics of a node, as rcl_action names them."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from ...classes import message_class, service_class
from ...dds.library import DDSError
from ..callback_groups import CallbackGroup
from ..executors import await_or_execute
from ..qos import QoSProfile, qos_profile_action_status_default, qos_profile_services_default
from ..service import DeferringService
from ..task import Future
from ..type_support import check_is_valid_action_type
from .goal_state import GoalEvent, GoalState, RCLError, after, allows

if TYPE_CHECKING:
    from ..node import Node

__all__ = ["ActionServer", "CancelResponse", "GoalEvent", "GoalResponse", "RCLError", "ServerGoalHandle"]


class GoalResponse(Enum):
    """What becomes of a goal that a client sends."""

    REJECT = 1
    ACCEPT = 2


class CancelResponse(Enum):
    """What becomes of a request to cancel a goal."""

    REJECT = 1
    ACCEPT = 2


class ServerGoalHandle:
    """A goal that was accepted; given to the server's callbacks. Thread-safe."""

    def __init__(self, action_server: ActionServer, goal_info: Any, goal_request: Any) -> None:
        self._server = action_server
        self._info = goal_info
        self._request = goal_request
        self._state = GoalState.ACCEPTED
        self._ended: int | None = None  # when it was over, by the node's clock, ns
        self._result = Future()  # the response to who asks for its result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerGoalHandle) and bool(self.goal_id == other.goal_id)

    __hash__ = None  # type: ignore[assignment]

    @property
    def request(self) -> Any:
        """The goal itself."""
        return self._request

    @property
    def goal_id(self) -> Any:
        """Its unique_identifier_msgs/msg/UUID."""
        return self._info.goal_id

    @property
    def is_active(self) -> bool:
        """True if it is not over."""
        return self._state.active

    @property
    def is_cancel_requested(self) -> bool:
        """True if it is to end as canceled."""
        return self._state is GoalState.CANCELING

    @property
    def status(self) -> int:
        """As action_msgs/msg/GoalStatus has it; STATUS_UNKNOWN once it was destroyed."""
        return int(self._state)

    def execute(self, execute_callback: Callable[[ServerGoalHandle], Any] | None = None) -> None:
        """Have it executed by the server's callback, or another one, in the node's executor."""
        if not self.is_cancel_requested:  # else the callback is to see that, and end it
            self._update_state(GoalEvent.EXECUTE)
        self._server._execute(self, execute_callback)

    def publish_feedback(self, feedback: Any) -> None:
        """Tell the client how far it is. Raises TypeError where that is no feedback of the action."""
        action = self._server.action_type
        if not isinstance(feedback, action.Feedback):
            raise TypeError(f"Expected {action.Feedback}, got {type(feedback)}")
        if self._state is not GoalState.UNKNOWN:
            message = action.Impl.FeedbackMessage(goal_id=self.goal_id, feedback=feedback)
            self._server._feedback.publish(message)

    def succeed(self) -> None:
        """End it well. Raises RCLError in a state from which it cannot."""
        self._update_state(GoalEvent.SUCCEED)

    def abort(self) -> None:
        """End it, since it cannot be reached. Raises RCLError in a state from which it cannot."""
        self._update_state(GoalEvent.ABORT)

    def canceled(self) -> None:
        """End it, since that was asked for. Raises RCLError in a state from which it cannot."""
        self._update_state(GoalEvent.CANCELED)

    def destroy(self) -> None:
        """Forget it: nothing of it is told any more."""
        with self._server._lock:
            self._state = GoalState.UNKNOWN
            self._result = Future()  # who waits for the old one is not answered

    def _update_state(self, event: GoalEvent) -> None:
        with self._server._lock:
            if self._state is GoalState.UNKNOWN:
                return
            self._state = after(self._state, event)
            self._server._publish_status()
            if not self._state.active:
                self._server._goal_ended(self)


def default_handle_accepted_callback(goal_handle: ServerGoalHandle) -> None:
    """Execute the goal at once."""
    goal_handle.execute()


def default_goal_callback(goal_request: Any) -> GoalResponse:
    """Accept all goals."""
    del goal_request
    return GoalResponse.ACCEPT


def default_cancel_callback(cancel_request: Any) -> CancelResponse:
    """Let no goal be canceled."""
    del cancel_request
    return CancelResponse.REJECT


class ActionServer:
    """Executes goals of clients. Callbacks may be coroutines.

    execute_callback: given a ServerGoalHandle, gives the result; before, it calls the handle's `succeed`, `abort` or
    `canceled`, or the goal counts as aborted. It runs in no callback group, the others in `callback_group`.
    goal_callback: given a goal, gives a GoalResponse. handle_accepted_callback: given the handle, calls its `execute`,
    now or later. cancel_callback: given the handle, gives a CancelResponse. result_timeout: s that a result is kept
    after the goal is over; 900 as in rclpy up to Jazzy, whose successors have 10.
    """

    def __init__(
        self,
        node: Node,
        action_type: Any,
        action_name: str,
        execute_callback: Callable[[ServerGoalHandle], Any],
        *,
        callback_group: CallbackGroup | None = None,
        goal_callback: Callable[[Any], Any] | None = default_goal_callback,
        handle_accepted_callback: Callable[[ServerGoalHandle], Any] | None = default_handle_accepted_callback,
        cancel_callback: Callable[[ServerGoalHandle], Any] | None = default_cancel_callback,
        goal_service_qos_profile: QoSProfile = qos_profile_services_default,
        result_service_qos_profile: QoSProfile = qos_profile_services_default,
        cancel_service_qos_profile: QoSProfile = qos_profile_services_default,
        feedback_pub_qos_profile: QoSProfile = QoSProfile(depth=10),  # noqa: B008 (as rclpy's; nobody changes it)
        status_pub_qos_profile: QoSProfile = qos_profile_action_status_default,
        result_timeout: float = 900,
    ) -> None:
        check_is_valid_action_type(action_type)
        self._node = node
        self._action_type = action_type
        self._logger = node.get_logger().get_child("action_server")
        self._lock = threading.RLock()
        self._goals: dict[bytes, ServerGoalHandle] = {}
        self._result_timeout = int(result_timeout * 1e9)
        self.register_execute_callback(execute_callback)
        self.register_goal_callback(goal_callback)
        self.register_handle_accepted_callback(handle_accepted_callback)
        self.register_cancel_callback(cancel_callback)
        impl, topic = action_type.Impl, f"{action_name}/_action"
        group = callback_group or node.default_callback_group
        self._feedback = node.create_publisher(impl.FeedbackMessage, f"{topic}/feedback", feedback_pub_qos_profile)
        self._status = node.create_publisher(impl.GoalStatusMessage, f"{topic}/status", status_pub_qos_profile)
        self._expiry = node.create_timer(result_timeout, self._expire_goals, group, autostart=False)
        self._services = [
            node.create_service(
                kind,
                f"{topic}/{name}",
                callback,
                qos_profile=profile,
                callback_group=group,
                service_class=DeferringService,
            )
            for kind, name, callback, profile in (
                (impl.SendGoalService, "send_goal", self._on_goal, goal_service_qos_profile),
                (impl.CancelGoalService, "cancel_goal", self._on_cancel, cancel_service_qos_profile),
                (impl.GetResultService, "get_result", self._on_result, result_service_qos_profile),
            )
        ]

    @property
    def action_type(self) -> Any:
        """The action's class."""
        return self._action_type

    def register_handle_accepted_callback(self, callback: Callable[[ServerGoalHandle], Any] | None) -> None:
        """Have it called with each goal that was accepted; None for the default."""
        self._handle_accepted_callback = callback or default_handle_accepted_callback

    def register_goal_callback(self, callback: Callable[[Any], Any] | None) -> None:
        """Have it decide about goals; None for the default."""
        self._goal_callback = callback or default_goal_callback

    def register_cancel_callback(self, callback: Callable[[ServerGoalHandle], Any] | None) -> None:
        """Have it decide what may be canceled; None for the default."""
        self._cancel_callback = callback or default_cancel_callback

    def register_execute_callback(self, callback: Callable[[ServerGoalHandle], Any]) -> None:
        """Have it execute goals. Raises TypeError where it cannot be called."""
        if not callable(callback):
            raise TypeError("Failed to register goal execution callback: not callable")
        self._execute_callback = callback

    def destroy(self) -> None:
        """Take the action out of the graph; its goals are forgotten."""
        with self._lock:
            for goal in self._goals.values():
                goal.destroy()
            self._goals.clear()
        for service in self._services:
            self._node.destroy_service(service)
        for publisher in (self._feedback, self._status):
            self._node.destroy_publisher(publisher)
        self._node.destroy_timer(self._expiry)

    async def _on_goal(self, request: Any, respond: Callable[[Any], None]) -> None:
        uuid = bytes(request.goal_id.uuid)
        goal: ServerGoalHandle | None = None
        response = self._action_type.Impl.SendGoalService.Response()
        if uuid not in self._goals:
            decided = await await_or_execute(self._goal_callback, request.goal)
            if not isinstance(decided, GoalResponse):
                self._logger.warning("Goal request callback did not return a GoalResponse type. Rejecting goal.")
            elif decided is GoalResponse.ACCEPT:
                response.stamp = self._node.get_clock().now().to_msg()
                info = message_class("action_msgs/msg/GoalInfo")(goal_id=request.goal_id, stamp=response.stamp)
                goal = ServerGoalHandle(self, info, request.goal)
                with self._lock:
                    response.accepted = self._goals.setdefault(uuid, goal) is goal
        respond(response)
        if goal is not None and response.accepted:
            await await_or_execute(self._handle_accepted_callback, goal)

    async def _on_cancel(self, request: Any, respond: Callable[[Any], None]) -> None:
        kind = service_class("action_msgs/srv/CancelGoal").Response
        code, goals = self._meant(request.goal_info, kind)
        canceling = []
        for goal in goals:
            if await await_or_execute(self._cancel_callback, goal) is not CancelResponse.ACCEPT:
                continue
            try:
                goal._update_state(GoalEvent.CANCEL_GOAL)
            except RCLError as problem:  # it was over before the callback was
                self._logger.debug(f"Failed to cancel goal in cancel callback: {problem}")
                continue
            canceling.append(goal._info)
        if goals and not canceling:
            code = kind.ERROR_REJECTED
        respond(kind(return_code=code, goals_canceling=canceling))

    def _meant(self, info: Any, kind: Any) -> tuple[int, list[ServerGoalHandle]]:
        """Which goals are to be canceled: as action_msgs/srv/CancelGoal says, one, all, or all up to a time."""
        uuid, until = bytes(info.goal_id.uuid), _nanoseconds(info.stamp)
        with self._lock:
            goals = dict(self._goals)
        cancelable = {key: goal for key, goal in goals.items() if allows(goal._state, GoalEvent.CANCEL_GOAL)}
        if any(uuid) and not until:
            if uuid not in goals:
                return kind.ERROR_UNKNOWN_GOAL_ID, []
            return (kind.ERROR_NONE, [goals[uuid]]) if uuid in cancelable else (kind.ERROR_GOAL_TERMINATED, [])
        return kind.ERROR_NONE, [
            goal
            for key, goal in cancelable.items()
            if not until or key == uuid or _nanoseconds(goal._info.stamp) <= until
        ]

    def _on_result(self, request: Any, respond: Callable[[Any], None]) -> None:
        goal = self._goals.get(bytes(request.goal_id.uuid))
        if goal is None:
            self._logger.warning(f"Sending result response for unknown or expired goal ID: {request.goal_id.uuid}")
            respond(self._action_type.Impl.GetResultService.Response(status=int(GoalState.UNKNOWN)))
        else:
            goal._result.add_done_callback(partial(self._send_result, respond))

    def _send_result(self, respond: Callable[[Any], None], done: Future) -> None:
        try:
            respond(done.result())
        except DDSError as problem:
            if self._node.context.ok():  # else nobody is told anything any more
                self._logger.warning(f"a result could not be sent: {problem}")

    def _execute(self, goal: ServerGoalHandle, callback: Callable[[ServerGoalHandle], Any] | None) -> None:
        executor = self._node.executor
        if executor is None:
            raise RuntimeError("a goal is executed by its node's executor: spin the node")
        executor.create_task(self._run, goal, callback or self._execute_callback)

    async def _run(self, goal: ServerGoalHandle, callback: Callable[[ServerGoalHandle], Any]) -> None:
        response = self._action_type.Impl.GetResultService.Response()
        try:
            response.result = await await_or_execute(callback, goal)
        except Exception as problem:
            self._logger.error(f"Error raised in execute callback: {problem}\n{traceback.format_exc()}")
        if goal.is_active:
            self._logger.warning(f"Goal state not set, assuming aborted. Goal ID: {goal.goal_id.uuid}")
            goal.abort()
        response.status = goal.status
        goal._result.set_result(response)

    def _publish_status(self) -> None:
        status = message_class("action_msgs/msg/GoalStatus")
        told = [status(goal_info=goal._info, status=goal.status) for goal in self._goals.values()]
        self._status.publish(message_class("action_msgs/msg/GoalStatusArray")(status_list=told))

    def _goal_ended(self, goal: ServerGoalHandle) -> None:
        goal._ended = self._node.get_clock().now().nanoseconds
        if self._expiry.is_canceled():
            self._expiry.timer_period_ns = self._result_timeout
            self._expiry.reset()

    def _expire_goals(self) -> None:
        now = self._node.get_clock().now().nanoseconds
        with self._lock:
            ended = {uuid: goal._ended for uuid, goal in self._goals.items() if goal._ended is not None}
            kept = {uuid: at for uuid, at in ended.items() if now - at < self._result_timeout}
            for uuid in ended.keys() - kept.keys():
                self._goals.pop(uuid).destroy()
            self._expiry.cancel()
            if kept:
                left = min(kept.values()) + self._result_timeout - now
                self._expiry.timer_period_ns = min(left, self._result_timeout)
                self._expiry.reset()


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)
