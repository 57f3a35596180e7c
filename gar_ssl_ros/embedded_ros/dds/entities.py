"""Readers and writers of a domain."""

from __future__ import annotations

import ctypes as c
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .gate import Gate
from .library import (
    ANY_STATE,
    DATA,
    TIMEOUT,
    Bytes,
    DDSError,
    Guid,
    SampleInfo,
    Status,
    checked,
    library,
)
from .policies import Policies, policies_of, user_data_of


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

    def __init__(self, gate: Gate, handle: int) -> None:
        self.gate = gate
        self.handle = handle
        guid = Guid()
        self.guid = bytes(guid.bytes) if library().dds_get_guid(handle, c.byref(guid)) == 0 else b""

    def close(self) -> None:
        """Take it out of the graph, with all that was made in it; nothing happens where it is gone already."""
        with suppress(DDSError), self.gate:
            library().dds_delete(self.handle)


class Endpoint(Thing):
    """A reader or writer."""

    def policies(self) -> Policies:
        """Its quality of service, as made."""
        with self.gate:
            qos = library().dds_create_qos()
            try:
                checked(library().dds_get_qos(self.handle, qos), "no quality of service")
                return policies_of(qos)
            finally:
                library().dds_delete_qos(qos)

    def watch(self, statuses: int) -> None:
        """Let the statuses whose bits are given wake who waits on this endpoint, and no others."""
        with self.gate:
            checked(library().dds_set_status_mask(self.handle, statuses), "statuses cannot be watched")

    def changes(self) -> int:
        """Bits of the statuses that changed since each was last read."""
        changed = c.c_uint32()
        with self.gate:
            library().dds_get_status_changes(self.handle, c.byref(changed))
        return changed.value

    def status(self, name: str) -> list[int]:
        """The words of a status record; its changes then count from now."""
        record = Status()
        with self.gate:
            checked(getattr(library(), f"dds_get_{name}_status")(self.handle, c.byref(record)), f"no status {name}")
        return list(record.words)

    @property
    def instance(self) -> int:
        """The handle by which samples and matches tell this endpoint."""
        instance = c.c_uint64()
        with self.gate:
            checked(library().dds_get_instance_handle(self.handle, c.byref(instance)), "no handle")
        return instance.value


class Writer(Endpoint):
    """Where samples go out."""

    def __init__(self, gate: Gate, handle: int, sertype: c.c_void_p) -> None:
        super().__init__(gate, handle)
        self._closing = threading.Lock()  # its type lives no longer than itself
        self._type = sertype

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send CDR with its 4-byte header. Blocks where readers are slow and nothing may be lost. Raises DDSError."""
        held = (
            c.c_char_p(data) if isinstance(data, bytes) else (c.c_char * len(data)).from_buffer(data)
        )  # borrowed: Cyclone DDS copies it
        source = Bytes(c.cast(held, c.c_void_p), len(data))
        with self.gate:
            with self._closing:
                if not self._type:
                    raise DDSError("the writer is closed")
                sample = library().ddsi_serdata_from_ser_iov(self._type, DATA, 1, c.byref(source), len(data))
            if sample is None:
                checked(-1, "the sample is no CDR")
            checked(library().dds_writecdr(self.handle, sample), "the sample could not be written")

    def close(self) -> None:
        """Take it out of the graph; who writes then is told so."""
        with self._closing:
            self._type.value = None
        super().close()

    def matched(self) -> list[int]:
        """Handles of the readers that it writes to."""
        with self.gate:
            return _matched(library().dds_get_matched_subscriptions, self.handle)

    def user_data_of(self, reader: int) -> bytes | None:
        """What a matched reader says of itself; None where it is gone."""
        with self.gate:
            return _user_data(library().dds_get_matched_subscription_data, self.handle, reader)

    def assert_liveliness(self) -> None:
        """Say that it lives."""
        with self.gate:
            checked(library().dds_assert_liveliness(self.handle), "liveliness cannot be asserted")

    def wait_for_acks(self, timeout: int) -> bool:
        """Wait until readers have all that was written, at most `timeout` ns. Return True if they have."""
        with self.gate:
            code = library().dds_wait_for_acks(self.handle, timeout)
        return code != TIMEOUT and checked(code, "acknowledgements cannot be waited for") == 0


class Reader(Endpoint):
    """Where samples come in."""

    def __init__(self, gate: Gate, handle: int) -> None:
        super().__init__(gate, handle)
        self.condition = checked(library().dds_create_readcondition(handle, ANY_STATE), "no condition")

    def take(self) -> Sample | None:
        """The oldest sample held, which is then no longer held; None where there is none."""
        dds, info, taken = library(), SampleInfo(), c.c_void_p()
        with self.gate:
            while checked(dds.dds_takecdr(self.handle, c.byref(taken), 1, c.byref(info), ANY_STATE), "nothing to take"):
                try:
                    if info.valid_data:
                        return Sample(_content(taken), info.source_timestamp, info.publication_handle)
                finally:
                    dds.ddsi_serdata_unref(taken)
        return None

    def matched(self) -> list[int]:
        """Handles of the writers that it hears."""
        with self.gate:
            return _matched(library().dds_get_matched_publications, self.handle)

    def user_data_of(self, writer: int) -> bytes | None:
        """What a matched writer says of itself; None where it is gone."""
        with self.gate:
            return _user_data(library().dds_get_matched_publication_data, self.handle, writer)


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
