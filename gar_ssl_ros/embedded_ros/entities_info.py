"""What others say of their nodes on `ros_discovery_info` (rmw_dds_common/msg/ParticipantEntitiesInfo).

Ids are 16 bytes long since Iron, and were 24 in Humble, as they are in RustDDS; a message does not say which, so the
length that makes sense of all of it counts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_GUID_BYTES = 16  # of an id that count
_ID_LENGTHS = (_GUID_BYTES, 24)
_MAX_PADDING_BYTES = 3  # that may follow a message at most


@dataclass(frozen=True)
class NodeTold:
    """A node, with the guids of its readers and writers."""

    name: str
    namespace: str
    readers: frozenset[bytes]
    writers: frozenset[bytes]


@dataclass(frozen=True)
class Told:
    """A participant's nodes."""

    participant: bytes
    nodes: tuple[NodeTold, ...]


def read(data: bytes) -> Told | None:
    """What is in a sample (CDR with its 4-byte header); None where it is no such message."""
    for length in _ID_LENGTHS:
        cursor = _Cursor(data, length)
        try:
            told = Told(cursor.guid(), tuple(cursor.node() for _ in range(cursor.count())))
        except (struct.error, UnicodeDecodeError):
            continue
        if 0 <= len(data) - cursor.at <= _MAX_PADDING_BYTES:
            return told
    return None


class _Cursor:
    def __init__(self, data: bytes, id_length: int) -> None:
        self._data = data
        self._id_length = id_length
        self._order = "<" if data[1:2] == b"\1" else ">"
        self.at = 4

    def node(self) -> NodeTold:
        namespace, name = self._text(), self._text()
        readers, writers = (frozenset(self.guid() for _ in range(self.count())) for _ in range(2))
        return NodeTold(name, namespace, readers, writers)

    def guid(self) -> bytes:
        return self._take(self._id_length)[:_GUID_BYTES]

    def count(self) -> int:
        self.at += -self.at % 4
        (count,) = struct.unpack(f"{self._order}I", self._take(4))
        return int(count)

    def _text(self) -> str:
        return self._take(self.count()).rstrip(b"\0").decode()

    def _take(self, size: int) -> bytes:
        taken = self._data[self.at : self.at + size]
        if len(taken) < size:
            raise struct.error("cut short")
        self.at += size
        return taken
