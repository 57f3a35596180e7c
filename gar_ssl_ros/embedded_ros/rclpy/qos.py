"""Quality of service, by the names and defaults of rclpy."""

from __future__ import annotations

import warnings
from enum import Enum, IntEnum
from typing import Any

from .duration import Duration, Infinite

_UNSPECIFIED = Duration()


class QoSPolicyKind(IntEnum):
    """Which policy."""

    INVALID = 1
    DURABILITY = 2
    DEADLINE = 4
    LIVELINESS = 8
    RELIABILITY = 16
    HISTORY = 32
    LIFESPAN = 64
    DEPTH = 128
    LIVELINESS_LEASE_DURATION = 256
    AVOID_ROS_NAMESPACE_CONVENTIONS = 512


def qos_policy_name_from_kind(policy_kind: QoSPolicyKind | int) -> str:
    """A policy's name."""
    return QoSPolicyKind(policy_kind).name


class InvalidQoSProfileException(Exception):
    """A profile that lacks something."""

    def __init__(self, *args: object) -> None:
        super().__init__("Invalid QoSProfile", *args)


class QoSPolicyEnum(IntEnum):
    """A policy's choices."""

    @classmethod
    def short_keys(cls) -> list[str]:
        """The names of the choices, in lower case."""
        return [name.lower() for name in cls.__members__]

    @classmethod
    def get_from_short_key(cls, name: str) -> int:
        """A choice by its name."""
        return cls[name.upper()].value

    @property
    def short_key(self) -> str:
        """The choice's name, in lower case."""
        return self.name.lower()


