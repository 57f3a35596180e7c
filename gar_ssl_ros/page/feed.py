"""What a page shows, kept once for all who watch: the newest pictures, the sound's spectrum, answers, what is told.

Nothing is queued for a client: each has a cursor, and what is new to it is looked up when it can take more. So a slow
one gets fewer pictures, and a stopped one costs no memory. All times are ns; on the wire, ms as float64.
"""

from __future__ import annotations

import json
import struct
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.page.spectrum import COLUMN_NS

RECENT_BYTES = 2**25  # of the newest pictures, among which an answer finds its own: 10 s of a camera of 640x480
KEPT_BYTES = 2**26  # of the pictures of answers
MOST_ANSWERS = 1200  # ten minutes of two a second
SOUND_NS = 600 * SECOND  # that can be gone back
LATE_SOUND_NS = 5 * SECOND  # more than which a client that was away is not sent
INEXACT_NS = 1000  # less than which a time in ms, a float64, is off
MOST_COLUMNS = 2**16 - 1  # of a message
PICTURE, SOUND = 1, 2  # kinds of binary messages
PICTURE_HEAD = struct.Struct("<B3xHHd")  # kind, width, height, stamp in ms; then the JPEG
SOUND_HEAD = struct.Struct("<BBHfd")  # kind, values a column, columns, ms a column, stamp of the first in ms; then they

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Picture:
    """A JPEG, and the time at which it was taken, ns."""

    stamp: int
    width: int
    height: int
    jpeg: bytes

    @property
    def message(self) -> bytes:
        """As it goes to a page."""
        return PICTURE_HEAD.pack(PICTURE, self.width, self.height, self.stamp / 1e6) + self.jpeg


@dataclass(frozen=True)
class Columns:
    """Of the sound from `stamp`, ns, on, one a COLUMN_NS: uint8 (columns, VALUES), as of `spectrum`."""

    stamp: int
    values: NDArray[np.uint8]

    @property
    def end(self) -> int:
        """Of the last one, ns."""
        return self.stamp + len(self.values) * COLUMN_NS

    @property
    def message(self) -> bytes:
        """As it goes to a page."""
        count, size = self.values.shape
        return SOUND_HEAD.pack(SOUND, size, count, COLUMN_NS / 1e6, self.stamp / 1e6) + self.values.tobytes()


@dataclass(frozen=True)
class News:
    """What a client has not seen yet, and the cursor with which it asks for what comes after."""

    messages: list[str | bytes]
    cursor: int


