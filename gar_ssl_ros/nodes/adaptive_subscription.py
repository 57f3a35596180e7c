"""Subscriptions that fit whoever publishes: on the topic, of the type and with the QoS that is there.

Messages come as bytes and are read here, so that what cannot be read is refused, and counted, like what makes no sense.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from gar_ssl_ros.errors import sentence, shortened
from gar_ssl_ros.messages.ros import message_type

QUEUE_BYTES = 2**27  # of messages that wait for their callback
# Bytes of a message: a picture of 4096x4096 as rgb8, two minutes of ordinary sound, some words.
MAX_IMAGE_BYTES, MAX_CHUNK_BYTES, MAX_INFO_BYTES = 2**26, 2**23, 2**12
MOST_TOLD = 3  # types of a topic that are no use


@dataclass(frozen=True)
class Offer:
    """What somebody publishes, and how it is listened to.

    depth: messages that may wait. latched: True if what was published before is given, too (transient local).
    """

    topic: str
    type: str
    reliable: bool
    depth: int
    latched: bool = False

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.topic} ({self.type}, {'reliable' if self.reliable else 'best effort'})"


class AdaptiveSubscription:
    """One input of a node. `poll_graph` from time to time, on the thread of its callbacks."""

    def __init__(
        self,
        node: Any,
        topics: Sequence[str],
        types: Sequence[str],
        depth: int,
        most: int,
        reliability: str,
        callback: Callable[[Any], None],
        refuse: Callable[[str], None],
        group: Any,
        load: Callable[[str], Any] = message_type,
        remedy: str = "",
        latched: bool = False,
    ) -> None:
        """
        topics: full names, the best first. types: those that it understands. depth: messages that may wait, fewer where
        they are large. most: bytes of one. reliability: of the parameter of that name. refuse: given a sentence for
        each message that cannot be read. load: the class of a type; raises LookupError where it is not installed.
        remedy: what to do where nobody publishes. latched: True if what is kept for late comers is wanted.
        """
        self._node = node
        self._topics = tuple(dict.fromkeys(topics))
        self._types = types
        self._depth = depth
        self._most = most
        self._insisted = None if reliability == "auto" else reliability == "reliable"
        self._callback = callback
        self._refuse = refuse
        self._group = group
        self._load = load
        self._latched = latched
        self._nobody = f"nobody publishes {' or '.join(self._topics)}" + (remedy and f": {remedy}")
        self._since = monotonic()
        self._subscription: Any = None
        self.offer: Offer | None = None
        self.problem = self._nobody

    def poll_graph(self) -> bool:
        """Listen as it is published now. Returns True if that has changed.

        Where nobody publishes any more it goes on listening as before: whoever comes back is heard at once.
        """
        try:
            offer, self.problem = self._best()
        except (UnicodeError, ValueError) as problem:  # rclpy's, of names that are no text
            self.problem = f"who publishes cannot be told: {sentence(problem)}"
            return False
        if offer is None or offer == self.offer:
            return False
        try:
            kind = self._load(offer.type)
        except LookupError as problem:
            self.problem = f"{offer.topic}: {problem}"
            return False
        self.close()
        reliability = ReliabilityPolicy.RELIABLE if offer.reliable else ReliabilityPolicy.BEST_EFFORT
        durability = DurabilityPolicy.TRANSIENT_LOCAL if offer.latched else DurabilityPolicy.VOLATILE
        self._subscription = self._node.create_subscription(
            kind,
            offer.topic,
            partial(self._take, kind),
            QoSProfile(depth=offer.depth, reliability=reliability, durability=durability),
            callback_group=self._group,
            raw=True,
        )
        self.offer, self._since = offer, monotonic()
        return True

    def close(self) -> None:
        """Listen no more."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription = self.offer = None

    @property
    def age(self) -> float:
        """Seconds since it began to listen as it does."""
        return monotonic() - self._since

    @property
    def publishers(self) -> int | None:
        """How many are matched; None where it listens to nobody, or rclpy does not tell (Humble's)."""
        count = getattr(self._subscription, "get_publisher_count", None)
        return None if count is None else int(count())

    def _take(self, kind: Any, data: bytes) -> None:
        self._depth = min(self._depth, max(1, QUEUE_BYTES // max(1, len(data))))  # from the next look on
        if len(data) > self._most:
            self._refuse(f"its {len(data)} bytes are too many: send at most {self._most}")
            return
        try:
            message = deserialize_message(data, kind)
        except Exception as problem:  # of many types, by rclpy and by message
            self._refuse(f"it cannot be read: {sentence(problem)}")
            return
        self._callback(message)

    def _best(self) -> tuple[Offer | None, str]:
        """What to listen to, and what is wrong with what there is."""
        foreign: list[str] = []
        for topic in self._topics:
            publishers = self._node.get_publishers_info_by_topic(topic)
            others = {one.topic_type for one in publishers} - set(self._types)
            foreign += [f"{topic} is {shortened(kind)}" for kind in sorted(others)[:MOST_TOLD]]
            usable = [one for one in publishers if one.topic_type in self._types]
            if not usable:
                continue
            kinds = Counter(one.topic_type for one in usable)
            held = self.offer.type if self.offer is not None and self.offer.topic == topic else ""
            kind = held if held in kinds else kinds.most_common(1)[0][0]
            offered = [one.qos_profile for one in usable if one.topic_type == kind]
            promises = [one.reliability == ReliabilityPolicy.RELIABLE for one in offered]
            reliable = all(promises) if self._insisted is None else self._insisted
            latched = self._latched and all(one.durability == DurabilityPolicy.TRANSIENT_LOCAL for one in offered)
            clash = self._clash(topic, reliable and not all(promises), len(kinds) > 1)
            return Offer(topic, kind, reliable, self._depth, latched), clash
        if foreign:
            return None, f"{', '.join(foreign)}: it must be one of {', '.join(self._types)}"
        return None, self._nobody

    def _clash(self, topic: str, unreliable: bool, mixed: bool) -> str:
        if unreliable:
            return (
                f"QoS reliability clashes on {topic}: a publisher offers best effort, and the parameter `reliability` "
                "insists on reliable; set it to auto"
            )
        return f"{topic} is published with several types; only one is heard" if mixed else ""