class HistoryPolicy(QoSPolicyEnum):
    """How many samples are kept."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(QoSPolicyEnum):
    """Says if lost samples are sent again."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class DurabilityPolicy(QoSPolicyEnum):
    """Says if who comes late gets what was sent before."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class LivelinessPolicy(QoSPolicyEnum):
    """How a publisher shows that it lives."""

    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4
    BEST_AVAILABLE = 5


QoSHistoryPolicy = HistoryPolicy
QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
QoSLivelinessPolicy = LivelinessPolicy

_FIELDS: dict[str, type] = {
    "history": HistoryPolicy,
    "depth": int,
    "reliability": ReliabilityPolicy,
    "durability": DurabilityPolicy,
    "lifespan": Duration,
    "deadline": Duration,
    "liveliness": LivelinessPolicy,
    "liveliness_lease_duration": Duration,
    "avoid_ros_namespace_conventions": bool,
}


class QoSProfile:
    """What a publisher offers or a subscription asks for.

    `depth`, `history` or both are needed; a duration of 0 is unspecified.
    """

    history: HistoryPolicy
    depth: int
    reliability: ReliabilityPolicy
    durability: DurabilityPolicy
    lifespan: Duration
    deadline: Duration
    liveliness: LivelinessPolicy
    liveliness_lease_duration: Duration
    avoid_ros_namespace_conventions: bool

    def __init__(self, **kwargs: Any) -> None:
        assert kwargs.keys() <= _FIELDS.keys(), f"Invalid arguments passed to constructor: {list(kwargs)}"
        if "history" not in kwargs:
            if "depth" not in kwargs:
                raise InvalidQoSProfileException("History and/or depth settings are required.")
            kwargs["history"] = HistoryPolicy.KEEP_LAST
        if kwargs["history"] == HistoryPolicy.KEEP_LAST and "depth" not in kwargs:
            raise InvalidQoSProfileException("History set to KEEP_LAST without a depth setting.")
        defaults = {
            "depth": 10,
            "reliability": ReliabilityPolicy.RELIABLE,
            "durability": DurabilityPolicy.VOLATILE,
            "lifespan": _UNSPECIFIED,
            "deadline": _UNSPECIFIED,
            "liveliness": LivelinessPolicy.SYSTEM_DEFAULT,
            "liveliness_lease_duration": _UNSPECIFIED,
            "avoid_ros_namespace_conventions": False,
        }
        for name in _FIELDS:
            setattr(self, name, kwargs.get(name, defaults.get(name)))

    def __setattr__(self, name: str, value: Any) -> None:
        kind = _FIELDS.get(name)
        if kind is None:
            raise AttributeError(f"QoSProfile has no policy {name!r}")
        assert isinstance(value, int if issubclass(kind, int) and kind is not bool else kind), f"{name}: {value!r}"
        if name == "depth" and value == 0 and self.history == HistoryPolicy.KEEP_LAST:
            warnings.warn("A zero depth with KEEP_LAST doesn't make sense: it is taken as SYSTEM_DEFAULT", stacklevel=2)
        object.__setattr__(self, name, kind(value) if issubclass(kind, QoSPolicyEnum) else value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QoSProfile) and all(getattr(self, n) == getattr(other, n) for n in _FIELDS)

    __hash__ = None  # type: ignore[assignment] # as in rclpy

    def __str__(self) -> str:
        return f"QoSProfile({', '.join(f'{name}={getattr(self, name)}' for name in _FIELDS)})"

    __repr__ = __str__


# As in rmw/qos_profiles.h.
qos_profile_unknown = QoSProfile(
    history=HistoryPolicy.UNKNOWN,
    depth=0,
    reliability=ReliabilityPolicy.UNKNOWN,
    durability=DurabilityPolicy.UNKNOWN,
    liveliness=LivelinessPolicy.UNKNOWN,
)
qos_profile_default = QoSProfile(depth=10)
qos_profile_system_default = QoSProfile(
    history=HistoryPolicy.SYSTEM_DEFAULT,
    depth=0,
    reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
    durability=DurabilityPolicy.SYSTEM_DEFAULT,
)
qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = QoSProfile(depth=10)
qos_profile_parameters = QoSProfile(depth=1000)
qos_profile_parameter_events = QoSProfile(depth=1000)
qos_profile_rosout_default = QoSProfile(
    depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10)
)
qos_profile_action_status_default = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
qos_profile_best_available = QoSProfile(
    depth=10,
    reliability=ReliabilityPolicy.BEST_AVAILABLE,
    durability=DurabilityPolicy.BEST_AVAILABLE,
    liveliness=LivelinessPolicy.BEST_AVAILABLE,
)


class QoSPresetProfiles(Enum):
    """The profiles that have names."""

    UNKNOWN = qos_profile_unknown
    DEFAULT = qos_profile_default
    SYSTEM_DEFAULT = qos_profile_system_default
    SENSOR_DATA = qos_profile_sensor_data
    SERVICES_DEFAULT = qos_profile_services_default
    PARAMETERS = qos_profile_parameters
    PARAMETER_EVENTS = qos_profile_parameter_events
    ACTION_STATUS_DEFAULT = qos_profile_action_status_default
    BEST_AVAILABLE = qos_profile_best_available

    @classmethod
    def short_keys(cls) -> list[str]:
        """Their names, in lower case."""
        return [name.lower() for name in cls.__members__]

    @classmethod
    def get_from_short_key(cls, name: str) -> QoSProfile:
        """A profile by its name."""
        return cls[name.upper()].value


class QoSCompatibility(IntEnum):
    """Says if a publisher and a subscription can talk."""

    OK = 0
    WARNING = 1
    ERROR = 2


def qos_check_compatible(publisher_qos: QoSProfile, subscription_qos: QoSProfile) -> tuple[QoSCompatibility, str]:
    """How well a publisher and a subscription of these profiles go together, and what speaks against it."""
    errors, doubts = _clashes(publisher_qos, subscription_qos), []
    for side, profile in (("publisher", publisher_qos), ("subscription", subscription_qos)):
        for policy in ("reliability", "durability", "liveliness"):
            choice = getattr(profile, policy)
            if choice.name in {"SYSTEM_DEFAULT", "UNKNOWN"} and not (
                policy == "liveliness" and choice.name == "SYSTEM_DEFAULT"
            ):
                doubts.append(f"WARNING: {side} {policy} is {choice.name}")
    if errors:
        return QoSCompatibility.ERROR, ";".join(f"ERROR: {error}" for error in errors) + ";"
    if doubts:
        return QoSCompatibility.WARNING, ";".join(doubts) + ";"
    return QoSCompatibility.OK, ""


def _clashes(offered: QoSProfile, asked: QoSProfile) -> list[str]:
    found = []
    if (offered.reliability, asked.reliability) == (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE):
        found.append("Best effort publisher and reliable subscription")
    if (offered.durability, asked.durability) == (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL):
        found.append("Volatile publisher and transient local subscription")
    if _limit(offered.deadline) > _limit(asked.deadline):
        found.append("Subscription expects a deadline that the publisher does not keep")
    if (
        offered.liveliness in {LivelinessPolicy.AUTOMATIC, LivelinessPolicy.SYSTEM_DEFAULT}
        and asked.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC
    ):
        found.append("Publisher's liveliness is automatic and subscription's is manual by topic")
    if _limit(offered.liveliness_lease_duration) > _limit(asked.liveliness_lease_duration):
        found.append("Subscription's liveliness lease duration is shorter than the publisher's")
    return found


def _limit(duration: Duration) -> int:
    return duration.nanoseconds or Infinite.nanoseconds
