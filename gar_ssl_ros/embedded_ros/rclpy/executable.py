"""What executors run callbacks of."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from .callback_groups import CallbackGroup

_E = TypeVar("_E", bound="Destroyable")


class Destroyable:
    """Something that may be used by `with`, and is destroyed then."""

    def destroy(self) -> None:
        """Be used no more."""
        raise NotImplementedError

    def __enter__(self: _E) -> _E:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()


class Executable(Destroyable):
    """Something of a node that at times has a callback to run: a subscription, a timer, a service."""

    def __init__(self, callback_group: CallbackGroup) -> None:
        self.callback_group = callback_group
        self._executor_event = False  # an executor has seen that it is ready, and has not taken its work yet
        self._destroyed = False

    def _handles(self) -> tuple[int, ...]:
        """What to wait on."""
        return ()

    def _delay(self) -> int | None:
        """Time until it is ready by itself, ns; None where something else must happen."""
        return None

    def _is_ready(self, triggered: set[int]) -> bool:
        """True if there is work, given which handles have something."""
        return not triggered.isdisjoint(self._handles())

    def _take(self) -> Callable[[], Any] | None:
        """The work, which it then no longer has; None where there is none after all."""
        raise NotImplementedError

    def destroy(self) -> None:
        """Be used no more."""
        self._destroyed = True
