"""A recorded session behind a page: played in its time, held, wound to any place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from types import TracebackType
from typing import Any

from gar_ssl_ros import __version__
from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.page.answering import Answering
from gar_ssl_ros.page.commands import Command, CommandError, Play, Rate, Seek
from gar_ssl_ros.page.feed import INEXACT_NS, Feed, Picture, joined
from gar_ssl_ros.page.recorded import Item, SessionBag

FILL_NS = 10 * SECOND  # of sound before a place that is wound to
LATE_NS = SECOND // 4  # by more than which, time waits for the pictures
OFF_NS = 2 * SECOND  # ahead by more than which, sound has another clock, and is shown as it comes
TELL_S, HEALTH_S = 0.2, 1.0  # from one report to the next
STOP_S = 5.0
OK, WARN, ERROR = 0, 1, 2  # levels of a status

log = logging.getLogger(__name__)


class PlayClock:
    """A time, ns, that runs while it plays. For one thread at a time."""

    def __init__(self, position: int) -> None:
        self.playing, self.rate = False, 1.0
        self._position, self._since = position, monotonic()

    @property
    def position(self) -> int:
        """Now."""
        run = (monotonic() - self._since) * self.rate if self.playing else 0.0
        return self._position + round(run * SECOND)

    def set(self, position: int | None = None, playing: bool | None = None, rate: float | None = None) -> None:
        """From now on; what is not given stays."""
        self._position, self._since = self.position if position is None else position, monotonic()
        self.playing = self.playing if playing is None else playing
        self.rate = self.rate if rate is None else rate


class Session:
    """What stands behind its page. A context: it plays from its start to its end."""

    def __init__(
        self, path: Path, reasoner: Reasoner | None = None, options: GarOptions | None = None, playing: bool = True
    ) -> None:
        """path: of a bag, or a folder of pieces. reasoner: answers it anew, beside what was recorded. playing: from the
        start on. Raises BagError.
        """
        self.feed = Feed()
        self._path = path
        self._bag = SessionBag(path)
        self._answering = Answering(self._bag, self.feed, reasoner, options or GarOptions())
        self._changed = Condition()
        self._clock = PlayClock(self._bag.begin)
        self._clock.set(playing=playing)
        self._target: int | None = self._bag.begin  # to be wound to, ns
        self._items: Iterator[Item] = iter(())
        self._next: Item | None = None
        self._ended = self._stopping = False
        self._pictures, self._told, self._reported = 0, 0.0, monotonic()
        self._threads = [
            Thread(target=self._play, name="session", daemon=True),
            Thread(target=self._answering.run, name="answers", daemon=True),
        ]

    def __enter__(self) -> Session:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._answering.cancel()
        for thread in self._threads:
            thread.join(STOP_S)
        self._bag.close()

    @property
    def hello(self) -> dict[str, Any]:
        """As of Behind."""
        can = dict.fromkeys(("localize", "enable", "record", "parameters", "sense"), False)
        lanes = [{"name": name} for name in self._answering.lanes or [""]]
        return {
            "mode": "session",
            "title": self._path.name,
            "version": __version__,
            "can": {**can, "play": True},
            "lanes": lanes,
        }

    def picture(self, stamp: int) -> Picture | None:
        """As of Behind: of any time of the session."""
        try:
            return self._bag.picture(stamp)
        except UserError as problem:
            self._bag.note(str(problem))
            return None

    def sound(self, begin: int, end: int) -> bytes:
        """As of Behind: of any time of the session, two minutes at most."""
        try:
            return self._bag.sound(begin, end)
        except UserError as problem:
            self._bag.note(str(problem))
            return b""

    def do(self, command: Command) -> str:
        """As of Behind."""
        with self._changed:
            if isinstance(command, Play):
                if command.on and self._ended:
                    self._target = self._bag.begin
                self._clock.set(playing=command.on)
                told = "playing" if command.on else "held"
            elif isinstance(command, Seek):
                to = round(command.to * 1e6) + INEXACT_NS  # not before the picture that is meant
                self._target = min(max(to, self._bag.begin), self._bag.end)
                told = f"at {self._seconds(self._target):.1f} s"
            elif isinstance(command, Rate):
                self._clock.set(rate=command.rate)
                told = f"played {command.rate:g} times as fast as it was"
            else:
                raise CommandError("a recorded session can only be played: run `gar-ssl live` without one for that")
            self._changed.notify_all()
        return f"{told}, of {self._seconds(self._bag.end):.1f} s"

    def _seconds(self, stamp: int) -> float:
        return (stamp - self._bag.begin) / SECOND

    def _play(self) -> None:
        while True:
            with self._changed:
                target, self._target = self._target, None
                if target is not None:
                    self._clock.set(position=target)
                    self._ended = False
            if self._stopping:
                return
            wait = TELL_S
            try:
                if target is not None:
                    self._wind(target)
                wait = self._advance()
            except Exception as problem:  # a bag is damaged from here on
                self._bag.note(sentence(problem))
                if not isinstance(problem, UserError):
                    log.exception("a session cannot be played on")
                self._end(self._clock.position)
            self._report()
            with self._changed:
                if not self._interrupted:
                    self._changed.wait(min(wait, TELL_S))

    @property
    def _interrupted(self) -> bool:
        return self._stopping or self._target is not None

    def _wind(self, target: int) -> None:
        """Show how it was there, and go on from there."""
        self.feed.reset(answers=False)
        picture = self._bag.picture(target, before=True) or self._bag.picture(target)
        if picture is not None:
            self.feed.see(picture)
        self._items, self._next = self._bag.items(target - FILL_NS), None
        heard = []
        for item in self._items:
            if self._interrupted:
                return
            if item.due > target:
                self._next = item
                break
            if item.columns is not None:
                heard.append(item.columns)
        for columns in joined(heard):
            self.feed.hear(columns)

    def _advance(self) -> float:
        """Show what is due; how long, s, until there is more."""
        while not self._interrupted:
            with self._changed:
                position, playing, rate = self._clock.position, self._clock.playing, self._clock.rate
            if not playing:
                return TELL_S
            item = self._next if self._next is not None else next(self._items, None)
            if item is None:
                self._end(self._bag.end)
                return TELL_S
            self._next = item
            ahead = item.due - position
            if ahead > 0 and not (item.picture is None and ahead > OFF_NS):
                return ahead / SECOND / rate
            self._show(item, ahead)
            self._next = None
        return 0.0

    def _show(self, item: Item, ahead: int) -> None:
        if item.columns is not None:
            self.feed.hear(item.columns)
        if item.picture is None:
            return
        try:
            self.feed.see(item.picture())
            self._pictures += 1
        except UserError as problem:
            self._bag.note(str(problem))
        if ahead < -LATE_NS:
            with self._changed:
                if self._target is None:
                    self._clock.set(position=item.due)

    def _end(self, position: int) -> None:
        with self._changed:
            self._ended = True
            self._clock.set(position=position, playing=False)

    def _report(self) -> None:
        """To the page, now and then."""
        now = monotonic()
        if now - self._told < TELL_S:
            return
        self._told = now
        with self._changed:
            position, playing, rate = self._clock.position, self._clock.playing, self._clock.rate
        begin, end = self._bag.begin, self._bag.end
        position = min(max(position, begin), end)
        self.feed.tell(
            "playback", begin=begin / 1e6, end=end / 1e6, position=position / 1e6, playing=playing, rate=rate
        )
        if now - self._reported >= HEALTH_S:
            shown, self._pictures = self._pictures / (now - self._reported), 0
            self._reported = now
            self._tell_health(shown, "ended" if self._ended else "playing" if playing else "held")

    def _tell_health(self, rate: float, doing: str) -> None:
        answering, notes = self._answering, list(self._bag.notes)
        statuses = [
            {"name": "session", "level": WARN if notes else OK, "message": doing, "values": {}},
            {"name": "answers", "level": ERROR if answering.failed else OK, "message": answering.doing, "values": {}},
        ]
        self.feed.tell("health", statuses=statuses, picture_rate=round(rate, 1), problems=notes)
