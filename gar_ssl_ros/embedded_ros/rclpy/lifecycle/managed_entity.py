"""What follows a node through its life cycle."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Any

from . import machine


class TransitionCallbackReturn(Enum):
    """What came of a transition."""

    SUCCESS = 97
    FAILURE = 98
    ERROR = 99

    def to_label(self) -> str:
        """What the transition that follows is called."""
        return {97: machine.SUCCESS, 98: machine.FAILURE, 99: machine.ERROR}[self.value]


class ManagedEntity:
    """Has a callback for each transition; each takes the state before it."""

    def on_configure(self, state: Any) -> TransitionCallbackReturn:
        """Get ready."""
        del state
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: Any) -> TransitionCallbackReturn:
        """Free what `on_configure` took."""
        del state
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: Any) -> TransitionCallbackReturn:
        """Free everything."""
        del state
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: Any) -> TransitionCallbackReturn:
        """Start."""
        del state
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: Any) -> TransitionCallbackReturn:
        """Stop."""
        del state
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: Any) -> TransitionCallbackReturn:
        """Clean up after a transition that failed."""
        del state
        return TransitionCallbackReturn.SUCCESS


class SimpleManagedEntity(ManagedEntity):
    """Knows whether it is active."""

    def __init__(self) -> None:
        self._enabled = False

    def on_activate(self, state: Any) -> TransitionCallbackReturn:
        """Be active."""
        self._enabled = True
        return super().on_activate(state)

    def on_deactivate(self, state: Any) -> TransitionCallbackReturn:
        """Be active no more."""
        self._enabled = False
        return super().on_deactivate(state)

    @property
    def is_activated(self) -> bool:
        """True if it is active."""
        return self._enabled

    @staticmethod
    def when_enabled(wrapped: Any = None, *, when_not_enabled: Callable[[], object] | None = None) -> Any:
        """A method that does nothing, or calls `when_not_enabled`, while its object is not active."""

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(method)
            def only_when_enabled(self: SimpleManagedEntity, *args: Any, **kwargs: Any) -> Any:
                if self._enabled:
                    return method(self, *args, **kwargs)
                return when_not_enabled() if when_not_enabled else None

            return only_when_enabled

        return decorate if wrapped is None else decorate(wrapped)
