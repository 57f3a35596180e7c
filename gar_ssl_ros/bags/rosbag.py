"""rosbag2 recordings, mcap and sqlite3: what was recorded read in its order, and new bags written.

Times of a bag are ns at which messages were received when it was recorded; what a message's own header says is the
message's business.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Literal

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinitionFormat,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.interfaces.typing import Typesdict
from rosbags.rosbag2 import Reader, StoragePlugin, Writer, WriterError
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from gar_ssl_ros.bags.marks import Marks
from gar_ssl_ros.bags.readers import PiecesReader, opened
from gar_ssl_ros.errors import UserError
from gar_ssl_ros.files import check_file, open_file, shown
from gar_ssl_ros.interfaces import typestore
from gar_ssl_ros.messages.interfaces import interfaces

BAG_VERSION: Literal[8] = 8  # of new bags: what Humble can read as well as Jazzy
BAG_SUFFIXES = (".mcap", ".db3")
REMEDY = "recover it with `ros2 bag convert` or `mcap recover`, or record it again"
FOREIGN = "Profile is not ros2."  # in rosbags' words
PIECE = re.compile(r"(.+)_(\d{3,})")  # the name of a bag that is one of a row
UNKNOWN_HASH = "RIHS01_" + "0" * 64  # of a type whose definition nobody has


class BagError(UserError):
    """A bag that cannot be read or written: one sentence that names it, what is wrong and what to do."""


@dataclass(frozen=True)
class Recorded:
    """A message of a bag. time: ns, when it was recorded. data: as it came over the wire (CDR)."""

    connection: Connection
    time: int
    data: bytes

    @property
    def topic(self) -> str:
        """Its full name."""
        return self.connection.topic


class Bag:
    """A recording, open for reading; a context. Threads that read it at once take turns, message by message.

    plugin: of its files. damage: what of it cannot be read, a sentence each; empty unless it is read in spite of that.
    """

    def __init__(self, path: Path, cut_short: bool = False) -> None:
        """`path`: the bag's folder, its one file, or a folder of bags NAME_000, NAME_001 and so on, which are one.

        cut_short: True if what is whole of one that was cut short is to be read. Raises BagError where it cannot be.
        """
        self.path = path
        self._typestore = get_typestore(Stores.EMPTY)
        self._turn = Lock()
        storages = _storages(path)
        files = [file for one in storages for file in (one.iterdir() if one.is_dir() else [one])]
        self.plugin = StoragePlugin.MCAP if any(".mcap" in file.suffixes for file in files) else StoragePlugin.SQLITE3
        if self.plugin is StoragePlugin.SQLITE3:
            _check_address(path)
        self._reader: Reader | PiecesReader
        try:
            if len(storages) > 1:
                self._reader = PiecesReader(storages, cut_short)
                self.damage = self._reader.damage
            else:
                self._reader, damage = opened(storages[0], cut_short)
                self.damage = [damage] if damage else []
        except Exception as problem:  # damaged bytes show as struct.error, IndexError, OverflowError and more
            if str(problem) == FOREIGN:
                raise BagError(f"{path} is an mcap of another program: give a bag of ROS 2") from None
            raise BagError(f"{path} cannot be read ({_said(problem)}): {REMEDY}") from None

    @property
    def connections(self) -> list[Connection]:
        """The recorded topics: name, type, definition and quality of service of each."""
        return list(self._reader.connections)

    @property
    def start(self) -> int:
        """Time of the first message, ns."""
        return self._reader.start_time

    @property
    def duration(self) -> int:
        """From the first message to the last, ns."""
        return self._reader.duration

    def messages(
        self, connections: Sequence[Connection] = (), start: int | None = None, stop: int | None = None
    ) -> Iterator[Recorded]:
        """Every message in the order of the recording, of some topics and times, ns, where they are given.

        Raises BagError where it is damaged: at the end, where messages are missing of all that it says it holds.
        """
        messages = self._reader.messages(connections, start, stop)
        time = self._reader.start_time
        read = 0
        while True:
            try:
                with self._turn:
                    connection, time, data = next(messages)
                read += 1
            except StopIteration:
                break
            except Exception as problem:  # see above
                after = (time - self._reader.start_time) / 1e9
                raise BagError(f"{self.path} is damaged {after:.1f} s into it ({_said(problem)}): {REMEDY}") from None
            yield Recorded(connection, time, bytes(data))
        if start is None and stop is None:
            self._check_count(connections or self.connections, read)

    def _check_count(self, connections: Sequence[Connection], read: int) -> None:
        """Raises BagError where the bag says that it holds more: its reader passes over what it cannot place."""
        told = sum(connection.msgcount for connection in connections)
        if read < told:
            raise BagError(
                f"{self.path} is damaged: {told - read} of its {told} messages are not to be found: {REMEDY}"
            )

    def message(self, recorded: Recorded) -> object:
        """The message itself, its fields as in its definition. Raises BagError where its bytes are no such message."""
        name = recorded.connection.msgtype
        try:
            with self._turn:
                if name not in self._typestore.fielddefs:
                    self._learn(recorded.connection)
            return self._typestore.deserialize_cdr(recorded.data, name)
        except Exception as problem:  # see above
            raise BagError(f"a message of {recorded.topic} cannot be read: {_said(problem)}") from None

    def _learn(self, connection: Connection) -> None:
        if connection.msgdef.format is MessageDefinitionFormat.NONE:  # before Iron, bags carried no definitions
            self._typestore.register(known_types(connection.msgtype).fielddefs)
        else:
            self._typestore.register(_types(connection))

    def close(self) -> None:
        """Nothing can be read after it."""
        self._reader.close()

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class BagWriter:
    """A new bag; a context. It is whole and readable wherever writing it ends, an exception included."""

    def __init__(self, path: Path, plugin: StoragePlugin) -> None:
        """Make the folder `path`. Raises BagError where it exists already or cannot be made."""
        self.path = path
        if not path.name or path.name != shown(path.name):  # it enters the metadata
            raise BagError(f"{path} is no name for a bag: give it one in UTF-8")
        if plugin is StoragePlugin.SQLITE3:
            _check_address(path)
        try:
            self._writer = Writer(path, version=BAG_VERSION, storage_plugin=plugin)
            self._writer.open()
            self._marks = Marks(self._writer)
        except WriterError:
            raise BagError(f"{path} exists already: name a folder that does not") from None
        except (OSError, sqlite3.Error) as problem:
            self._discard()
            raise BagError(f"{path} cannot be written ({_said(problem)}): name another folder") from None
        self._full = False

    def _discard(self) -> None:
        """Remove what was made of a bag that could not be begun."""
        with suppress(OSError):
            for suffix in BAG_SUFFIXES:
                (self.path / f"{self.path.name}{suffix}").unlink(missing_ok=True)
            self.path.rmdir()

    def copy_topic(self, recorded: Connection) -> Connection:
        """Announce a topic as another bag has it."""
        assert isinstance(recorded.ext, ConnectionExtRosbag2)
        definition, digest = recorded.msgdef.data, recorded.digest
        if not (definition and digest):
            definition, digest = self._definition(recorded)
        return self._writer.add_connection(
            recorded.topic,
            recorded.msgtype,
            msgdef=definition,
            rihs01=digest,
            serialization_format=recorded.ext.serialization_format,
            offered_qos_profiles=recorded.ext.offered_qos_profiles,
        )

    def add_topic(self, name: str, msgtype: str, qos: Qos) -> Connection:
        """Announce a topic of a type that this package knows."""
        store = known_types(msgtype)
        return self._writer.add_connection(name, msgtype, typestore=store, offered_qos_profiles=[qos])

    def write(self, topic: Connection, time: int, data: bytes) -> None:
        """Append a message (CDR) with the time, ns, at which it is to be met. Raises BagError where that fails."""
        try:
            self._writer.write(topic, time, data)
            self._marks.wrote(len(data))
        except (OSError, sqlite3.Error) as problem:
            self._full = True
            raise BagError(f"{self.path} cannot be written ({_said(problem)}): free some space") from None

    def close(self) -> None:
        """Nothing can be written after it. Raises BagError where the last of it cannot be written."""
        problem: Exception | None = None
        while not self._full or self._marks.back():
            try:
                self._writer.close()
            except (OSError, sqlite3.Error) as fresh:
                self._full, problem = True, problem or fresh
            else:
                break
        else:
            with suppress(OSError, sqlite3.Error):
                (self.path / "metadata.yaml.tmp").unlink(missing_ok=True)
                self._writer.abort()
            if self._marks.nothing:
                self._discard()
        if problem is not None:
            raise BagError(f"{self.path} cannot be written ({_said(problem)}): free some space") from None

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _definition(self, recorded: Connection) -> tuple[str, str]:
        """A type's definition and hash where its bag lacks one of them, as far as they can be known."""
        name, definition = recorded.msgtype, recorded.msgdef
        store = known_types(name)
        if definition.format is not MessageDefinitionFormat.NONE:
            store = get_typestore(Stores.EMPTY)
            store.register(_types(recorded))
        if name not in store.fielddefs:
            return "", recorded.digest or UNKNOWN_HASH
        return definition.data or store.generate_msgdef(name, ros_version=2)[0], store.hash_rihs01(name)


