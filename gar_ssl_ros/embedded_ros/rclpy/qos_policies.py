"""Profiles to and from what DDS calls quality of service."""

from __future__ import annotations

from ..dds.library import INFINITE
from ..dds.policies import AUTOMATIC, MANUAL_BY_TOPIC, TRANSIENT_LOCAL, VOLATILE, Policies
from .duration import Duration
from .qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy


def policies_of_profile(profile: QoSProfile, user_data: bytes = b"") -> Policies:
    """A profile as DDS has it; what is left to the system is as rmw_cyclonedds_cpp leaves it."""
    for policy in ("reliability", "durability", "liveliness"):
        if getattr(profile, policy).name in {"BEST_AVAILABLE", "UNKNOWN"}:
            raise NotImplementedError(f"embedded_ros has no {policy} {getattr(profile, policy).name}")
    keep_all = profile.history == HistoryPolicy.KEEP_ALL
    return Policies(
        depth=None if keep_all else max(1, profile.depth),
        reliable=profile.reliability != ReliabilityPolicy.BEST_EFFORT,
        durability=TRANSIENT_LOCAL if profile.durability == DurabilityPolicy.TRANSIENT_LOCAL else VOLATILE,
        deadline=profile.deadline.nanoseconds or INFINITE,
        lifespan=profile.lifespan.nanoseconds or INFINITE,
        liveliness=MANUAL_BY_TOPIC if profile.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC else AUTOMATIC,
        lease=profile.liveliness_lease_duration.nanoseconds or INFINITE,
        user_data=user_data,
    )


def profile_of_policies(policies: Policies) -> QoSProfile:
    """DDS's policies as a profile."""
    durabilities = {VOLATILE: DurabilityPolicy.VOLATILE, TRANSIENT_LOCAL: DurabilityPolicy.TRANSIENT_LOCAL}
    livelinesses = {AUTOMATIC: LivelinessPolicy.AUTOMATIC, MANUAL_BY_TOPIC: LivelinessPolicy.MANUAL_BY_TOPIC}
    return QoSProfile(
        history=HistoryPolicy.KEEP_ALL if policies.depth is None else HistoryPolicy.KEEP_LAST,
        depth=policies.depth or 0,
        reliability=ReliabilityPolicy.RELIABLE if policies.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=durabilities.get(policies.durability, DurabilityPolicy.UNKNOWN),
        lifespan=Duration(nanoseconds=policies.lifespan),
        deadline=Duration(nanoseconds=policies.deadline),
        liveliness=livelinesses.get(policies.liveliness, LivelinessPolicy.UNKNOWN),
        liveliness_lease_duration=Duration(nanoseconds=policies.lease),
    )
