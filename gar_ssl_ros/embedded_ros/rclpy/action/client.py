"""Clients of actions: three services' clients and two subscriptions of a node, as rcl_action names them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ...classes import message_class, service_class
from ..callback_groups import CallbackGroup
from ..client import Client
from ..qos import QoSProfile, qos_profile_action_status_default, qos_profile_services_default
from ..task import Future
from ..type_support import check_is_valid_action_type
from .goal_state import GoalState

if TYPE_CHECKING:
    from ..node import Node

__all__ = ["ActionClient", "ClientGoalHandle"]


class ClientGoalHandle:
    """A goal that was sent, and answered."""

    def __init__(self, action_client: ActionClient, goal_id: Any, goal_response: Any) -> None:
        self._action_client = action_client
        self._goal_id = goal_id
        self._goal_response = goal_response
        self._status = int(GoalState.UNKNOWN)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientGoalHandle) and bool(self._goal_id == other.goal_id)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ClientGoalHandle <id={self.goal_id.uuid}, accepted={self.accepted}, status={self.status}>"

    @property
    def goal_id(self) -> Any:
        """Its unique_identifier_msgs/msg/UUID."""
        return self._goal_id

    @property
    def stamp(self) -> Any:
        """When it was accepted."""
        return self._goal_response.stamp

    @property
    def accepted(self) -> bool:
        """False if it was rejected."""
        return bool(self._goal_response.accepted)

    @property
    def status(self) -> int:
        """As action_msgs/msg/GoalStatus has it; STATUS_UNKNOWN before the server has told."""
        return self._status

    def cancel_goal(self) -> Any:
        """Ask that it be canceled; the response of action_msgs/srv/CancelGoal. Not for callbacks."""
        return _wait(self.cancel_goal_async())

    def cancel_goal_async(self) -> Future:
        """The same, as a future."""
        request = service_class("action_msgs/srv/CancelGoal").Request()
        request.goal_info.goal_id = self._goal_id
        return self._action_client._cancels.call_async(request)

    def get_result(self) -> Any:
        """Wait for its end; status and result. Not for callbacks."""
        return _wait(self.get_result_async())

    def get_result_async(self) -> Future:
        """The same, as a future."""
        return self._action_client._get_result_async(self._goal_id)


class ActionClient:
    """Sends goals to a server. Answers and feedback come while its node is spun."""

    def __init__(
        self,
        node: Node,
        action_type: Any,
        action_name: str,
        *,
        callback_group: CallbackGroup | None = None,
        goal_service_qos_profile: QoSProfile = qos_profile_services_default,
        result_service_qos_profile: QoSProfile = qos_profile_services_default,
        cancel_service_qos_profile: QoSProfile = qos_profile_services_default,
        feedback_sub_qos_profile: QoSProfile = QoSProfile(depth=10),  # noqa: B008 (as rclpy's; nobody changes it)
        status_sub_qos_profile: QoSProfile = qos_profile_action_status_default,
    ) -> None:
        check_is_valid_action_type(action_type)
        self._node = node
        self._action_type = action_type
        self._goal_handles: WeakValueDictionary[bytes, ClientGoalHandle] = WeakValueDictionary()
        self._feedback_callbacks: dict[bytes, Callable[[Any], Any]] = {}
        impl, topic = action_type.Impl, f"{action_name}/_action"

        def client(kind: Any, name: str, profile: QoSProfile) -> Client:
            return node.create_client(kind, f"{topic}/{name}", qos_profile=profile, callback_group=callback_group)

        self._goals = client(impl.SendGoalService, "send_goal", goal_service_qos_profile)
        self._cancels = client(impl.CancelGoalService, "cancel_goal", cancel_service_qos_profile)
        self._results = client(impl.GetResultService, "get_result", result_service_qos_profile)
        self._subscriptions = [
            node.create_subscription(kind, f"{topic}/{name}", callback, profile, callback_group=callback_group)
            for kind, name, callback, profile in (
                (impl.FeedbackMessage, "feedback", self._on_feedback, feedback_sub_qos_profile),
                (impl.GoalStatusMessage, "status", self._on_status, status_sub_qos_profile),
            )
        ]

    def send_goal(self, goal: Any, **kwargs: Any) -> Any:
        """Send a goal and wait for its end; status and result. kwargs: as of send_goal_async. Not for callbacks."""
        handle: ClientGoalHandle = _wait(self.send_goal_async(goal, **kwargs))
        return handle.get_result()

    def send_goal_async(
        self, goal: Any, feedback_callback: Callable[[Any], Any] | None = None, goal_uuid: Any = None
    ) -> Future:
        """Send a goal; the future's result will be its ClientGoalHandle.

        feedback_callback: given each message of feedback, whose field `feedback` is the action's own. goal_uuid: a
        unique_identifier_msgs/msg/UUID; by default a random one. Raises TypeError where that is no goal of the action.
        """
        if not isinstance(goal, self._action_type.Goal):
            raise TypeError(f"Expected {self._action_type.Goal}, got {type(goal)}")
        goal_id = goal_uuid or message_class("unique_identifier_msgs/msg/UUID")(uuid=list(uuid.uuid4().bytes))
        if feedback_callback is not None:
            self._feedback_callbacks[bytes(goal_id.uuid)] = feedback_callback
        handled = Future()
        answered = self._goals.call_async(self._action_type.Impl.SendGoalService.Request(goal_id=goal_id, goal=goal))
        answered.add_done_callback(partial(self._on_answer, goal_id, handled))
        handled.add_done_callback(lambda _: self._goals.remove_pending_request(answered))
        return handled

    def server_is_ready(self) -> bool:
        """True if somebody would execute goals."""
        return all(client.service_is_ready() for client in (self._goals, self._cancels, self._results)) and all(
            subscription.get_publisher_count() for subscription in self._subscriptions
        )

    def wait_for_server(self, timeout_sec: float | None = None) -> bool:
        """Wait until somebody would execute goals, at most `timeout_sec`. Return True if somebody would."""
        end = None if timeout_sec is None else time.monotonic() + timeout_sec
        context = self._node.context
        while not (ready := context.ok() and self.server_is_ready()) and context.ok():
            if end is not None and time.monotonic() >= end:
                break
            time.sleep(0.02)
        return ready

    def destroy(self) -> None:
        """Take it out of the graph."""
        for client in (self._goals, self._cancels, self._results):
            self._node.destroy_client(client)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_answer(self, goal_id: Any, handled: Future, answered: Future) -> None:
        handle = ClientGoalHandle(self, goal_id, answered.result())
        if handle.accepted:
            self._goal_handles[bytes(goal_id.uuid)] = handle
        else:
            self._feedback_callbacks.pop(bytes(goal_id.uuid), None)
        handled.set_result(handle)

    def _get_result_async(self, goal_id: Any) -> Future:
        future = self._results.call_async(self._action_type.Impl.GetResultService.Request(goal_id=goal_id))
        future.add_done_callback(lambda _: self._feedback_callbacks.pop(bytes(goal_id.uuid), None))
        return future

    def _on_feedback(self, message: Any) -> Any:
        callback = self._feedback_callbacks.get(bytes(message.goal_id.uuid))
        return None if callback is None else callback(message)

    def _on_status(self, message: Any) -> None:
        for told in message.status_list:
            handle = self._goal_handles.get(bytes(told.goal_info.goal_id.uuid))
            if handle is not None:
                handle._status = told.status


def _wait(future: Future) -> Any:
    done = threading.Event()
    future._when_done(done.set)
    done.wait()
    return future.result()
