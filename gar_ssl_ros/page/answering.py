"""The answers of a session: those that were recorded, and beside them another reasoner's, computed anew."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

from rosbags.interfaces import Connection

from gar_ssl_ros.bags.localize import localizations
from gar_ssl_ros.bags.rosbag import BagError, Recorded
from gar_ssl_ros.bags.windows import BagWindows
from gar_ssl_ros.errors import OptionError, UserError, sentence
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.stamps import ns_of
from gar_ssl_ros.page.answers import show_answer
from gar_ssl_ros.page.feed import MOST_ANSWERS, Feed
from gar_ssl_ros.page.recorded import SessionBag
from gar_ssl_ros.work.encoder import AnswerEncoder

ANSWER_TYPE = "gar_ssl_ros/msg/SoundSourceArray"
LANES = 2

log = logging.getLogger(__name__)


class Answering:
    """Puts them into the feed; `run` on a thread of its own.

    lanes: whose answers are shown, in words. doing: how far it is. failed: True if it ended early.
    """

    def __init__(self, bag: SessionBag, feed: Feed, reasoner: Reasoner | None, options: GarOptions) -> None:
        self._bag, self._feed, self._reasoner, self._options = bag, feed, reasoner, options
        recorded = bag.connections(ANSWER_TYPE)
        self._recorded = recorded[: LANES - (reasoner is not None)]
        for one in recorded[len(self._recorded) :]:
            bag.note(f"the answers on {one.topic} are not shown: there is room for {LANES}")
        self.lanes = [f"{one.topic.removesuffix('/sources').strip('/')}, as recorded" for one in self._recorded]
        self.lanes += [] if reasoner is None else [f"{reasoner.name}, computed now"]
        self._most = MOST_ANSWERS // max(1, len(self.lanes))
        self._deadline = Deadline()
        self.doing, self.failed = "", False

    def cancel(self) -> None:
        """Have `run` end as soon as it can."""
        self._deadline.cancel()

    def run(self) -> None:
        """Show all of them. What goes wrong is told by the bag's notes."""
        try:
            spans: list[tuple[int, int]] = []
            for lane, connection in enumerate(self._recorded):
                found = self._show(lane, connection)
                spans = spans or found
            if self._reasoner is not None:
                self._compute(len(self._recorded), self._reasoner, _windows_of(spans))
            self.doing = "all are here" if self.lanes else "there are none"
        except Cancelled:
            self.doing = "ended"
        except Exception as problem:
            self.failed, self.doing = True, "ended early"
            self._bag.note(sentence(problem))
            if not isinstance(problem, UserError):
                log.exception("the answers of a session cannot be shown")

    def _show(self, lane: int, connection: Connection) -> list[tuple[int, int]]:
        """Those of a topic; begin and end of the window of each, ns."""
        spans: dict[int, tuple[int, int]] = {}  # by the stamps of their pictures
        more: set[int] = set()
        for recorded in self._messages([connection], f"reading {self.lanes[lane]}"):
            try:
                message: Any = self._bag.bag.message(recorded)
                stamp = ns_of(message.header.stamp)
                if stamp not in spans and len(spans) >= self._most:
                    more.add(stamp)
                    continue
                show_answer(self._feed, message, lane)
                spans[stamp] = ns_of(message.window_start), ns_of(message.window_end)
            except (UserError, ValueError, AttributeError) as problem:  # of another version's definition
                self._bag.note(f"an answer on {connection.topic} cannot be shown: {sentence(problem)}")
        if more:
            told = f"of {len(spans) + len(more)} answers on {connection.topic} the first {len(spans)} are shown"
            self._bag.note(f"{told}: play a shorter part of it")
        return list(spans.values())

    def _compute(self, lane: int, reasoner: Reasoner, windows: WindowOptions) -> None:
        topics = self._bag.topics
        if topics is None:
            self._bag.note(f"{reasoner.name} is not asked: there is no sound to hear")
            return
        due_windows, encoder = BagWindows(self._bag.bag, topics, windows, self._bag.note), AnswerEncoder(topics.image)
        wanted = [one for one in self._bag.bag.connections if one.topic in topics.all]
        shown = 0
        for recorded in self._messages(wanted, f"{reasoner.name} answers"):
            due = due_windows.take(recorded)
            if due is None:
                continue
            if shown >= self._most:
                self._bag.note(f"{reasoner.name} answers the first {shown} windows: play a shorter part of it")
                return
            for found in localizations(due, reasoner, self._options, self._deadline):
                told = encoder.encode(found, due.window, found.timing.total, due_windows.left_out, view=due.view)
                show_answer(self._feed, told.sources, lane)
            shown += 1

    def _messages(self, connections: list[Connection], doing: str) -> Iterator[Recorded]:
        """All of some topics, up to damage. Raises Cancelled."""
        bag = self._bag.bag
        try:
            for recorded in bag.messages(connections):
                self._deadline.check()
                self.doing = f"{doing}: {100 * (recorded.time - bag.start) // max(1, bag.duration)} %"
                yield recorded
        except BagError as problem:
            self._bag.note(str(problem))


def _windows_of(spans: list[tuple[int, int]]) -> WindowOptions:
    """The options with which windows of these spans, ns, are cut; those by default where that cannot be told."""
    ends = sorted(end for _, end in spans)
    steps = [later - earlier for earlier, later in pairwise(ends) if later > earlier]
    if not steps:
        return WindowOptions()
    length, hop = median(end - begin for begin, end in spans), median(steps)
    try:
        return WindowOptions(round(length / SECOND, 2), round(hop / SECOND, 2))
    except OptionError:
        return WindowOptions()
