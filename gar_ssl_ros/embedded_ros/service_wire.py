"""How services travel over DDS, as rmw_cyclonedds_cpp has it.

A request or response is a sample whose fields come after a call header: who called (the instance handle of the client's
writer, uint64) and which call it was (int64). Client and service name themselves in the user data of their reader and
writer, so that each knows which of the other's belong together.
"""

from __future__ import annotations

import itertools
import struct
import time
from dataclasses import dataclass
from typing import Any

from ..interfaces import dds_type_name, deserialize, serialize, type_hash
from .dds.entities import Reader, Sample, Writer
from .dds.participant import Participant
from .dds.policies import Policies, key_values
from .graph import REPLY_PREFIX, REQUEST_PREFIX

_CALL_HEADER = struct.Struct("<Qq")
_ENCAPSULATION_BYTES = 4
_MATCH_TIMEOUT_S = 0.1  # that a response waits for its client's reader, as in rmw_cyclonedds_cpp
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """Which call: caller is the handle in the call header, writer the one by which we know the caller's writer."""

    caller: int
    sequence_number: int
    writer: int = 0


@dataclass(frozen=True)
class Ends:
    """The reader and writer of one client or service."""

    reader: Reader
    writer: Writer

    def close(self) -> None:
        """Take both out of the graph."""
        self.reader.close()
        self.writer.close()

    def send(self, call: Call, message: Any) -> None:
        """Send the fields of a request or response after a call header."""
        data = serialize(message)
        header = _CALL_HEADER.pack(call.caller, call.sequence_number)
        self.writer.write(data[:_ENCAPSULATION_BYTES] + header + data[_ENCAPSULATION_BYTES:])


def client_ends(participant: Participant, service: str, kind: Any, policies: Policies) -> Ends:
    """What a client of a service reads and writes with."""
    return _ends(participant, service, kind, policies, "clientid")


def service_ends(participant: Participant, service: str, kind: Any, policies: Policies) -> Ends:
    """What a service reads and writes with."""
    return _ends(participant, service, kind, policies, "serviceid")


def received(sample: Sample, kind: type[Any]) -> tuple[Call, Any]:
    """The call and message in a sample. Raises CdrError or ValueError where it is none."""
    if len(sample.data) < _ENCAPSULATION_BYTES + _CALL_HEADER.size:
        raise ValueError("it is shorter than a call header")
    caller, number = _CALL_HEADER.unpack_from(sample.data, _ENCAPSULATION_BYTES)
    fields = sample.data[:_ENCAPSULATION_BYTES] + sample.data[_ENCAPSULATION_BYTES + _CALL_HEADER.size :]
    return Call(caller, number, sample.writer), deserialize(fields, kind)


def await_caller(ends: Ends, call: Call) -> bool:
    """Wait until a response reaches its caller; False where the caller is gone, or does not appear."""
    end = time.monotonic() + _MATCH_TIMEOUT_S
    while True:
        said = ends.reader.user_data_of(call.writer)
        if said is None:
            return False
        client = key_values(said).get("clientid")
        if client is None or client in _ids(ends.writer, "clientid"):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.005)


def has_service(ends: Ends) -> bool:
    """True if a client's requests reach a service whose responses reach the client."""
    readers, writers = _ids(ends.writer, "serviceid"), _ids(ends.reader, "serviceid")
    if not any(readers):
        return bool(readers) and bool(writers)
    return not readers.isdisjoint(writers)


def _ends(participant: Participant, service: str, kind: Any, policies: Policies, key: str) -> Ends:
    mine = f"{key}={participant.guid.hex()}.{next(_numbers)};"
    request = (f"{REQUEST_PREFIX}{service}Request", kind.Request)
    reply = (f"{REPLY_PREFIX}{service}Reply", kind.Response)
    (read, read_kind), (written, written_kind) = (request, reply) if key == "serviceid" else (reply, request)

    def with_data(message: Any) -> Policies:
        return Policies(**{**policies.__dict__, "user_data": f"{mine}typehash={type_hash(message)};".encode()})

    writer = participant.writer(written, dds_type_name(written_kind), with_data(written_kind))
    return Ends(participant.reader(read, dds_type_name(read_kind), with_data(read_kind)), writer)


def _ids(end: Reader | Writer, key: str) -> set[str | None]:
    said = [end.user_data_of(other) for other in end.matched()]
    return {key_values(data).get(key) for data in said if data is not None}
