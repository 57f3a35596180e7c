"""Who else is in a domain, as Cyclone DDS has discovered it. What others say of themselves may be any bytes."""

from __future__ import annotations

import ctypes as c
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .library import (
    ALIVE,
    BUILTIN_PARTICIPANTS,
    BUILTIN_READERS,
    BUILTIN_WRITERS,
    BuiltinEndpoint,
    BuiltinParticipant,
    SampleInfo,
    checked,
    library,
)
from .participant import Participant
from .policies import Policies, key_values, policies_of, text_of, user_data_of

_ALIVE_ONES = 3 | 12 | ALIVE  # read or not, new or not
_T = TypeVar("_T")
_R = TypeVar("_R", bound=c.Structure)


@dataclass(frozen=True)
class RemoteEndpoint:
    """A reader or writer, ours or another's. guid, participant: 16 bytes each."""

    guid: bytes
    participant: bytes
    topic: str
    type_name: str
    policies: Policies

    @property
    def type_hash(self) -> str:
        """RIHS01_…, "" where it says none."""
        return key_values(self.policies.user_data).get("typehash", "")


class Discovery:
    """Asks Cyclone DDS, each time anew."""

    def __init__(self, participant: Participant) -> None:
        self._gate = participant.gate
        self._readers = {
            topic: checked(library().dds_create_reader(participant.handle, topic, None, None), "discovery is closed")
            for topic in (BUILTIN_PARTICIPANTS, BUILTIN_WRITERS, BUILTIN_READERS)
        }

    def participants(self) -> dict[bytes, str]:
        """The participants by their guid, with the enclave that ROS ones name."""

        def read(found: BuiltinParticipant) -> tuple[bytes, str]:
            return bytes(found.key.bytes), key_values(user_data_of(found.qos)).get("enclave", "")

        return dict(self._alive(BUILTIN_PARTICIPANTS, BuiltinParticipant, read))

    def writers(self) -> list[RemoteEndpoint]:
        """All writers."""
        return self._alive(BUILTIN_WRITERS, BuiltinEndpoint, _endpoint)

    def readers(self) -> list[RemoteEndpoint]:
        """All readers."""
        return self._alive(BUILTIN_READERS, BuiltinEndpoint, _endpoint)

    def _alive(self, topic: int, record: type[_R], read: Callable[[_R], _T]) -> list[_T]:
        dds, reader, most = library(), self._readers[topic], 256
        with self._gate:
            while True:
                samples, infos = (c.c_void_p * most)(), (SampleInfo * most)()
                count = checked(
                    dds.dds_read_mask(reader, samples, infos, most, most, _ALIVE_ONES), "discovery is closed"
                )
                try:
                    if count < most:
                        return [
                            read(c.cast(c.c_void_p(samples[at]), c.POINTER(record)).contents)
                            for at in range(count)
                            if infos[at].valid_data
                        ]
                finally:
                    dds.dds_return_loan(reader, samples, count)
                most *= 4


def _endpoint(found: BuiltinEndpoint) -> RemoteEndpoint:
    return RemoteEndpoint(
        bytes(found.key.bytes),
        bytes(found.participant_key.bytes),
        text_of(found.topic_name),
        text_of(found.type_name),
        policies_of(found.qos),
    )