class _Pictures:
    """Pictures by time, up to so many bytes, the first to come the first to go."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._held: dict[int, Picture] = {}

    def add(self, picture: Picture) -> None:
        before = self._held.pop(picture.stamp, None)
        self._bytes += len(picture.jpeg) - (0 if before is None else len(before.jpeg))
        self._held[picture.stamp] = picture
        while self._bytes > self._most and len(self._held) > 1:
            self._bytes -= len(self._held.pop(next(iter(self._held))).jpeg)

    def get(self, stamp: int) -> Picture | None:
        return self._held.get(stamp)

    def nearest(self, stamp: int) -> Picture | None:
        return min(self._held.values(), key=lambda one: abs(one.stamp - stamp), default=None)


class Feed:
    """Thread-safe. `listen` to know when there is news."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._listeners: set[Callable[[], None]] = set()
        self._number = 0
        self._told: dict[str, tuple[int, str]] = {}
        self._begin()

    def _begin(self) -> None:
        self._newest: tuple[int, Picture | None] = (0, None)
        self._recent, self._kept = _Pictures(RECENT_BYTES), _Pictures(KEPT_BYTES)
        self._sound: deque[tuple[int, Columns]] = deque()
        self._answers: deque[tuple[int, tuple[str, str]]] = deque(maxlen=MOST_ANSWERS)  # key and text of each

    def see(self, picture: Picture) -> None:
        """The newest picture has come."""
        with self._guard:
            self._newest = (self._next(), picture)
            self._recent.add(picture)
        self._notify()

    def hear(self, columns: Columns) -> None:
        """The newest sound has come."""
        with self._guard:
            self._sound.append((self._next(), columns))
            while self._sound[0][1].stamp < columns.end - SOUND_NS:
                self._sound.popleft()
        self._notify()

    def answer(self, key: str, stamp: int, answer: dict[str, Any]) -> None:
        """An answer about the picture of that stamp, ns, in place of an earlier one of the same key."""
        text = json.dumps({"type": "answer", "key": key, **answer}, allow_nan=False)
        with self._guard:
            for index in range(len(self._answers) - 1, max(-1, len(self._answers) - 8), -1):
                if self._answers[index][1][0] == key:
                    del self._answers[index]
                    break
            self._answers.append((self._next(), (key, text)))
            found = self._recent.get(stamp)
            if found is not None:
                self._kept.add(found)
        self._notify()

    def tell(self, kind: str, **values: Any) -> None:
        """What is so from now on, in place of what was told before of that kind."""
        text = json.dumps({"type": kind, **values}, allow_nan=False)
        with self._guard:
            if self._told.get(kind, (0, ""))[1] == text:
                return
            self._told[kind] = (self._next(), text)
        self._notify()

    def reset(self, answers: bool = True) -> None:
        """Time has jumped: forget pictures and sound, and the answers too where so told."""
        with self._guard:
            held = self._answers
            self._begin()
            if not answers:
                self._answers = held
            self._told["reset"] = (self._next(), json.dumps({"type": "reset", "answers": answers}))
        self._notify()

    def news(self, cursor: int, pictures: bool = True) -> News:
        """What is new since `cursor`, 0 at first. pictures: False where the client cannot show any now."""
        with self._guard:
            messages: list[str | bytes] = []
            told = sorted(one for kind, one in self._told.items() if one[0] > cursor and (cursor or kind != "reset"))
            messages += [text for _, text in told]
            number, newest = self._newest
            if pictures and newest is not None and number > cursor:
                messages.append(newest.message)  # before all that has been answered so far: one wants to see
            messages += [text for _, text in _since(cursor, self._answers)]
            sound = _since(cursor, self._sound)
            if sound:
                begin = sound[-1].end - LATE_SOUND_NS
                messages += [one.message for one in joined([one for one in sound if one.end > begin])]
            return News(messages, self._number)

    def picture(self, stamp: int) -> Picture | None:
        """The nearest that is held: an answer's own while it is, though ms as float64 tell its time to 0.2 us only."""
        with self._guard:
            held = (self._kept.nearest(stamp), self._recent.nearest(stamp))
        return min((one for one in held if one is not None), key=lambda one: abs(one.stamp - stamp), default=None)

    def sound(self, begin: int, end: int) -> bytes:
        """Columns of an interval, ns, as messages one after another, as far as they are held."""
        with self._guard:
            ends = [columns.end for _, columns in self._sound]
            first = bisect_left(ends, begin)
            found = []
            for _, columns in list(self._sound)[first:]:
                if columns.stamp >= end:
                    break
                found.append(columns)
        return b"".join(one.message for one in joined(found))

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called, from any thread, when there is news; what ends that."""
        with self._guard:
            self._listeners.add(told)

        def end() -> None:
            with self._guard:
                self._listeners.discard(told)

        return end

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _notify(self) -> None:
        with self._guard:
            listeners = list(self._listeners)
        for told in listeners:
            told()


def _since(cursor: int, numbered: deque[tuple[int, Thing]]) -> list[Thing]:
    """What has a higher number, in its order: the end of what is held, which need not be looked through for it."""
    return [thing for _, thing in takewhile(lambda one: one[0] > cursor, reversed(numbered))][::-1]


def joined(sound: Iterable[Columns]) -> list[Columns]:
    """What follows without a gap in one, as far as a message can hold it."""
    runs: list[list[Columns]] = []
    for columns in sound:
        follows = bool(runs) and abs(columns.stamp - runs[-1][-1].end) < COLUMN_NS
        if follows and columns.end - runs[-1][0].stamp < MOST_COLUMNS * COLUMN_NS:
            runs[-1].append(columns)
        else:
            runs.append([columns])
    return [Columns(run[0].stamp, np.concatenate([one.values for one in run])) for run in runs]
