"""A recording in the making: one bag, or a row of them, of which the oldest may be deleted as new ones are written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import StoragePlugin

from gar_ssl_ros.bags.rosbag import BagError, BagWriter
from gar_ssl_ros.errors import sentence
from gar_ssl_ros.media.window import SECOND

KEPT_PIECES = 10  # that what is kept is written in, where nothing is said of that
SHORTEST_S, LONGEST_S = 5.0, 60.0  # of such a piece


@dataclass(frozen=True)
class _Topic:
    """repeated: True if each piece is to begin with its last message."""

    msgtype: str
    qos: Qos
    repeated: bool


@dataclass(frozen=True)
class _Piece:
    """A bag that is written. begin: ns. files: with the identity of each, so that nothing else is ever deleted."""

    path: Path
    begin: int
    files: dict[Path, tuple[int, ...]]
    size: int


class PieceWriter:
    """Writes mcap. With a length of pieces the bags NAME_000, NAME_001, … in the folder NAME; a message lies in one of
    them, and each can be read by itself.

    piece, keep: s, as of the recorder's parameters. tell: told what cannot be deleted. Raises BagError where it cannot
    be written, there or in any of its methods.
    """

    def __init__(self, path: Path, piece: float, keep: float, tell: Callable[[str], None]) -> None:
        self._path, self._tell = path, tell
        piece = piece or (min(max(keep / KEPT_PIECES, SHORTEST_S), LONGEST_S) if keep else 0.0)
        self._piece_ns, self._keep_ns = round(piece * SECOND), round(keep * SECOND)
        self._topics: dict[str, _Topic] = {}
        self._last: dict[str, bytes] = {}  # of those that are repeated
        self._written: list[_Piece] = []
        self._number = 0
        self._connections: dict[str, Connection] = {}
        self._begin: int | None = None  # of the piece that is being written, ns; None before its first message
        self._now, self._size = 0, 0
        if self._piece_ns:
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                raise BagError(f"{path} exists already: name a folder that does not") from None
            except OSError as problem:
                raise BagError(f"{path} cannot be written ({problem.strerror}): name another folder") from None
        self._writer: BagWriter | None = self._open()  # None where it broke between two

    @property
    def pieces(self) -> int:
        """Bags that are there."""
        return len(self._written) + 1

    @property
    def size(self) -> int:
        """Bytes of them."""
        return sum(piece.size for piece in self._written) + self._size

    @property
    def seconds(self) -> float:
        """From the first message that is there to the last."""
        begin = self._written[0].begin if self._written else self._begin
        return 0.0 if begin is None else max(0, self._now - begin) / SECOND

    def add_topic(self, name: str, msgtype: str, qos: Qos, repeated: bool) -> None:
        """Announce a topic. repeated: True if a piece cannot be read without its last message, as of an AudioInfo."""
        self._topics[name] = _Topic(msgtype, qos, repeated)
        self._announce(name)

    def write(self, topic: str, time: int, data: bytes) -> None:
        """Append a message (CDR) that has come at that time, ns."""
        if self._piece_ns and self._begin is not None and not 0 <= time - self._begin < self._piece_ns:
            self._change(time)  # a clock that jumps back begins anew, too
        if self._topics[topic].repeated:
            self._last[topic] = data
        self._append(topic, time, data)
        self._delete(time)

    def close(self) -> None:
        """Nothing can be written after it."""
        if self._writer is not None:
            self._writer.close()

    def _announce(self, name: str) -> None:
        assert self._writer is not None
        self._connections[name] = self._writer.add_topic(name, self._topics[name].msgtype, self._topics[name].qos)

    def _append(self, topic: str, time: int, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(self._connections[topic], time, data)
        self._begin = time if self._begin is None else self._begin
        self._now = time
        self._size += len(data)

    def _open(self) -> BagWriter:
        path = self._path / f"{self._path.name}_{self._number:03d}" if self._piece_ns else self._path
        return BagWriter(path, StoragePlugin.MCAP)

    def _change(self, time: int) -> None:
        """End a bag and begin the next."""
        assert self._writer is not None
        assert self._begin is not None
        done, self._writer = self._writer, None
        done.close()
        files = {file: file.stat() for file in done.path.iterdir()}
        size = sum(found.st_size for found in files.values())
        known = {file: _identity(found) for file, found in files.items()}
        self._written.append(_Piece(done.path, self._begin, known, size))
        self._begin, self._size, self._number = None, 0, self._number + 1
        self._writer = self._open()
        for name in self._topics:
            self._announce(name)
        for name, data in self._last.items():
            self._append(name, time, data)

    def _delete(self, now: int) -> None:
        """The oldest ones, as soon as the others hold what is to be kept."""
        while self._keep_ns and self._written:
            others = self._written[1].begin if len(self._written) > 1 else self._begin
            if others is None or now - others < self._keep_ns:
                return
            piece = self._written.pop(0)
            try:
                for file, identity in piece.files.items():
                    if _identity(file.lstat()) == identity:
                        file.unlink()
                if not any(piece.path.iterdir()):
                    piece.path.rmdir()
            except OSError as problem:
                self._tell(f"what is older than {self._keep_ns / SECOND:g} s stays: {sentence(problem)}")


def _identity(found: os.stat_result) -> tuple[int, ...]:
    """Of a file as it was written: one that was changed since, or put in its place, has another."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
