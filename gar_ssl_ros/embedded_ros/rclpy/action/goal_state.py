"""What may become of a goal (rcl_action's state machine, https://design.ros2.org/articles/actions.html)."""

from __future__ import annotations

from enum import Enum, IntEnum


class RCLError(RuntimeError):
    """A goal cannot do what was asked in the state that it is in."""


class GoalState(IntEnum):
    """As action_msgs/msg/GoalStatus numbers them."""

    UNKNOWN = 0
    ACCEPTED = 1
    EXECUTING = 2
    CANCELING = 3
    SUCCEEDED = 4
    CANCELED = 5
    ABORTED = 6

    @property
    def active(self) -> bool:
        """True if it is not over."""
        return self in {GoalState.ACCEPTED, GoalState.EXECUTING, GoalState.CANCELING}


class GoalEvent(Enum):
    """What changes a goal's state."""

    EXECUTE = "be executed"
    CANCEL_GOAL = "be canceled"
    SUCCEED = "succeed"
    ABORT = "be aborted"
    CANCELED = "end as canceled"


_NEXT = {
    (GoalState.ACCEPTED, GoalEvent.EXECUTE): GoalState.EXECUTING,
    (GoalState.ACCEPTED, GoalEvent.CANCEL_GOAL): GoalState.CANCELING,
    (GoalState.EXECUTING, GoalEvent.CANCEL_GOAL): GoalState.CANCELING,
    (GoalState.EXECUTING, GoalEvent.SUCCEED): GoalState.SUCCEEDED,
    (GoalState.EXECUTING, GoalEvent.ABORT): GoalState.ABORTED,
    (GoalState.CANCELING, GoalEvent.SUCCEED): GoalState.SUCCEEDED,
    (GoalState.CANCELING, GoalEvent.ABORT): GoalState.ABORTED,
    (GoalState.CANCELING, GoalEvent.CANCELED): GoalState.CANCELED,
}


def allows(state: GoalState, event: GoalEvent) -> bool:
    """True if the event may come in that state."""
    return (state, event) in _NEXT


def after(state: GoalState, event: GoalEvent) -> GoalState:
    """The state that the event leads to. Raises RCLError where it may not come."""
    try:
        return _NEXT[state, event]
    except KeyError:
        raise RCLError(f"a goal that is {state.name} cannot {event.value}") from None
