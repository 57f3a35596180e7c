"""What happens to publishers and subscriptions besides messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any

from ..dds.entities import Endpoint
from ..dds.policies import DEADLINE_ID, DURABILITY_ID, HISTORY_ID, LIFESPAN_ID, LIVELINESS_ID, RELIABILITY_ID
from .callback_groups import CallbackGroup
from .executable import Executable
from .impl.rcutils_logger import RcutilsLogger
from .qos import QoSPolicyKind, qos_policy_name_from_kind

_POLICIES = {
    DURABILITY_ID: QoSPolicyKind.DURABILITY,
    DEADLINE_ID: QoSPolicyKind.DEADLINE,
    LIVELINESS_ID: QoSPolicyKind.LIVELINESS,
    RELIABILITY_ID: QoSPolicyKind.RELIABILITY,
    HISTORY_ID: QoSPolicyKind.HISTORY,
    LIFESPAN_ID: QoSPolicyKind.LIFESPAN,
}


class QoSPublisherEventType(IntEnum):
    """What can happen to a publisher, by its number in rcl."""

    RCL_PUBLISHER_OFFERED_DEADLINE_MISSED = 0
    RCL_PUBLISHER_LIVELINESS_LOST = 1
    RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS = 2
    RCL_PUBLISHER_INCOMPATIBLE_TYPE = 3
    RCL_PUBLISHER_MATCHED = 4


class QoSSubscriptionEventType(IntEnum):
    """What can happen to a subscription, by its number in rcl."""

    RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED = 0
    RCL_SUBSCRIPTION_LIVELINESS_CHANGED = 1
    RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS = 2
    RCL_SUBSCRIPTION_MESSAGE_LOST = 3
    RCL_SUBSCRIPTION_INCOMPATIBLE_TYPE = 4
    RCL_SUBSCRIPTION_MATCHED = 5


class UnsupportedEventTypeError(RuntimeError):
    """That cannot be told."""


@dataclass(frozen=True)
class _Counted:
    total_count: int
    total_count_change: int


class QoSRequestedDeadlineMissedInfo(_Counted):
    """A topic was silent for longer than the subscription's deadline."""


class QoSOfferedDeadlineMissedInfo(_Counted):
    """A publisher was silent for longer than its deadline."""


class QoSLivelinessLostInfo(_Counted):
    """A publisher did not show in time that it lives."""


class QoSMessageLostInfo(_Counted):
    """Messages were lost."""


@dataclass(frozen=True)
class QoSRequestedIncompatibleQoSInfo(_Counted):
    """The other side's quality of service does not fit, last because of this policy."""

    last_policy_kind: QoSPolicyKind


QoSOfferedIncompatibleQoSInfo = QoSRequestedIncompatibleQoSInfo


@dataclass(frozen=True)
class QoSLivelinessChangedInfo:
    """Publishers began or ceased to show that they live."""

    alive_count: int
    not_alive_count: int
    alive_count_change: int
    not_alive_count_change: int


@dataclass(frozen=True)
class QoSSubscriptionMatchedInfo(_Counted):
    """The other side came or went."""

    current_count: int
    current_count_change: int


QoSPublisherMatchedInfo = QoSSubscriptionMatchedInfo


def _incompatible(total: int, change: int, policy: int, *_: int) -> QoSRequestedIncompatibleQoSInfo:
    return QoSRequestedIncompatibleQoSInfo(total, change, _POLICIES.get(policy, QoSPolicyKind.INVALID))


def _first(kind: Callable[..., Any], count: int) -> Callable[..., Any]:
    return lambda *words: kind(*words[:count])


# By name in Cyclone DDS: the status's bit, and what is told of its words.
_STATUSES: dict[str, tuple[int, Callable[..., Any]]] = {
    "offered_deadline_missed": (1 << 1, _first(QoSOfferedDeadlineMissedInfo, 2)),
    "requested_deadline_missed": (1 << 2, _first(QoSRequestedDeadlineMissedInfo, 2)),
    "offered_incompatible_qos": (1 << 3, _incompatible),
    "requested_incompatible_qos": (1 << 4, _incompatible),
    "sample_lost": (1 << 5, _first(QoSMessageLostInfo, 2)),
    "liveliness_lost": (1 << 9, _first(QoSLivelinessLostInfo, 2)),
    "liveliness_changed": (1 << 10, _first(QoSLivelinessChangedInfo, 4)),
    "publication_matched": (1 << 11, _first(QoSPublisherMatchedInfo, 4)),
    "subscription_matched": (1 << 12, _first(QoSSubscriptionMatchedInfo, 4)),
}


