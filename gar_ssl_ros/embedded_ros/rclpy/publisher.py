"""Publishers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...interfaces import serialize
from ..dds.entities import Writer
from ..dds.library import INFINITE, DDSError
from .duration import Duration
from .exceptions import InvalidHandle
from .executable import Destroyable
from .qos import QoSProfile

if TYPE_CHECKING:
    from .context import Context
    from .event_handler import EventHandler


class Publisher(Destroyable):
    """Sends messages on a topic; made by Node.create_publisher."""

    def __init__(
        self, context: Context, writer: Writer, msg_type: type[Any], topic: str, qos_profile: QoSProfile
    ) -> None:
        self._context = context
        self._writer = writer
        self.msg_type = msg_type
        self.topic = topic
        self.qos_profile = qos_profile
        self.event_handlers: list[EventHandler] = []
        self._destroyed = False

    @property
    def topic_name(self) -> str:
        """The topic's whole name."""
        return self.topic

    def publish(self, msg: Any) -> None:
        """Send a message, or bytes that are one already; after shutdown, nothing (as in rclcpp; rclpy raises).

        Raises TypeError where it is of another type.
        """
        if self._destroyed:
            raise InvalidHandle("cannot use Destroyable because destruction was requested")
        if not isinstance(msg, self.msg_type | bytes):
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
        try:
            self._writer.write(msg if isinstance(msg, bytes) else serialize(msg))
        except DDSError:
            if self._context.ok():
                raise

    def get_subscription_count(self) -> int:
        """How many subscriptions it reaches."""
        return len(self._writer.matched())

    def assert_liveliness(self) -> None:
        """Say that it lives, which a liveliness of MANUAL_BY_TOPIC asks for."""
        self._writer.assert_liveliness()

    def wait_for_all_acked(self, timeout: Duration | None = None) -> bool:
        """Wait until all subscriptions have what was sent. Return True if they have. A negative timeout is none."""
        limit = -1 if timeout is None else timeout.nanoseconds
        return self._writer.wait_for_acks(INFINITE if limit < 0 else limit)

    def destroy(self) -> None:
        """Be used no more; called by Node.destroy_publisher."""
        self._destroyed = True
        for handler in self.event_handlers:
            handler.destroy()
        self._writer.close()
