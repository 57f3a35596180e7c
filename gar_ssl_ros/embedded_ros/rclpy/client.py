"""Clients of services."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...interfaces import CdrError
from .. import service_wire
from ..service_wire import Call, Ends
from .callback_groups import CallbackGroup
from .context import Context
from .executable import Executable
from .impl.rcutils_logger import RcutilsLogger
from .qos import QoSProfile
from .task import Future


class Client(Executable):
    """Calls a service; made by Node.create_client. Its answers come while its node is spun."""

    def __init__(
        self,
        context: Context,
        ends: Ends,
        srv_type: Any,
        srv_name: str,
        qos_profile: QoSProfile,
        callback_group: CallbackGroup,
        logger: RcutilsLogger,
    ) -> None:
        super().__init__(callback_group)
        self.context = context
        self._ends = ends
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.qos_profile = qos_profile
        self._me = ends.writer.instance
        self._numbers = itertools.count(1)
        self._pending: dict[int, Future] = {}
        self._lock = threading.Lock()
        self._logger = logger

    @property
    def service_name(self) -> str:
        """The service's whole name."""
        return self.srv_name

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """Call and wait for the response; None where there is none after `timeout_sec`. Not for callbacks."""
        answered = threading.Event()
        future = self.call_async(request)
        future._when_done(answered.set)
        if not answered.wait(timeout_sec):
            self.remove_pending_request(future)
        return future.result()

    def call_async(self, request: Any) -> Future:
        """Call; the future's result will be the response."""
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f"Expected {self.srv_type.Request}, got {type(request)}")
        future = Future()
        with self._lock:
            number = next(self._numbers)
            self._pending[number] = future
        future.add_done_callback(self.remove_pending_request)
        self._ends.send(Call(self._me, number), request)
        return future

    def remove_pending_request(self, future: Future) -> None:
        """Wait for a call's response no more."""
        with self._lock:
            self._pending = {number: pending for number, pending in self._pending.items() if pending is not future}

    def service_is_ready(self) -> bool:
        """True if somebody would answer."""
        return service_wire.has_service(self._ends)

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Wait until somebody would answer, at most `timeout_sec`. Return True if somebody would."""
        end = None if timeout_sec is None else time.monotonic() + timeout_sec
        while self.context.ok() and not self.service_is_ready() and (end is None or time.monotonic() < end):
            time.sleep(0.02)
        return self.context.ok() and self.service_is_ready()

    def configure_introspection(self, *_: Any) -> None:
        """Not there."""
        raise NotImplementedError("embedded_ros has no service introspection")

    def destroy(self) -> None:
        """Be used no more; called by Node.destroy_client."""
        super().destroy()
        self._ends.close()

    def _handles(self) -> tuple[int, ...]:
        return (self._ends.reader.condition,)

    def _take(self) -> Callable[[], Any] | None:
        while (sample := self._ends.reader.take()) is not None:
            try:
                call, response = service_wire.received(sample, self.srv_type.Response)
            except (CdrError, ValueError) as problem:
                self._logger.error(f"a response of {self.srv_name} is left out: {problem}", throttle_duration_sec=1.0)
                continue
            with self._lock:
                future = self._pending.get(call.sequence_number) if call.caller == self._me else None
            if future is not None:
                return partial(future.set_result, response)
        return None
