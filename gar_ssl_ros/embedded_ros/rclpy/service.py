"""Services."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...interfaces import CdrError
from .. import service_wire
from ..service_wire import Call, Ends
from .callback_groups import CallbackGroup
from .executable import Executable
from .executors import await_or_execute
from .impl.rcutils_logger import RcutilsLogger
from .qos import QoSProfile


class Service(Executable):
    """Has its callback run with each request, and sends back what it gives; made by Node.create_service.

    max_request: bytes; a longer request is left out before it is read.
    """

    max_request = 2**31

    def __init__(
        self,
        ends: Ends,
        srv_type: Any,
        srv_name: str,
        callback: Callable[[Any, Any], Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
        logger: RcutilsLogger,
    ) -> None:
        super().__init__(callback_group)
        self._ends = ends
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.callback = callback
        self.qos_profile = qos_profile
        self._logger = logger

    @property
    def service_name(self) -> str:
        """The service's whole name."""
        return self.srv_name

    def send_response(self, response: Any, header: Call) -> None:
        """Answer a call."""
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(f"Expected {self.srv_type.Response}, got {type(response)}")
        if service_wire.await_caller(self._ends, header):
            self._ends.send(header, response)

    def configure_introspection(self, *_: Any) -> None:
        """Not there."""
        raise NotImplementedError("embedded_ros has no service introspection")

    def destroy(self) -> None:
        """Be used no more; called by Node.destroy_service."""
        super().destroy()
        self._ends.close()

    def _handles(self) -> tuple[int, ...]:
        return (self._ends.reader.condition,)

    def _take(self) -> Callable[[], Any] | None:
        sample = self._ends.reader.take()
        if sample is None:
            return None
        try:
            if len(sample.data) > self.max_request:
                raise ValueError(f"its {len(sample.data)} bytes are more than {self.max_request}")
            call, request = service_wire.received(sample, self.srv_type.Request)
        except (CdrError, ValueError) as problem:
            self._logger.error(f"a request to {self.srv_name} is left out: {problem}", throttle_duration_sec=1.0)
            return None
        return partial(self._answer, request, call)

    async def _answer(self, request: Any, call: Call) -> None:
        self.send_response(await await_or_execute(self.callback, request, self.srv_type.Response()), call)


class DeferringService(Service):
    """Its callback takes a request and a function, which it gives the response to, at once or later."""

    async def _answer(self, request: Any, call: Call) -> None:
        await await_or_execute(self.callback, request, partial(self.send_response, header=call))
