"""The messages of one input of a node, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from gar_ssl_ros.messages.stamps import StampError, stamp_of
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.nodes.diagnostics import Status, stream_status
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.work.stream_monitor import StreamMonitor


class InputStream:
    """Of an input that the node can do without. name: in /diagnostics. optional: True if nobody has asked for it."""

    def __init__(self, name: str, node: Any, optional: bool = False) -> None:
        self.name = name
        self.optional = optional
        self.monitor = StreamMonitor(name, NodeLog(node).warning)
        self._node = node
        self._before = self.monitor.statistics

    @property
    def silent(self) -> bool:
        """True if there is nothing to tell: nobody has asked for it, and nothing has come."""
        return self.optional and self.monitor.statistics.idle is None

    def statistics(self, seconds: float, heard: AdaptiveSubscription, more: Mapping[str, object]) -> Status:
        """What came since that was last told, so many seconds ago: WARN at worst."""
        came, before = self.monitor.statistics, self._before
        if came.idle is not None and heard.offer is not None and heard.offer.latched:
            came = replace(came, idle=0.0)  # once is enough
        self._before = came
        told = stream_status(self.name, came, before, seconds, heard, more)
        return replace(told, level=min(told.level, DiagnosticStatus.WARN))

    def receive(self, header: Any) -> int:
        """A message has come; the time that it is about, ns."""
        try:
            stamp = stamp_of(header)
        except StampError:
            self.monitor.receive(None)
            return self.now()
        self.monitor.receive(stamp)
        return stamp or self.now()

    def refuse(self, problem: str) -> None:
        """A message has come that cannot be read."""
        self.monitor.receive(None)
        self.monitor.refuse(problem)

    def use(self, problem: str = "") -> None:
        """What has come could be used, but for that."""
        self.monitor.use()
        if problem:
            self.monitor.refuse(problem, whole=False)

    def now(self) -> int:
        """By the node's clock, ns."""
        return int(self._node.get_clock().now().nanoseconds)