def known_types(name: str) -> Typestore:
    """Every message that this package knows; `name` tells which where packages share a name."""
    return _known_types(name if name.startswith("audio_common_msgs/") else "")


@cache
def _known_types(name: str) -> Typestore:
    return typestore(name, {"gar_ssl_ros": interfaces()})


def qos(depth: int, reliable: bool = True, latched: bool = False) -> Qos:
    """The quality of service of a topic that keeps its last `depth` messages, as bags have it."""
    none = QosTime(0, 0)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=none,
        lifespan=none,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=none,
        avoid_ros_namespace_conventions=False,
    )


def _types(connection: Connection) -> Typesdict:
    if connection.msgdef.format is MessageDefinitionFormat.IDL:
        return get_types_from_idl(connection.msgdef.data)
    return get_types_from_msg(connection.msgdef.data, connection.msgtype)


def _storages(path: Path) -> list[Path]:
    """What rosbags is to open: the folder, or its one file where its metadata is missing; of a row, of each.

    Raises BagError.
    """
    try:
        if not path.exists():
            raise BagError(f"{path} does not exist: check the path")
        if path.is_dir():
            pieces = _pieces_in(path)
            return [_storage_in(piece) for piece in pieces] if pieces else [_storage_in(path)]
        if path.suffix == ".bag":
            raise BagError(f"{path} is a bag of ROS 1: make it one of ROS 2 with `rosbags-convert`")
        if path.suffix not in BAG_SUFFIXES:
            raise BagError(f"{path} is not a rosbag2: give its folder, or its .mcap or .db3 file")
        open_file(path).close()  # so that it is a file, and may be read
    except OSError as problem:
        raise BagError(f"{problem.filename or path} cannot be read: {problem.strerror}") from None
    return [path]


