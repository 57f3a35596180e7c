"""What was recorded in a session: its pictures, sound and answers, by their own time, as their headers have it.

A bag is read by the time of recording, which is another: where a stamp lies is found by looking at pictures here and
there, between which time is taken to run evenly.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from rosbags.interfaces import Connection

from gar_ssl_ros.bags.rosbag import Bag, BagError, Recorded
from gar_ssl_ros.bags.topics import Topics, choose_topics, is_depth
from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, INFO_TYPES
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import IMAGE_TYPES
from gar_ssl_ros.messages.stamps import stamp_of
from gar_ssl_ros.page.feed import Columns, Picture, joined
from gar_ssl_ros.page.pictures import picture_from_message
from gar_ssl_ros.page.spectrum import Spectrum

OVERLAY = "image_annotated"  # topics that end so show what was answered, not what was seen
CLOSE_NS = SECOND // 10  # within which of a stamp a picture shows where it lies
MOST_LOOKS = 12  # at pictures, until then
MOST_MARKS = 4096  # that are kept of such looks
REACHES_NS = tuple(SECOND * 4**step // 4 for step in range(12))  # about a time in which a picture is looked for
LAG_NS = 2 * SECOND  # that sound is recorded after its stamp at most, or before
MOST_SOUND_NS = 120 * SECOND  # that is told at once
MOST_NOTES, MOST_CHARACTERS = 20, 400


@dataclass(frozen=True)
class Item:
    """What is to be shown at a time, ns: a picture that is made when it is, or columns of sound."""

    due: int
    picture: Callable[[], Picture] | None = None
    columns: Columns | None = None


class SessionBag:
    """An open bag. Thread-safe.

    begin, end: stamps of its first and its last picture, ns. image: topic of its pictures. topics: of these and its
    sound; None where no sound is to be had. notes: what about it is not as it should be.
    """

    def __init__(self, path: Path) -> None:
        """Raises BagError where there is no picture to be had."""
        self.bag = Bag(path, cut_short=True)
        self._asked = Lock()
        self.notes = list(self.bag.damage)
        try:
            self.image, self.topics = self._choose()
            self._info = self._first_info()
            first = self._first_picture(self.bag.start)
            if first is None:
                raise BagError(f"{path} has no picture on {self.image} that can be read: record it again")
            last = self._last_picture() or first
        except BaseException:
            self.bag.close()
            raise
        self.begin, self.end = first[0], max(first[0], last[0])
        self._marks = sorted({first, last})  # stamps with the times of their recording, ns

    def close(self) -> None:
        """Nothing can be read after it."""
        self.bag.close()

    def note(self, problem: str) -> None:
        """Something in it is not as it should be."""
        problem = shortened(problem, MOST_CHARACTERS)
        if problem not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(problem)

    def connections(self, msgtype: str) -> list[Connection]:
        """Those of a type that have messages, the one with most of them first."""
        found = [one for one in self.bag.connections if one.msgtype == msgtype and one.msgcount]
        return sorted(found, key=lambda one: (-one.msgcount, one.topic))

    def picture(self, stamp: int, before: bool = False) -> Picture | None:
        """The one nearest to a stamp, ns; with `before` not after it. None where there is none. Raises BagError."""
        with self._asked:  # one at a time, whoever asks
            time = self._time_of(stamp)
            for reach in REACHES_NS:
                found = self._nearest(stamp, before, time - reach, time + reach)
                if found is not None:
                    return picture_from_message(self.bag.message(found), found.time)
        return None

    def sound(self, begin: int, end: int) -> bytes:
        """Columns of an interval, ns, as of Feed.sound; of MOST_SOUND_NS at most. Raises BagError."""
        end = min(end, begin + MOST_SOUND_NS)
        if self.topics is None or end <= max(begin, self.begin - LAG_NS) or begin > self.end + LAG_NS:
            return b""
        topics = {topic for topic in (self.topics.audio, self.topics.info) if topic is not None}
        with self._asked:
            times = self._time_of(begin) - LAG_NS, self._time_of(end) + LAG_NS
            heard = [item.columns for item in self._items(topics, *times) if item.columns is not None]
        return b"".join(one.message for one in joined(one for one in heard if one.end > begin and one.stamp < end))

    def items(self, start: int) -> Iterator[Item]:
        """All that there is to see and hear from a stamp, ns, on, in the order of recording. Raises BagError."""
        return self._items({self.image} if self.topics is None else self.topics.all, self._time_of(start), None)

    def _items(self, topics: set[str], start: int, stop: int | None) -> Iterator[Item]:
        reader, spectrum = AudioReader(), Spectrum()
        if self._info is not None:
            reader.take_info(self._info)
        for recorded in self.bag.messages(self._named(topics), start, stop):
            try:
                message: Any = self.bag.message(recorded)
                if recorded.topic == self.image:
                    yield Item(_stamp(message, recorded), partial(picture_from_message, message, recorded.time))
                elif recorded.connection.msgtype in AUDIO_TYPES:
                    audio = reader.read(message, recorded.time)
                    found = None if audio is None else spectrum.add(audio)
                    if audio is not None and found is not None:
                        yield Item(audio.end, columns=Columns(*found))
                elif recorded.connection.msgtype in INFO_TYPES:
                    reader.take_info(message)
            except UserError as problem:
                self.note(str(problem))

    def _choose(self) -> tuple[str, Topics | None]:
        image, sound = self._most(IMAGE_TYPES), self._most(tuple(AUDIO_TYPES))
        try:
            topics = choose_topics(self.bag, image, sound)
        except BagError as problem:
            if image is None:
                raise
            self.note(f"it is played without sound: {problem}")
            return image, None
        return topics.image, topics

    def _most(self, kinds: Sequence[str]) -> str | None:
        """The topic of these types that has most messages."""
        found = [
            one
            for one in (one for kind in kinds for one in self.connections(kind))
            if not one.topic.removesuffix("/compressed").endswith(OVERLAY) and not is_depth(self.bag, one.topic)
        ]
        if len(found) > 1:
            names = ", ".join(sorted(one.topic for one in found))
            self.note(f"of {names} the one with most messages is played")
        return max(found, key=lambda one: one.msgcount).topic if found else None

    def _named(self, topics: set[str]) -> list[Connection]:
        return [one for one in self.bag.connections if one.topic in topics]

    def _first_info(self) -> Any:
        """What describes the sound, if it does not do so itself; later ones may change that."""
        if self.topics is None or self.topics.info is None:
            return None
        first = next(self.bag.messages(self._named({self.topics.info})), None)
        return None if first is None else self.bag.message(first)

    def _pictures(self, start: int, stop: int | None) -> Iterator[tuple[int, Recorded]]:
        """Recorded from one time to another, ns, with their stamps."""
        for recorded in self.bag.messages(self._named({self.image}), start, stop):
            try:
                yield _stamp(self.bag.message(recorded), recorded), recorded
            except UserError as problem:
                self.note(str(problem))

    def _first_picture(self, time: int) -> tuple[int, int] | None:
        """The stamp and the time of the first that was recorded at a time, ns, or later."""
        return next(((stamp, recorded.time) for stamp, recorded in self._pictures(time, None)), None)

    def _last_picture(self) -> tuple[int, int] | None:
        """The stamp and the time of the last one that can be read."""
        end = self.bag.start + self.bag.duration
        last: tuple[int, int] | None = None
        for reach in REACHES_NS:
            try:
                for stamp, recorded in self._pictures(end - reach, None):
                    last = stamp, recorded.time
            except BagError as problem:  # what comes before it is played
                self.note(str(problem))
            if last is not None:
                break
        return last

    def _nearest(self, stamp: int, before: bool, start: int, stop: int) -> Recorded | None:
        """Of what was recorded from one time to another, ns."""
        best: tuple[int, Recorded] | None = None
        for taken, recorded in self._pictures(start, stop):
            if not (before and taken > stamp) and (best is None or abs(taken - stamp) <= abs(best[0] - stamp)):
                best = taken, recorded
        return None if best is None else best[1]

    def _time_of(self, stamp: int) -> int:
        """About when what has a stamp was recorded, ns."""
        stamp = min(max(stamp, self.begin), self.end)
        time = self._marks[0][1]
        for _ in range(MOST_LOOKS if len(self._marks) > 1 else 0):
            at = min(max(bisect_left(self._marks, (stamp, 0)), 1), len(self._marks) - 1)
            (early, begin), (late, end) = self._marks[at - 1], self._marks[at]
            time = begin + (stamp - early) * (end - begin) // max(1, late - early)
            found = self._first_picture(time) if abs(end - begin) > CLOSE_NS else None
            if found is None or found in self._marks:  # nothing lies between them
                break
            if len(self._marks) < MOST_MARKS:
                insort(self._marks, found)
            if abs(found[0] - stamp) <= CLOSE_NS:
                return time
        return time


def _stamp(message: Any, recorded: Recorded) -> int:
    """As `frame_from_message` has it. Raises StampError."""
    return stamp_of(message.header) or recorded.time
