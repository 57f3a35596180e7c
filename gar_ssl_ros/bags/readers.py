"""What rosbags does not read by itself: an mcap that was cut short, and a row of bags as one."""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.rosbag2.storage_mcap import ChunkInfo, McapReader

RECORD_HEAD = struct.Struct("<BQ")  # operation code, length of what follows (mcap.dev/spec)
CHUNK_HEAD = struct.Struct("<QQQII")  # first and last time, size, CRC, length of the compression's name
CHUNK, DATA_END = 0x06, 0x0F
NO_OPERATION = 0x00  # of no record: what a file holds that was made longer and not written


class CutShortReader(McapReader):
    """An mcap of which the end may be missing, as of a recorder that was killed: all that is whole of it."""

    def _open(self) -> None:
        try:
            super()._open()
        except Exception:
            if not self.data_start:  # nothing of it is an mcap of ROS 2
                raise
            self._scan()

    def _scan(self) -> None:
        assert self.bio is not None
        size, at = self.bio.seek(0, 2), self.bio.seek(self.data_start)
        chunks: list[ChunkInfo] = []
        while at + RECORD_HEAD.size <= size:
            code, length = RECORD_HEAD.unpack(self.bio.read(RECORD_HEAD.size))
            if code in (NO_OPERATION, DATA_END) or at + RECORD_HEAD.size + length > size:
                break
            if code == CHUNK:
                chunks.append(self._chunk(at, length))
            at = self.bio.seek(at + RECORD_HEAD.size + length)
        self.data_end = at
        for held in (self.schemas, self.channels, self.connections):
            held.clear()
        self.meta_scan()
        assert self.statistics is not None
        counts = self.statistics.channel_message_counts
        total, start, end = sum(counts.values()), self.statistics.start_time, self.statistics.end_time
        if not total:
            raise ReaderError("it ends before its first message")
        self.chunks[:] = [chunk._replace(channel_count=dict(counts)) for chunk in chunks]
        self.connections = [one._replace(msgcount=counts.get(one.id, 0)) for one in self.connections]
        self.metadata = self.metadata._replace(
            duration=end - start + 1, start_time=start, end_time=end + 1, message_count=total
        )

    def _chunk(self, at: int, length: int) -> ChunkInfo:
        assert self.bio is not None
        start, end, size, _, name = CHUNK_HEAD.unpack(self.bio.read(CHUNK_HEAD.size))
        compression = self.bio.read(name).decode()
        (compressed,) = struct.unpack("<Q", self.bio.read(8))
        return ChunkInfo(start, end, at, RECORD_HEAD.size + length, {}, 0, compression, compressed, size, {})


def opened(storage: Path, cut_short: bool) -> tuple[Reader, str]:
    """A bag, and what is wrong with it, empty where nothing is. storage: its folder, or its one file.

    cut_short: True if what is whole of one that was cut short is to be read. Raises what rosbags does: of many types.
    """
    reader = Reader(storage)
    try:
        reader.open()
    except Exception:
        files = sorted(storage.glob("*.mcap")) if storage.is_dir() else [storage]
        if not cut_short or len(files) != 1 or files[0].suffix != ".mcap":
            raise
        reader = Reader(files[0])
        reader.storage = CutShortReader(files[0])
        reader.open()
        return reader, f"{files[0]} was cut short: {reader.duration / 1e9:.1f} s of it are whole"
    return reader, ""


@dataclass(frozen=True)
class _Piece:
    """storage: as of `opened`. start, end: of its messages, ns. reader: where it is held open."""

    storage: Path
    start: int
    end: int
    reader: Reader | None


class PiecesReader:
    """A row of bags as one, like rosbags' Reader; each is opened when its time comes.

    damage: what is wrong with some of them. Raises what rosbags does, where they are not to be read as far as they can.
    """

    def __init__(self, storages: Sequence[Path], cut_short: bool) -> None:
        self._cut_short = cut_short
        self.damage: list[str] = []
        self.connections: list[Connection] = []
        self._pieces: list[_Piece] = []
        known: dict[tuple[str, str], Connection] = {}
        for storage in storages:
            try:
                reader, damage = opened(storage, cut_short)
            except Exception as problem:
                if not cut_short:
                    raise
                self.damage.append(f"{storage} is left out: {problem}")
                continue
            for one in reader.connections:
                before = known.get((one.topic, one.msgtype))
                number, count = (len(known), 0) if before is None else (before.id, before.msgcount)
                known[one.topic, one.msgtype] = one._replace(id=number, msgcount=count + one.msgcount)
            self.damage += [damage] if damage else []
            if reader.message_count:
                held = reader if damage else None  # it takes a while to look through it again
                self._pieces.append(_Piece(storage, reader.start_time, reader.end_time, held))
            if not damage:
                reader.close()
        self._pieces.sort(key=lambda piece: piece.start)
        self.connections = list(known.values())
        if not self._pieces:
            raise ReaderError("; ".join(self.damage) or "nothing is in it")

    @property
    def start_time(self) -> int:
        """Of the first message, ns."""
        return self._pieces[0].start

    @property
    def duration(self) -> int:
        """From the first message to the last, ns."""
        return max(piece.end for piece in self._pieces) - self.start_time

    def messages(
        self, connections: Sequence[Connection] = (), start: int | None = None, stop: int | None = None
    ) -> Generator[tuple[Connection, int, bytes], None, None]:
        """As of rosbags' Reader."""
        wanted = {(one.topic, one.msgtype): one for one in connections or self.connections}
        for piece in self._pieces:
            if (stop is not None and piece.start >= stop) or (start is not None and piece.end <= start):
                continue
            if piece.reader is not None:
                yield from _messages(piece.reader, wanted, start, stop)
                continue
            try:
                reader, _ = opened(piece.storage, self._cut_short)
            except FileNotFoundError:  # a recorder that goes on has deleted it meanwhile
                continue
            with closing(reader):
                yield from _messages(reader, wanted, start, stop)

    def close(self) -> None:
        """Nothing can be read after it."""
        for piece in self._pieces:
            if piece.reader is not None:
                piece.reader.close()


def _messages(
    reader: Reader, wanted: dict[tuple[str, str], Connection], start: int | None, stop: int | None
) -> Generator[tuple[Connection, int, bytes], None, None]:
    theirs = [one for one in reader.connections if (one.topic, one.msgtype) in wanted]
    for connection, time, data in reader.messages(theirs, start, stop) if theirs else ():
        yield wanted[connection.topic, connection.msgtype], time, data
