"""What stands behind a live page: a graph of nodes, that this process starts or only looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import gar_ssl_ros
import gar_ssl_ros.messages.ros  # before rclpy

# isort: split
import rclpy
from rclpy.context import Context

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.nodes.executor import SurvivingExecutor
from gar_ssl_ros.offline.processes import LiveError, NodeProcess, Processes
from gar_ssl_ros.page.commands import Command, Record
from gar_ssl_ros.page.feed import Feed, Picture
from gar_ssl_ros.page.live_node import LiveNode, Names
from gar_ssl_ros.page.recordings import Recordings

RESTART_S = 5.0  # s after which a node that has broken is started again
SPIN_S = 0.1


@dataclass(frozen=True)
class Wanted:
    """A node that is to run all the time, and its parameters."""

    name: str
    parameters: Mapping[str, object]


@dataclass
class _Running:
    """One as it is. problem: why it ended last. since, due: when it was, and is to be, started, s, steady clock."""

    wanted: Wanted
    process: NodeProcess | None = None
    problem: str = ""
    since: float = 0.0
    due: float = 0.0


class Graph:
    """A `Behind` of pages, and a context: nodes run in it. `look` from time to time."""

    def __init__(
        self,
        start: Processes,
        wanted: Sequence[Wanted],
        names: Names,
        hello: Mapping[str, Any],
        folder: Path,
        keep: float | None,
    ) -> None:
        """start: starts nodes. hello: what a page is told first. folder, keep: of recordings. Raises LiveError where
        the graph cannot be joined.
        """
        self.feed = Feed()
        self.hello = {"version": gar_ssl_ros.__version__, **hello}
        self._start = start
        self._running = [_Running(one) for one in wanted]
        self.recordings = Recordings(start, start.stop, folder, keep, names)
        self._context = Context()
        try:
            rclpy.init(context=self._context)
            self.node = LiveNode(self.feed, names, self._problems, context=self._context)
        except Exception as problem:  # of many types: what rcl makes of the environment
            raise LiveError(f"the graph cannot be joined: {sentence(problem)}") from None
        self._executor = SurvivingExecutor(self._failed, context=self._context)
        self._executor.add_node(self.node)
        self._stopping = Event()
        self._thread = Thread(target=self._spin, name="graph", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the graph; processes are whose started them."""
        self._stopping.set()
        self._thread.join()
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        self._context.try_shutdown()

    def picture(self, stamp: int) -> Picture | None:
        """As of Behind."""
        return self.feed.picture(stamp)

    def sound(self, begin: int, end: int) -> bytes:
        """As of Behind."""
        return self.feed.sound(begin, end)

    def do(self, command: Command) -> str:
        """As of Behind."""
        if isinstance(command, Record):
            told = self.recordings.begin() if command.on else self.recordings.end()
            self._tell_recording()
            return told
        return self.node.do(command)

    def look(self) -> None:
        """Start what does not run, and tell how recording goes."""
        now = monotonic()
        for one in self._running:
            if one.process is None:
                if now >= one.due:
                    one.process, one.since = self._start(one.wanted.name, one.wanted.parameters), now
                continue
            try:
                ended = f"the {one.wanted.name} has ended" if one.process.ended() else ""
            except UserError as problem:
                ended = str(problem)
            if ended:
                if not one.problem:  # else it has been told, and goes on
                    self.node.get_logger().error(f"{ended}; it is started again each {RESTART_S:.0f} s")
                self._start.stop(one.process)
                one.process, one.problem, one.due = None, ended, now + RESTART_S
            elif now - one.since > RESTART_S:
                one.problem = ""
        self._tell_recording()

    def _tell_recording(self) -> None:
        self.feed.tell("recording", **self.recordings.look())

    def _problems(self) -> list[str]:
        told = [one.problem for one in self._running if one.problem]
        return told + ([self.recordings.problem] if self.recordings.problem else [])

    def _failed(self, problem: Exception) -> None:
        self.node.get_logger().error(sentence(problem))

    def _spin(self) -> None:
        while not self._stopping.is_set() and self._context.ok():
            self._executor.spin_once(timeout_sec=SPIN_S)
