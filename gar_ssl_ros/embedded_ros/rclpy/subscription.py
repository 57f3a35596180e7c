"""Subscriptions."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from ...interfaces import CdrError, deserialize
from ..dds.entities import Reader
from .callback_groups import CallbackGroup
from .executable import Executable
from .impl.rcutils_logger import RcutilsLogger
from .qos import QoSProfile

if TYPE_CHECKING:
    from .event_handler import EventHandler


class Subscription(Executable):
    """Has its callback run with each message of a topic; made by Node.create_subscription."""

    class CallbackType(Enum):
        """What the callback takes."""

        MessageOnly = 0
        WithMessageInfo = 1

    def __init__(
        self,
        reader: Reader,
        msg_type: type[Any],
        topic: str,
        callback: Callable[..., Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
        raw: bool,
        logger: RcutilsLogger,
    ) -> None:
        super().__init__(callback_group)
        self._reader = reader
        self.msg_type = msg_type
        self.topic = topic
        self.callback = callback
        self.qos_profile = qos_profile
        self.raw = raw
        self.event_handlers: list[EventHandler] = []
        self._logger = logger

    @property
    def callback(self) -> Callable[..., Any]:
        """Called with the message, or with the message and what is known of it."""
        return self._callback

    @callback.setter
    def callback(self, value: Callable[..., Any]) -> None:
        self._callback = value
        for kind, taken in zip(Subscription.CallbackType, ((None,), (None, None)), strict=True):
            try:
                inspect.signature(value).bind(*taken)
            except TypeError:
                continue
            except ValueError:  # nobody knows what it takes, as of some builtin functions: the message, then
                pass
            self._callback_type = kind
            return
        raise RuntimeError(
            "Subscription.__init__(): callback should be either be callable with one argument (to get only the "
            "message) or two (to get message and message info)"
        )

    @property
    def topic_name(self) -> str:
        """The topic's whole name."""
        return self.topic

    def get_publisher_count(self) -> int:
        """How many publishers it hears."""
        return len(self._reader.matched())

    def destroy(self) -> None:
        """Be used no more; called by Node.destroy_subscription."""
        super().destroy()
        for handler in self.event_handlers:
            handler.destroy()
        self._reader.close()

    def _handles(self) -> tuple[int, ...]:
        return (self._reader.condition,)

    def _take(self) -> Callable[[], Any] | None:
        sample = self._reader.take()
        if sample is None:
            return None
        try:
            message = sample.data if self.raw else deserialize(sample.data, self.msg_type)
        except CdrError as problem:
            self._logger.error(f"a message on {self.topic} is left out: {problem}", throttle_duration_sec=1.0)
            return None
        if self._callback_type is Subscription.CallbackType.MessageOnly:
            return partial(self._callback, message)
        info = {
            "source_timestamp": sample.stamp,
            "received_timestamp": time.time_ns(),
            "publication_sequence_number": None,
            "reception_sequence_number": None,
        }
        return partial(self._callback, message, info)
