"""A node with a life cycle: it is configured, activated, deactivated, cleaned up and shut down from outside."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from ...classes import message_class, service_class
from ..callback_groups import CallbackGroup
from ..node import Node
from ..publisher import Publisher
from . import machine
from .machine import StateMachine, Transition, TransitionError
from .managed_entity import ManagedEntity, TransitionCallbackReturn
from .publisher import LifecyclePublisher

if TYPE_CHECKING:
    from ..node_entities import NodeEntities as _Base
else:
    _Base = object

_CALLBACKS = {
    machine.CONFIGURING: "on_configure",
    machine.CLEANINGUP: "on_cleanup",
    machine.SHUTTINGDOWN: "on_shutdown",
    machine.ACTIVATING: "on_activate",
    machine.DEACTIVATING: "on_deactivate",
    machine.ERRORPROCESSING: "on_error",
}


class LifecycleState(NamedTuple):
    """A state."""

    label: str
    state_id: int


class LifecycleNodeMixin(ManagedEntity, _Base):
    """What a node with a life cycle has beside a Node."""

    def __init__(
        self, *, enable_communication_interface: bool = True, callback_group: CallbackGroup | None = None
    ) -> None:
        self._state_machine = StateMachine()
        self._managed_entities: list[ManagedEntity] = []
        self._transition_events: Publisher | None = None
        if not enable_communication_interface:
            return
        event = message_class("lifecycle_msgs/msg/TransitionEvent")
        self._transition_events = self.create_publisher(event, "~/transition_event", 10)
        for kind, name, answer in (
            ("ChangeState", "change_state", self._answer_change_state),
            ("GetState", "get_state", self._answer_state),
            ("GetAvailableStates", "get_available_states", self._answer_states),
            ("GetAvailableTransitions", "get_available_transitions", self._answer_transitions),
            ("GetAvailableTransitions", "get_transition_graph", self._answer_graph),
        ):
            service = service_class(f"lifecycle_msgs/srv/{kind}")
            self.create_service(service, f"~/{name}", answer, callback_group=callback_group)

    def trigger_configure(self) -> TransitionCallbackReturn:
        """Configure it; what came of it. Raises TransitionError where its state does not allow that."""
        return self._change_state("configure")

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        """Clean it up; see `trigger_configure`."""
        return self._change_state("cleanup")

    def trigger_shutdown(self) -> TransitionCallbackReturn:
        """Shut it down; see `trigger_configure`."""
        return self._change_state("shutdown")

    def trigger_activate(self) -> TransitionCallbackReturn:
        """Activate it; see `trigger_configure`."""
        return self._change_state("activate")

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        """Deactivate it; see `trigger_configure`."""
        return self._change_state("deactivate")

    def add_managed_entity(self, entity: ManagedEntity) -> None:
        """Let an entity follow the node's transitions."""
        if not isinstance(entity, ManagedEntity):
            raise TypeError("Expected a rclpy.lifecycle.ManagedEntity instance.")
        if entity not in self._managed_entities:
            self._managed_entities.append(entity)

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> LifecyclePublisher:
        """A publisher that is silent while the node is not active; see Node.create_publisher."""
        if "publisher_class" in kwargs:
            raise TypeError("create_publisher() got an unexpected keyword argument 'publisher_class'")
        publisher = self.create_publisher(*args, **kwargs, publisher_class=LifecyclePublisher)
        assert isinstance(publisher, LifecyclePublisher)
        self._managed_entities.append(publisher)
        return publisher

    def destroy_lifecycle_publisher(self, publisher: LifecyclePublisher) -> bool:
        """Destroy a publisher of this node; False where it is none."""
        if publisher in self._managed_entities:
            self._managed_entities.remove(publisher)
        return self.destroy_publisher(publisher)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure the managed entities, up to the first one that does not succeed."""
        return self._all_managed("on_configure", state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean the managed entities up, up to the first one that does not succeed."""
        return self._all_managed("on_cleanup", state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Shut the managed entities down, up to the first one that does not succeed."""
        return self._all_managed("on_shutdown", state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate the managed entities, up to the first one that does not succeed."""
        return self._all_managed("on_activate", state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate the managed entities, up to the first one that does not succeed."""
        return self._all_managed("on_deactivate", state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let the managed entities clean up, up to the first one that does not succeed."""
        return self._all_managed("on_error", state)

    def _all_managed(self, callback: str, state: LifecycleState) -> TransitionCallbackReturn:
        for entity in self._managed_entities:
            outcome = getattr(entity, callback)(state)
            if not isinstance(outcome, TransitionCallbackReturn):
                raise TypeError(f"{callback}() of {entity} should return a TransitionCallbackReturn, not {outcome!r}")
            if outcome is not TransitionCallbackReturn.SUCCESS:
                return outcome
        return TransitionCallbackReturn.SUCCESS

    def _change_state(self, by: int | str) -> TransitionCallbackReturn:
        number, label = self._state_machine.current_state
        before = LifecycleState(label, number)
        self._go(by)
        outcome = self._call_back(before)
        self._go(outcome.to_label())
        if outcome is TransitionCallbackReturn.ERROR:
            self._go(self._call_back(before).to_label())
        return outcome

    def _call_back(self, before: LifecycleState) -> TransitionCallbackReturn:
        callback = _CALLBACKS[self._state_machine.current_state[0]]
        try:
            outcome = getattr(self, callback)(before)
        except Exception:
            self._logger.error(f"{callback} raised:\n{traceback.format_exc()}")
            return TransitionCallbackReturn.ERROR
        if not isinstance(outcome, TransitionCallbackReturn):
            self._logger.error(f"{callback} should return a TransitionCallbackReturn, not {outcome!r}")
            return TransitionCallbackReturn.ERROR
        return outcome

    def _go(self, by: int | str) -> None:
        transition = self._state_machine.find(by)
        self._state_machine.go(transition)
        if self._transition_events is not None:
            event = self._transition_events.msg_type(timestamp=self._clock.nanoseconds() // 1000)
            _describe(event, transition)
            self._transition_events.publish(event)

    def _answer_change_state(self, request: Any, response: Any) -> Any:
        by = request.transition.label or request.transition.id
        try:
            response.success = self._change_state(by) is TransitionCallbackReturn.SUCCESS
        except TransitionError as problem:
            self._logger.error(str(problem))
            response.success = False
        return response

    def _answer_state(self, request: Any, response: Any) -> Any:
        del request
        response.current_state.id, response.current_state.label = self._state_machine.current_state
        return response

    def _answer_states(self, request: Any, response: Any) -> Any:
        del request
        state = message_class("lifecycle_msgs/msg/State")
        response.available_states = [state(id=number, label=label) for number, label in machine.LABELS.items()]
        return response

    def _answer_transitions(self, request: Any, response: Any) -> Any:
        del request
        response.available_transitions = [_description(known) for known in self._state_machine.available()]
        return response

    def _answer_graph(self, request: Any, response: Any) -> Any:
        del request
        response.available_transitions = [_description(known) for known in machine.TRANSITIONS]
        return response


class LifecycleNode(LifecycleNodeMixin, Node):
    """A node with a life cycle. It begins unconfigured."""

    def __init__(self, node_name: str, *, enable_communication_interface: bool = True, **kwargs: Any) -> None:
        Node.__init__(self, node_name, **kwargs)
        LifecycleNodeMixin.__init__(self, enable_communication_interface=enable_communication_interface)


def _description(transition: Transition) -> Any:
    message = message_class("lifecycle_msgs/msg/TransitionDescription")()
    _describe(message, transition)
    return message


def _describe(message: Any, transition: Transition) -> None:
    message.transition.id, message.transition.label = transition.number, transition.label
    message.start_state.id, message.start_state.label = transition.start, machine.LABELS[transition.start]
    message.goal_state.id, message.goal_state.label = transition.goal, machine.LABELS[transition.goal]
