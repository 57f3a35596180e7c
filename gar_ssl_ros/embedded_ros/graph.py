"""The ROS graph over DDS: which node has which readers and writers, and what ROS calls their topics and types.

Nodes tell of themselves on `ros_discovery_info` (rmw_dds_common's ParticipantEntitiesInfo, as since Iron), so that
`ros2 node list` shows ours, and ours know the others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..interfaces import dds_type_name, serialize, type_hash
from . import entities_info
from .classes import message_class
from .dds.discovery import Discovery, RemoteEndpoint
from .dds.entities import Reader, Writer
from .dds.participant import Participant
from .dds.policies import TRANSIENT_LOCAL, Policies
from .entities_info import NodeTold, Told

TOPIC_PREFIX, REQUEST_PREFIX, REPLY_PREFIX = "rt", "rq", "rr"  # what DDS topics start with


class NodeName(NamedTuple):
    """A node's name and namespace."""

    name: str
    namespace: str


@dataclass
class NodeEntry:
    """A node of ours, with the guids of its readers and writers."""

    name: NodeName
    readers: set[bytes] = field(default_factory=set)
    writers: set[bytes] = field(default_factory=set)


class Graph:
    """What a participant tells and knows of nodes. Thread-safe."""

    def __init__(self, participant: Participant, enclave: str = "/") -> None:
        self._lock = threading.RLock()
        self._participant = participant
        self._enclave = enclave
        self._ours: list[NodeEntry] = []
        self._theirs: dict[bytes, Told] = {}  # by participant, its newest message
        self._kind = message_class("rmw_dds_common/msg/ParticipantEntitiesInfo")
        said = f"typehash={type_hash(self._kind)};".encode()
        type_name = dds_type_name(self._kind)
        told = Policies(depth=1, durability=TRANSIENT_LOCAL, user_data=said)
        heard = Policies(depth=1000, durability=TRANSIENT_LOCAL, user_data=said, ignore_own=True)
        self._writer: Writer = participant.writer("ros_discovery_info", type_name, told)
        self._reader: Reader = participant.reader("ros_discovery_info", type_name, heard)
        self._discovery = Discovery(participant)

    def add(self, name: NodeName) -> NodeEntry:
        """Tell of a node of ours."""
        with self._lock:
            entry = NodeEntry(name)
            self._ours.append(entry)
            self.tell()
        return entry

    def remove(self, entry: NodeEntry) -> None:
        """Tell of a node no more."""
        with self._lock:
            self._ours.remove(entry)
            self.tell()

    def tell(self) -> None:
        """Tell what our nodes have now."""
        gid, info = message_class("rmw_dds_common/msg/Gid"), message_class("rmw_dds_common/msg/NodeEntitiesInfo")
        with self._lock:
            nodes = [
                info(
                    node_namespace=entry.name.namespace,
                    node_name=entry.name.name,
                    reader_gid_seq=[gid(data=list(guid)) for guid in sorted(entry.readers)],
                    writer_gid_seq=[gid(data=list(guid)) for guid in sorted(entry.writers)],
                )
                for entry in self._ours
            ]
            mine = gid(data=list(self._participant.guid))
            self._writer.write(serialize(self._kind(gid=mine, node_entities_info_seq=nodes)))

    def nodes(self) -> list[tuple[NodeName, str]]:
        """All nodes, each with its enclave."""
        found = [(entry.name, self._enclave) for entry in self._ours]
        enclaves = self._discovery.participants()
        for participant, told in self._heard(enclaves).items():
            found += [(NodeName(node.name, node.namespace), enclaves[participant]) for node in told.nodes]
        return found

    def endpoints_of(self, name: NodeName) -> tuple[frozenset[bytes], frozenset[bytes]] | None:
        """The guids of a node's readers and of its writers; None where there is no such node."""
        for node in self._all_nodes():
            if (node.name, node.namespace) == name:
                return node.readers, node.writers
        return None

    def owners(self) -> dict[bytes, NodeName]:
        """The node of each reader and writer, by its guid."""
        return {
            guid: NodeName(node.name, node.namespace)
            for node in self._all_nodes()
            for guid in node.readers | node.writers
        }

    def readers(self) -> list[RemoteEndpoint]:
        """All readers."""
        return self._discovery.readers()

    def writers(self) -> list[RemoteEndpoint]:
        """All writers."""
        return self._discovery.writers()

    def _all_nodes(self) -> list[NodeTold]:
        ours = [NodeTold(*entry.name, frozenset(entry.readers), frozenset(entry.writers)) for entry in self._ours]
        return ours + [node for told in self._heard(self._discovery.participants()).values() for node in told.nodes]

    def _heard(self, participants: Iterable[bytes]) -> dict[bytes, Told]:
        with self._lock:
            while (sample := self._reader.take()) is not None:
                if (told := entities_info.read(sample.data)) is not None:
                    self._theirs[told.participant] = told
            here = set(participants)
            self._theirs = {guid: told for guid, told in self._theirs.items() if guid in here}
            return dict(self._theirs)


def ros_topic(dds_topic: str) -> str | None:
    """What ROS calls a DDS topic; None where it is no ROS topic."""
    prefix, _, rest = dds_topic.partition("/")
    return f"/{rest}" if prefix == TOPIC_PREFIX and rest else None


def ros_service(dds_topic: str) -> str | None:
    """What ROS calls the service that a DDS topic belongs to; None where it belongs to none."""
    prefix, _, rest = dds_topic.partition("/")
    suffix = {REQUEST_PREFIX: "Request", REPLY_PREFIX: "Reply"}.get(prefix)
    return f"/{rest.removesuffix(suffix)}" if suffix and rest.endswith(suffix) else None


def ros_type(dds_type: str) -> str:
    """What ROS calls a DDS type; a request's or response's is its service's."""
    package, _, rest = dds_type.partition("::")
    if "::dds_::" not in dds_type or not dds_type.endswith("_"):
        return dds_type
    kind, _, name = rest.partition("::dds_::")
    name = name.removesuffix("_")
    if kind in {"srv", "action"}:
        name = name.removesuffix("_Request").removesuffix("_Response")
    return f"{package}/{kind}/{name}"
