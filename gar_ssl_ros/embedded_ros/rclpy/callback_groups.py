"""Which callbacks may run at the same time."""

from __future__ import annotations

import threading
import weakref
from typing import Any


class CallbackGroup:
    """Callbacks with one rule of when they may run."""

    def __init__(self) -> None:
        self.entities: set[weakref.ref[Any]] = set()

    def add_entity(self, entity: Any) -> None:
        """Let an entity's callbacks follow the rule."""
        self.entities = {known for known in self.entities if known() is not None} | {weakref.ref(entity)}

    def has_entity(self, entity: Any) -> bool:
        """True if an entity's callbacks follow the rule."""
        return weakref.ref(entity) in self.entities

    def can_execute(self, entity: Any) -> bool:
        """True if an entity's callback may run now."""
        raise NotImplementedError

    def beginning_execution(self, entity: Any) -> bool:
        """True if an entity's callback may run now, and is then held to be running until `ending_execution`."""
        raise NotImplementedError

    def ending_execution(self, entity: Any) -> None:
        """An entity's callback has run."""
        raise NotImplementedError


class ReentrantCallbackGroup(CallbackGroup):
    """All at the same time."""

    def can_execute(self, entity: Any) -> bool:
        """True, always."""
        del entity
        return True

    def beginning_execution(self, entity: Any) -> bool:
        """True, always."""
        del entity
        return True

    def ending_execution(self, entity: Any) -> None:
        """Nothing to note."""
        del entity


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """One at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._running: Any = None
        self._lock = threading.Lock()

    def can_execute(self, entity: Any) -> bool:
        """True if none runs."""
        del entity
        return self._running is None

    def beginning_execution(self, entity: Any) -> bool:
        """True if none runs."""
        with self._lock:
            if self._running is not None:
                return False
            self._running = entity
            return True

    def ending_execution(self, entity: Any) -> None:
        """Now another one may."""
        with self._lock:
            assert self._running is entity
            self._running = None