def _pieces_in(folder: Path) -> list[Path]:
    """The bags of a row, in their order; none where it is no folder of one."""
    rows: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.iterdir():
        if path.suffix in BAG_SUFFIXES or path.name == "metadata.yaml":
            return []
        if (named := PIECE.fullmatch(path.name)) and path.is_dir() and any(path.iterdir()):
            rows.setdefault(named[1], []).append((int(named[2]), path))
    if len(rows) > 1:
        raise BagError(f"{folder} has bags of {' and '.join(sorted(rows))}: give a folder that has those of one")
    return [path for row in rows.values() for _, path in sorted(row)]


def _storage_in(folder: Path) -> Path:
    inside = sorted(folder.iterdir())
    files = [path for path in inside if path.suffix in BAG_SUFFIXES]
    described = (folder / "metadata.yaml").exists()
    if not files and not described:
        raise BagError(f"{folder} is a folder without a rosbag2: give the folder that holds metadata.yaml")
    if len(files) > 1 and not described:
        raise BagError(f"{folder} has several files and no metadata.yaml: make it with `ros2 bag reindex`")
    for path in inside:  # whatever the metadata names
        if path.exists() and not path.is_dir():
            check_file(path)
    return folder if described else files[0]


def _check_address(path: Path) -> None:
    """Raises BagError where SQLite, which is given it as a URI, would take it for another file's."""
    if odd := sorted(set(str(path)) & set("?#%")):
        raise BagError(f"{path} holds {' and '.join(odd)}, which SQLite reads otherwise: give it another name")


def _said(problem: Exception) -> str:
    return (str(problem) or type(problem).__name__).splitlines()[0].rstrip(".")
