"""What one waits on, and how."""

from __future__ import annotations

import ctypes as c
from contextlib import suppress

from .entities import Thing
from .library import DDSError, checked, library
from .participant import Participant

_MAX_REPORTED = 64  # entities reported by one wait; the others are reported by the next


class Guard(Thing):
    """Something to wait on that a program triggers itself."""

    def __init__(self, participant: Participant) -> None:
        with participant.gate:
            handle = checked(library().dds_create_guardcondition(participant.handle), "no guard condition")
            super().__init__(participant.gate, handle)

    def trigger(self) -> None:
        """Wake who waits on it, now or when next it is waited on."""
        with suppress(DDSError), self.gate:
            library().dds_set_guardcondition(self.handle, True)

    def take(self) -> bool:
        """True if it was triggered since last taken."""
        triggered = c.c_bool()
        with self.gate:
            library().dds_take_guardcondition(self.handle, c.byref(triggered))
        return triggered.value


class WaitSet(Thing):
    """Several things to wait on at once, by their handles."""

    def __init__(self, participant: Participant) -> None:
        with participant.gate:
            handle = checked(library().dds_create_waitset(participant.handle), "no wait set")
            super().__init__(participant.gate, handle)
        self._attached: set[int] = set()

    def wait(self, handles: set[int], timeout: int) -> set[int]:
        """Those of `handles` with something to do, after at most `timeout` ns (INFINITE: none).

        For one thread at a time. Handles that are gone are left out.
        """
        dds = library()
        with self.gate:
            for handle in self._attached - handles:
                dds.dds_waitset_detach(self.handle, handle)
            for handle in handles - self._attached:
                dds.dds_waitset_attach(self.handle, handle, handle)
            self._attached = set(handles)
            ready = (c.c_ssize_t * _MAX_REPORTED)()
            count = dds.dds_waitset_wait(self.handle, ready, _MAX_REPORTED, timeout)
        return set(ready[: max(0, min(count, _MAX_REPORTED))])
