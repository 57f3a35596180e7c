"""The part of a node that makes and destroys its publishers, subscriptions, services, clients and timers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ...interfaces import dds_type_name, type_hash
from .. import service_wire
from ..dds.entities import Reader, Writer
from ..graph import TOPIC_PREFIX, NodeEntry
from .callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from .client import Client
from .clock import Clock
from .event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from .executable import Executable
from .guard_condition import GuardCondition
from .publisher import Publisher
from .qos import QoSProfile, qos_profile_services_default
from .qos_policies import policies_of_profile
from .service import Service
from .subscription import Subscription
from .timer import Rate, Timer
from .type_support import check_is_valid_msg_type, check_is_valid_srv_type

if TYPE_CHECKING:
    from .context import Context
    from .impl.rcutils_logger import RcutilsLogger

_E = TypeVar("_E", bound=Executable)


class NodeEntities:
    """Makes what a node has, and tells the graph of it."""

    _context: Context
    _clock: Clock
    _logger: RcutilsLogger
    _entry: NodeEntry
    _rosout: Publisher | None = None

    def __init__(self) -> None:
        self._publishers: list[Publisher] = []
        self._entities: list[Executable] = []
        self._default_callback_group: CallbackGroup = MutuallyExclusiveCallbackGroup()

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of callbacks that name none."""
        return self._default_callback_group

    @property
    def publishers(self) -> Iterator[Publisher]:
        """Those it has made, but that of /rosout."""
        yield from [publisher for publisher in self._publishers if publisher is not self._rosout]

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """Those it has made."""
        yield from self._made(Subscription)

    @property
    def clients(self) -> Iterator[Client]:
        """Those it has made."""
        yield from self._made(Client)

    @property
    def services(self) -> Iterator[Service]:
        """Those it has made."""
        yield from self._made(Service)

    @property
    def timers(self) -> Iterator[Timer]:
        """Those it has made."""
        yield from self._made(Timer)

    @property
    def guards(self) -> Iterator[GuardCondition]:
        """Those it has made."""
        yield from self._made(GuardCondition)

    def create_publisher(
        self,
        msg_type: type[Any],
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: PublisherEventCallbacks | None = None,
        qos_overriding_options: Any = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Publisher:
        """A publisher of messages of a type on a topic, with a profile, or a depth and else defaults."""
        _refuse(qos_overriding_options=qos_overriding_options)
        writer, name, profile = self._endpoint(self._context.participant.writer, msg_type, topic, qos_profile)
        publisher = publisher_class(self._context, writer, msg_type, name, profile)
        group = callback_group or self.default_callback_group
        publisher.event_handlers = (event_callbacks or PublisherEventCallbacks()).create_event_handlers(
            group, writer, name, self._logger
        )
        self._publishers.append(publisher)
        self._own(*publisher.event_handlers)
        self._tell(None, writer)
        return publisher

    def create_subscription(
        self,
        msg_type: type[Any],
        topic: str,
        callback: Callable[..., Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: SubscriptionEventCallbacks | None = None,
        qos_overriding_options: Any = None,
        raw: bool = False,
        content_filter_options: Any = None,
    ) -> Subscription:
        """A subscription to messages of a type on a topic; `raw` for their bytes."""
        _refuse(qos_overriding_options=qos_overriding_options, content_filter_options=content_filter_options)
        group = callback_group or self.default_callback_group
        reader, name, profile = self._endpoint(self._context.participant.reader, msg_type, topic, qos_profile)
        subscription = Subscription(reader, msg_type, name, callback, group, profile, raw, self._logger)
        subscription.event_handlers = (event_callbacks or SubscriptionEventCallbacks()).create_event_handlers(
            group, reader, name, self._logger
        )
        self._own(subscription, *subscription.event_handlers)
        self._tell(reader, None)
        return subscription

    def create_client(
        self,
        srv_type: Any,
        srv_name: str,
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        """A client of a service."""
        check_is_valid_srv_type(srv_type)
        name = self._resolve(srv_name, "service")
        ends = service_wire.client_ends(self._context.participant, name, srv_type, policies_of_profile(qos_profile))
        group = callback_group or self.default_callback_group
        client = Client(self._context, ends, srv_type, name, qos_profile, group, self._logger)
        self._own(client)
        self._tell(ends.reader, ends.writer)
        return client

    def create_service(
        self,
        srv_type: Any,
        srv_name: str,
        callback: Callable[[Any, Any], Any],
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
        service_class: type[Service] = Service,
    ) -> Service:
        """A service, whose callback takes a request and a response, and gives a response."""
        check_is_valid_srv_type(srv_type)
        name = self._resolve(srv_name, "service")
        ends = service_wire.service_ends(self._context.participant, name, srv_type, policies_of_profile(qos_profile))
        group = callback_group or self.default_callback_group
        service = service_class(ends, srv_type, name, callback, group, qos_profile, self._logger)
        self._own(service)
        self._tell(ends.reader, ends.writer)
        return service

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], Any],
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        """A timer, by the node's clock unless another one is given."""
        group = callback_group or self.default_callback_group
        period = int(float(timer_period_sec) * 1e9)
        timer = Timer(callback, group, period, clock or self._clock, context=self._context, autostart=autostart)
        timer._wake = self._wake_executor
        self._own(timer)
        return timer

    def create_guard_condition(
        self, callback: Callable[[], Any], callback_group: CallbackGroup | None = None
    ) -> GuardCondition:
        """A guard condition."""
        guard = GuardCondition(callback, callback_group or self.default_callback_group, context=self._context)
        self._own(guard)
        return guard

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        """A rate in Hz; somebody must spin the node meanwhile."""
        if frequency <= 0:
            raise ValueError("frequency must be > 0")
        timer = self.create_timer(1.0 / frequency, lambda: None, ReentrantCallbackGroup(), clock)
        return Rate(timer, context=self._context)

    def destroy_publisher(self, publisher: Publisher) -> bool:
        """Destroy a publisher of this node; False where it is none."""
        if publisher not in self._publishers:
            return False
        self._publishers.remove(publisher)
        self._destroy(*publisher.event_handlers)
        publisher.destroy()
        self._tell(None, publisher._writer, gone=True)
        return True

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription of this node; False where it is none."""
        if not self._destroy(subscription, *subscription.event_handlers):
            return False
        self._tell(subscription._reader, None, gone=True)
        return True

    def destroy_client(self, client: Client) -> bool:
        """Destroy a client of this node; False where it is none."""
        if not self._destroy(client):
            return False
        self._tell(client._ends.reader, client._ends.writer, gone=True)
        return True

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service of this node; False where it is none."""
        if not self._destroy(service):
            return False
        self._tell(service._ends.reader, service._ends.writer, gone=True)
        return True

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer of this node; False where it is none."""
        return self._destroy(timer)

    def destroy_guard_condition(self, guard: GuardCondition) -> bool:
        """Destroy a guard condition of this node; False where it is none."""
        return self._destroy(guard)

    def destroy_rate(self, rate: Rate) -> bool:
        """Destroy a rate of this node; False where it is none."""
        done = self._destroy(rate._timer)
        rate.destroy()
        return done

    def _resolve(self, name: str, kind: str, only_expand: bool = False) -> str:
        raise NotImplementedError

    def _wake_executor(self) -> None:
        raise NotImplementedError

    def _executables(self) -> list[Executable]:
        """What executors run callbacks of."""
        return list(self._entities)

    def _made(self, kind: type[_E]) -> Iterator[_E]:
        yield from [entity for entity in self._entities if isinstance(entity, kind)]

    def _endpoint(
        self, make: Callable[..., Any], msg_type: type[Any], topic: str, qos: QoSProfile | int
    ) -> tuple[Any, str, QoSProfile]:
        check_is_valid_msg_type(msg_type)
        profile, name = _profile(qos), self._resolve(topic, "topic")
        policies = policies_of_profile(profile, f"typehash={type_hash(msg_type)};".encode())
        dds_name = name if profile.avoid_ros_namespace_conventions else TOPIC_PREFIX + name
        return make(dds_name, dds_type_name(msg_type), policies), name, profile

    def _own(self, *entities: Executable) -> None:
        for entity in entities:
            entity.callback_group.add_entity(entity)
        self._entities += entities
        self._wake_executor()

    def _destroy(self, *entities: Executable) -> bool:
        if any(entity not in self._entities for entity in entities):
            return False
        for entity in entities:
            self._entities.remove(entity)
            entity.destroy()
        self._wake_executor()
        return True

    def _tell(self, reader: Reader | None, writer: Writer | None, gone: bool = False) -> None:
        for known, endpoint in ((self._entry.readers, reader), (self._entry.writers, writer)):
            if endpoint is not None:
                (known.discard if gone else known.add)(endpoint.guid)
        if self._context.ok():
            self._context.graph.tell()


def _profile(qos_or_depth: QoSProfile | int) -> QoSProfile:
    if isinstance(qos_or_depth, QoSProfile):
        return qos_or_depth
    if not isinstance(qos_or_depth, int):
        raise TypeError(f"Expected QoSProfile or int, but received {type(qos_or_depth)!r}")
    if qos_or_depth < 0:
        raise ValueError("history depth must be greater than or equal to zero")
    return QoSProfile(depth=qos_or_depth)


def _refuse(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"embedded_ros has no {name}")
