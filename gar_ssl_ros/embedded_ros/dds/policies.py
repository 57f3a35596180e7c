"""Quality of service as DDS has it, to and from Cyclone DDS's own record of it."""

from __future__ import annotations

import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .library import INFINITE, library

UNLIMITED = -1  # DDS_LENGTH_UNLIMITED
VOLATILE, TRANSIENT_LOCAL = 0, 1
AUTOMATIC, MANUAL_BY_TOPIC = 0, 2
IGNORE_OWN = 1  # DDS_IGNORELOCAL_PARTICIPANT

# Policy numbers in the records of incompatible quality of service (dds_qos_policy_id_t).
DURABILITY_ID, DEADLINE_ID, LIVELINESS_ID, RELIABILITY_ID, HISTORY_ID, LIFESPAN_ID = 2, 4, 8, 11, 13, 21


@dataclass(frozen=True)
class Policies:
    """What a writer offers or a reader asks for. Times in ns.

    depth: samples kept, None for all. durability, liveliness: the constants above, or others' numbers where a foreign
    endpoint has them. user_data: what rides along in discovery.
    """

    depth: int | None = 10
    reliable: bool = True
    durability: int = VOLATILE
    deadline: int = INFINITE
    lifespan: int = INFINITE
    liveliness: int = AUTOMATIC
    lease: int = INFINITE
    user_data: bytes = b""
    ignore_own: bool = False


@contextmanager
def record_of(policies: Policies) -> Iterator[int]:
    """Cyclone DDS's record of them (dds_qos_t *), for as long as the context lasts; as rmw_cyclonedds_cpp sets it."""
    dds = library()
    qos = dds.dds_create_qos()
    history = (1, UNLIMITED) if policies.depth is None else (0, policies.depth)
    try:
        dds.dds_qset_writer_data_lifecycle(qos, False)
        dds.dds_qset_history(qos, *history)
        dds.dds_qset_reliability(qos, int(policies.reliable), INFINITE if policies.reliable else 0)
        dds.dds_qset_durability(qos, policies.durability)
        if policies.durability == TRANSIENT_LOCAL:
            dds.dds_qset_durability_service(qos, 0, *history, UNLIMITED, UNLIMITED, UNLIMITED)
        dds.dds_qset_deadline(qos, policies.deadline)
        dds.dds_qset_lifespan(qos, policies.lifespan)
        dds.dds_qset_liveliness(qos, policies.liveliness, policies.lease)
        dds.dds_qset_ignorelocal(qos, IGNORE_OWN if policies.ignore_own else 0)
        dds.dds_qset_userdata(qos, policies.user_data, len(policies.user_data))
        yield qos
    finally:
        dds.dds_delete_qos(qos)


@contextmanager
def participant_record(user_data: bytes) -> Iterator[int]:
    """Cyclone DDS's record for a participant that says `user_data` in discovery."""
    dds = library()
    qos = dds.dds_create_qos()
    try:
        dds.dds_qset_userdata(qos, user_data, len(user_data))
        yield qos
    finally:
        dds.dds_delete_qos(qos)


def policies_of(qos: int) -> Policies:
    """The policies in Cyclone DDS's record `qos`; what is not in it has DDS's default."""
    dds = library()
    kind, depth, time = c.c_int(), c.c_int32(), c.c_int64(INFINITE)

    def duration() -> int:
        found, time.value = time.value, INFINITE
        return found

    dds.dds_qget_history(qos, c.byref(kind), c.byref(depth))
    kept = None if kind.value == 1 else depth.value
    kind.value = 0
    dds.dds_qget_reliability(qos, c.byref(kind), c.byref(time))
    reliable = kind.value == 1
    kind.value, time.value = 0, INFINITE
    dds.dds_qget_durability(qos, c.byref(kind))
    durability = kind.value
    kind.value = 0
    dds.dds_qget_deadline(qos, c.byref(time))
    deadline = duration()
    dds.dds_qget_lifespan(qos, c.byref(time))
    lifespan = duration()
    dds.dds_qget_liveliness(qos, c.byref(kind), c.byref(time))
    return Policies(kept, reliable, durability, deadline, lifespan, kind.value, duration(), user_data_of(qos))


def user_data_of(qos: int | None) -> bytes:
    """What an entity says of itself in discovery."""
    if not qos:
        return b""
    dds = library()
    data, size = c.c_void_p(), c.c_size_t()
    if not dds.dds_qget_userdata(qos, c.byref(data), c.byref(size)) or not data.value:
        return b""
    try:
        return c.string_at(data.value, size.value)
    finally:
        dds.dds_free(data)


def text_of(foreign: bytes | None) -> str:
    """What others wrote, where it is UTF-8; other bytes, which no name of ROS 2 holds, in hexadecimal."""
    return (foreign or b"").decode("utf-8", "backslashreplace")


def key_values(user_data: bytes) -> dict[str, str]:
    """`key=value;` pairs, as ROS 2 writes them into user data."""
    pairs = (pair.partition("=") for pair in text_of(user_data).split(";"))
    return {key: value for key, equals, value in pairs if equals}
