"""Work that a program asks for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..dds.waiting import Guard
from .callback_groups import CallbackGroup, ReentrantCallbackGroup
from .context import Context
from .executable import Executable
from .utilities import get_default_context


class GuardCondition(Executable):
    """Has its callback run once triggered."""

    def __init__(
        self,
        callback: Callable[[], Any] | None,
        callback_group: CallbackGroup | None,
        context: Context | None = None,
    ) -> None:
        super().__init__(callback_group or ReentrantCallbackGroup())
        self._guard = Guard((context or get_default_context()).participant)
        self.callback = callback

    def trigger(self) -> None:
        """Have the callback run."""
        self._guard.trigger()

    def destroy(self) -> None:
        """Be used no more; called by Node.destroy_guard_condition."""
        super().destroy()
        self._guard.close()

    def _handles(self) -> tuple[int, ...]:
        return (self._guard.handle,)

    def _take(self) -> Callable[[], Any] | None:
        return self.callback if self._guard.take() else None