class EventHandler(Executable):
    """Has its callback run when something happens to a publisher or subscription."""

    def __init__(
        self, callback_group: CallbackGroup, callback: Callable[[Any], Any], endpoint: Endpoint, status: str
    ) -> None:
        super().__init__(callback_group)
        self.callback = callback
        self._endpoint = endpoint
        self._status = status
        self.bit, self._told = _STATUSES[status]

    def _handles(self) -> tuple[int, ...]:
        return (self._endpoint.handle,)

    def _is_ready(self, triggered: set[int]) -> bool:
        return self._endpoint.handle in triggered and bool(self._endpoint.changes() & self.bit)

    def _take(self) -> Callable[[], Any] | None:
        return partial(self.callback, self._told(*self._endpoint.status(self._status)))


class _EventCallbacks:
    """Callbacks by what happens; without one for a misfit of quality of service, a warning is logged."""

    _STATUS_OF: dict[str, str]
    _WARNING: str

    def __init__(
        self,
        *,
        deadline: Callable[[Any], Any] | None = None,
        incompatible_qos: Callable[[Any], Any] | None = None,
        liveliness: Callable[[Any], Any] | None = None,
        incompatible_type: Callable[[Any], Any] | None = None,
        matched: Callable[[Any], Any] | None = None,
        use_default_callbacks: bool = True,
    ) -> None:
        self.deadline = deadline
        self.incompatible_qos = incompatible_qos
        self.liveliness = liveliness
        self.incompatible_type = incompatible_type
        self.matched = matched
        self.use_default_callbacks = use_default_callbacks

    @property
    def incompatible_type(self) -> None:
        """None: that cannot be told. Raises UnsupportedEventTypeError where a callback is set."""

    @incompatible_type.setter
    def incompatible_type(self, callback: Callable[[Any], Any] | None) -> None:
        if callback is not None:
            raise UnsupportedEventTypeError("Cyclone DDS never tells of incompatible types: leave that callback out")

    def create_event_handlers(
        self, callback_group: CallbackGroup, endpoint: Endpoint, topic_name: str, logger: RcutilsLogger
    ) -> list[EventHandler]:
        """The handlers, with the endpoint set to wake them."""

        def warn(event: QoSRequestedIncompatibleQoSInfo) -> None:
            logger.warning(
                self._WARNING.format(topic_name)
                + f" Last incompatible policy: {qos_policy_name_from_kind(event.last_policy_kind)}"
            )

        callbacks = {name: getattr(self, name) for name in self._STATUS_OF}
        if self.use_default_callbacks and self.incompatible_qos is None:
            callbacks["incompatible_qos"] = warn
        handlers = [
            EventHandler(callback_group, callback, endpoint, self._STATUS_OF[name])
            for name, callback in callbacks.items()
            if callback is not None
        ]
        endpoint.watch(sum(handler.bit for handler in handlers))
        return handlers


class SubscriptionEventCallbacks(_EventCallbacks):
    """What to call when something happens to a subscription."""

    _STATUS_OF = {  # noqa: RUF012
        "deadline": "requested_deadline_missed",
        "incompatible_qos": "requested_incompatible_qos",
        "liveliness": "liveliness_changed",
        "message_lost": "sample_lost",
        "matched": "subscription_matched",
    }
    _WARNING = (
        "New publisher discovered on topic '{}', offering incompatible QoS. No messages will be received from it."
    )

    def __init__(self, *, message_lost: Callable[[Any], Any] | None = None, **callbacks: Any) -> None:
        super().__init__(**callbacks)
        self.message_lost = message_lost


class PublisherEventCallbacks(_EventCallbacks):
    """What to call when something happens to a publisher."""

    _STATUS_OF = {  # noqa: RUF012
        "deadline": "offered_deadline_missed",
        "liveliness": "liveliness_lost",
        "incompatible_qos": "offered_incompatible_qos",
        "matched": "publication_matched",
    }
    _WARNING = "New subscription discovered on topic '{}', requesting incompatible QoS. No messages will be sent to it."
