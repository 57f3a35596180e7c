"""A bag in the making on a disk that may fill up: marks up to which it is whole, and the way back to them.

rosbags writes mcap in chunks and sqlite3 in one transaction: of a write that failed, what came before would be lost
with it. This knows how both keep their books.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rosbags.rosbag2 import StoragePlugin, Writer

MARK_INTERVAL_BYTES = 2**19  # of messages from one mark to the next: rosbags closes a chunk by itself at twice that


@dataclass(frozen=True)
class _Mark:
    """counts: messages of each connection. start, end: times of the first and the last, ns. size: bytes of the file."""

    counts: dict[int, int]
    start: int
    end: int
    size: int
    chunks: int


class Marks:
    """Those of a writer that has just been opened. Making one raises what writing raises."""

    def __init__(self, writer: Writer) -> None:
        self._writer: Any = writer
        self._chunked = writer.storage_plugin is StoragePlugin.MCAP
        self._marks: list[_Mark] = []
        self._unmarked = 0
        self._mark()

    def wrote(self, size: int) -> None:
        """A message of that many bytes has been written. Raises what writing raises."""
        self._unmarked += size
        if self._unmarked >= MARK_INTERVAL_BYTES:
            self._mark()

    def back(self) -> bool:
        """Take back what is not whole, further with each call. Returns False where there is nothing to take back."""
        if not self._marks or self._writer.storage is None:  # all of it is on disk
            return False
        mark = self._marks.pop()
        writer, storage = self._writer, self._writer.storage
        writer.counts = {topic: mark.counts.get(topic, 0) for topic in writer.counts}
        writer.min_timestamp, writer.max_timestamp = mark.start, mark.end
        if self._chunked:
            with suppress(OSError):  # what it still holds has nowhere to go
                storage.bio.raw.close()
            os.truncate(storage.path, mark.size)
            storage.bio = storage.path.open("r+b")
            storage.bio.seek(mark.size)
            storage.chunk = type(storage.chunk)(2**63 - 1, 0, type(storage.chunk.bio)(), type(storage.chunk.msgs)(list))
            del storage.chunks[mark.chunks :]
            storage.channel_stats = {channel: mark.counts.get(channel, 0) for channel in storage.channel_stats}
            storage.message_start_time, storage.message_end_time = mark.start, mark.end
        else:
            storage.conn.rollback()
            self._marks.clear()  # what is committed stays
        return True

    @property
    def nothing(self) -> bool:
        """True if all was taken back."""
        return self._chunked and not self._marks

    def _mark(self) -> None:
        writer, storage = self._writer, self._writer.storage
        size = chunks = 0
        if self._chunked:
            if storage.chunk.msgs:
                storage.close_chunk()
            storage.bio.flush()
            size, chunks = storage.bio.tell(), len(storage.chunks)
        else:
            storage.conn.commit()
        self._marks.append(_Mark(dict(writer.counts), writer.min_timestamp, writer.max_timestamp, size, chunks))
        self._unmarked = 0
