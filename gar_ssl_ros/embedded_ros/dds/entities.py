"""The things of a DDS graph: participant, writers, readers, and what one waits on."""

from __future__ import annotations

import ctypes as c
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .library import (
    ANY_STATE,
    DATA,
    OCTET_AT,
    TIMEOUT,
    Bytes,
    Guid,
    SampleInfo,
    Status,
    TopicDescriptor,
    checked,
    library,
)
from .policies import Policies, participant_record, policies_of, record_of, user_data_of

_MOST_WAITED_FOR = 64  # entities reported by one wait; the others are reported by the next


@dataclass(frozen=True)
class Sample:
    """One sample as it came over the wire.

    data: CDR with its 4-byte header. stamp: when it was written, ns. writer: handle of who wrote it.
    """

    data: bytes
    stamp: int
    writer: int


class Thing:
    """Anything that Cyclone DDS gives a handle for."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        guid = Guid()
        self.guid = bytes(guid.bytes) if library().dds_get_guid(handle, c.byref(guid)) == 0 else b""

    def close(self) -> None:
        """Take it out of the graph, with all that was made in it; nothing happens where it is gone already."""
        library().dds_delete(self.handle)


class _Domains:
    """The domains of this process, each made with its settings when first used and taken down after its last use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[int, tuple[int, int]] = {}  # id: handle, users

    def enter(self, domain: int, settings: str) -> None:
        with self._lock:
            handle, users = self._users.get(domain, (0, 0))
            if not users:
                handle = checked(
                    library().dds_create_domain(domain, settings.encode()), f"domain {domain} could not be made"
                )
            self._users[domain] = handle, users + 1

    def leave(self, domain: int) -> None:
        with self._lock:
            handle, users = self._users.pop(domain)
            if users > 1:
                self._users[domain] = handle, users - 1
            else:
                library().dds_delete(handle)


_E = TypeVar("_E", bound="Endpoint")
_domains = _Domains()  # Cyclone DDS itself knows each domain once a process


class Participant(Thing):
    """A process's part in a domain."""

    def __init__(self, domain: int, settings: str, user_data: bytes) -> None:
        """Join `domain` (0..232) with Cyclone DDS's `settings` (XML). Raises DDSError."""
        self._domain = domain
        _domains.enter(domain, settings)
        try:
            with participant_record(user_data) as qos:
                handle = library().dds_create_participant(domain, qos, None)
            super().__init__(checked(handle, f"domain {domain} cannot be joined"))
        except BaseException:
            _domains.leave(domain)
            raise
        self._publisher = checked(library().dds_create_publisher(handle, None, None), "no publisher")
        self._subscriber = checked(library().dds_create_subscriber(handle, None, None), "no subscriber")

    def close(self) -> None:
        """Leave the domain."""
        super().close()
        _domains.leave(self._domain)

    def writer(self, topic: str, type_name: str, policies: Policies) -> Writer:
        """A writer of `topic`, whose samples are of the type named."""
        return self._endpoint(Writer, library().dds_create_writer, self._publisher, topic, type_name, policies)

    def reader(self, topic: str, type_name: str, policies: Policies) -> Reader:
        """A reader of `topic`, whose samples are of the type named."""
        return self._endpoint(Reader, library().dds_create_reader, self._subscriber, topic, type_name, policies)

    def _endpoint(
        self, kind: type[_E], create: Callable[..., int], parent: int, topic: str, type_name: str, policies: Policies
    ) -> _E:
        # All that Cyclone DDS is told of the type is one octet: whatever CDR follows is then passed on unread.
        octet = (c.c_uint32 * 3)(OCTET_AT, 0, 0)
        descriptor = TopicDescriptor(size=1, align=1, typename=type_name.encode(), nops=2, ops=octet)
        made = checked(
            library().dds_create_topic(self.handle, c.byref(descriptor), topic.encode(), None, None),
            f"topic {topic} of type {type_name} could not be made",
        )
        try:
            with record_of(policies) as qos:
                return kind(checked(create(parent, made, qos, None), f"{topic} could not be opened"))
        finally:
            library().dds_delete(made)


class Endpoint(Thing):
    """A reader or writer."""

    def policies(self) -> Policies:
        """Its quality of service, as made."""
        qos = library().dds_create_qos()
        try:
            checked(library().dds_get_qos(self.handle, qos), "no quality of service")
            return policies_of(qos)
        finally:
            library().dds_delete_qos(qos)

    def watch(self, statuses: int) -> None:
        """Let the statuses whose bits are given wake who waits on this endpoint, and no others."""
        checked(library().dds_set_status_mask(self.handle, statuses), "statuses cannot be watched")

    def changes(self) -> int:
        """Bits of the statuses that changed since each was last read."""
        changed = c.c_uint32()
        library().dds_get_status_changes(self.handle, c.byref(changed))
        return changed.value

    def status(self, name: str) -> list[int]:
        """The words of a status record; its changes then count from now."""
        record = Status()
        checked(getattr(library(), f"dds_get_{name}_status")(self.handle, c.byref(record)), f"no status {name}")
        return list(record.words)

    @property
    def instance(self) -> int:
        """The handle by which samples and matches tell this endpoint."""
        instance = c.c_uint64()
        checked(library().dds_get_instance_handle(self.handle, c.byref(instance)), "no handle")
        return instance.value


