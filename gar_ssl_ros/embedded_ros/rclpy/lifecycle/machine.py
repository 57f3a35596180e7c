"""The states of a node with a life cycle, and how it gets from one to another, as in rcl_lifecycle.

The numbers are those of lifecycle_msgs/msg/State and lifecycle_msgs/msg/Transition.
"""

from __future__ import annotations

from typing import NamedTuple

LABELS = {
    0: "unknown",
    1: "unconfigured",
    2: "inactive",
    3: "active",
    4: "finalized",
    10: "configuring",
    11: "cleaningup",
    12: "shuttingdown",
    13: "activating",
    14: "deactivating",
    15: "errorprocessing",
}
UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED = 1, 2, 3, 4
CONFIGURING, CLEANINGUP, SHUTTINGDOWN, ACTIVATING, DEACTIVATING, ERRORPROCESSING = 10, 11, 12, 13, 14, 15
SUCCESS, FAILURE, ERROR = "transition_success", "transition_failure", "transition_error"


class Transition(NamedTuple):
    """A way from one state to another."""

    number: int
    label: str
    start: int
    goal: int


def _outcomes(first: int, start: int, success: int, failure: int) -> list[Transition]:
    goals = (success, failure, FINALIZED if start == ERRORPROCESSING else ERRORPROCESSING)
    return [
        Transition(first + at, label, start, goal)
        for at, (label, goal) in enumerate(zip((SUCCESS, FAILURE, ERROR), goals, strict=True))
    ]


TRANSITIONS = (
    Transition(1, "configure", UNCONFIGURED, CONFIGURING),
    *_outcomes(10, CONFIGURING, INACTIVE, UNCONFIGURED),
    Transition(2, "cleanup", INACTIVE, CLEANINGUP),
    *_outcomes(20, CLEANINGUP, UNCONFIGURED, INACTIVE),
    Transition(3, "activate", INACTIVE, ACTIVATING),
    *_outcomes(30, ACTIVATING, ACTIVE, INACTIVE),
    Transition(4, "deactivate", ACTIVE, DEACTIVATING),
    *_outcomes(40, DEACTIVATING, INACTIVE, ACTIVE),
    Transition(5, "shutdown", UNCONFIGURED, SHUTTINGDOWN),
    Transition(6, "shutdown", INACTIVE, SHUTTINGDOWN),
    Transition(7, "shutdown", ACTIVE, SHUTTINGDOWN),
    *_outcomes(50, SHUTTINGDOWN, FINALIZED, FINALIZED),
    *_outcomes(60, ERRORPROCESSING, UNCONFIGURED, FINALIZED),
)


class TransitionError(RuntimeError):
    """The state has no such way out."""


class StateMachine:
    """In one state at a time."""

    def __init__(self) -> None:
        self._state = UNCONFIGURED

    @property
    def current_state(self) -> tuple[int, str]:
        """Its number and label."""
        return self._state, LABELS[self._state]

    def available(self) -> list[Transition]:
        """The ways out of the current state."""
        return [transition for transition in TRANSITIONS if transition.start == self._state]

    def find(self, by: int | str) -> Transition:
        """The way out by its number or label. Raises TransitionError where there is none."""
        for transition in self.available():
            if by in {transition.number, transition.label}:
                return transition
        known = ", ".join(f"{transition.label} ({transition.number})" for transition in self.available())
        raise TransitionError(f"no transition {by!r} from {LABELS[self._state]}: there is {known or 'none'}")

    def go(self, transition: Transition) -> None:
        """Be where a transition leads to."""
        self._state = transition.goal