class Writer(Endpoint):
    """Where samples go out."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._type = c.c_void_p()
        checked(library().dds_get_entity_sertype(handle, c.byref(self._type)), "no type")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send CDR with its 4-byte header. Blocks where readers are slow and nothing may be lost. Raises DDSError."""
        held = (
            c.c_char_p(data) if isinstance(data, bytes) else (c.c_char * len(data)).from_buffer(data)
        )  # borrowed: Cyclone DDS copies it
        source = Bytes(c.cast(held, c.c_void_p), len(data))
        sample = library().ddsi_serdata_from_ser_iov(self._type, DATA, 1, c.byref(source), len(data))
        if sample is None:
            checked(-1, "the sample is no CDR")
        checked(library().dds_writecdr(self.handle, sample), "the sample could not be written")

    def matched(self) -> list[int]:
        """Handles of the readers that it writes to."""
        return _matched(library().dds_get_matched_subscriptions, self.handle)

    def user_data_of(self, reader: int) -> bytes | None:
        """What a matched reader says of itself; None where it is gone."""
        return _user_data(library().dds_get_matched_subscription_data, self.handle, reader)

    def assert_liveliness(self) -> None:
        """Say that it lives."""
        checked(library().dds_assert_liveliness(self.handle), "liveliness cannot be asserted")

    def wait_for_acks(self, timeout: int) -> bool:
        """Wait until readers have all that was written, at most `timeout` ns; whether they have."""
        code = library().dds_wait_for_acks(self.handle, timeout)
        return code != TIMEOUT and checked(code, "acknowledgements cannot be waited for") == 0


class Reader(Endpoint):
    """Where samples come in."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self.condition = checked(library().dds_create_readcondition(handle, ANY_STATE), "no condition")

    def take(self) -> Sample | None:
        """The oldest sample held, which is then no longer held; None where there is none."""
        dds, info, taken = library(), SampleInfo(), c.c_void_p()
        while checked(dds.dds_takecdr(self.handle, c.byref(taken), 1, c.byref(info), ANY_STATE), "nothing to take"):
            try:
                if info.valid_data:
                    return Sample(_content(taken), info.source_timestamp, info.publication_handle)
            finally:
                dds.ddsi_serdata_unref(taken)
        return None

    def matched(self) -> list[int]:
        """Handles of the writers that it hears."""
        return _matched(library().dds_get_matched_publications, self.handle)

    def user_data_of(self, writer: int) -> bytes | None:
        """What a matched writer says of itself; None where it is gone."""
        return _user_data(library().dds_get_matched_publication_data, self.handle, writer)


class Guard(Thing):
    """Something to wait on that a program triggers itself."""

    def __init__(self, participant: Participant) -> None:
        super().__init__(checked(library().dds_create_guardcondition(participant.handle), "no guard condition"))

    def trigger(self) -> None:
        """Wake who waits on it, now or when next it is waited on."""
        library().dds_set_guardcondition(self.handle, True)

    def take(self) -> bool:
        """Whether it was triggered since last taken."""
        triggered = c.c_bool()
        library().dds_take_guardcondition(self.handle, c.byref(triggered))
        return triggered.value


class WaitSet(Thing):
    """Several things to wait on at once, by their handles."""

    def __init__(self, participant: Participant) -> None:
        super().__init__(checked(library().dds_create_waitset(participant.handle), "no wait set"))
        self._attached: set[int] = set()

    def wait(self, handles: set[int], timeout: int) -> set[int]:
        """Those of `handles` with something to do, after at most `timeout` ns (INFINITE: none).

        For one thread at a time. Handles that are gone are left out.
        """
        dds = library()
        for handle in self._attached - handles:
            dds.dds_waitset_detach(self.handle, handle)
        for handle in handles - self._attached:
            dds.dds_waitset_attach(self.handle, handle, handle)
        self._attached = set(handles)
        ready = (c.c_ssize_t * _MOST_WAITED_FOR)()
        count = dds.dds_waitset_wait(self.handle, ready, _MOST_WAITED_FOR, timeout)
        return set(ready[: max(0, min(count, _MOST_WAITED_FOR))])


def _content(sample: c.c_void_p) -> bytes:
    dds, view = library(), Bytes()
    held = dds.ddsi_serdata_to_ser_ref(sample, 0, dds.ddsi_serdata_size(sample), c.byref(view))
    try:
        return c.string_at(view.base, view.length)
    finally:
        dds.ddsi_serdata_to_ser_unref(held, c.byref(view))


def _matched(ask: Callable[..., int], handle: int) -> list[int]:
    most = 64
    while True:
        found = (c.c_uint64 * most)()
        count = checked(ask(handle, found, most), "matches unknown")
        if count <= most:
            return list(found[:count])
        most = count


def _user_data(ask: Callable[..., Any], handle: int, other: int) -> bytes | None:
    endpoint = ask(handle, other)
    if not endpoint:
        return None
    try:
        return user_data_of(endpoint.contents.qos)
    finally:
        library().dds_builtintopic_free_endpoint(endpoint)
