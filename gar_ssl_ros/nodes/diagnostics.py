"""How a node is: its part of /diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from gar_ssl_ros.media.buffer import Counts
from gar_ssl_ros.nodes.adaptive_subscription import AdaptiveSubscription
from gar_ssl_ros.work.stream_monitor import StreamStatistics
from gar_ssl_ros.work.worker import WorkerStatistics

IDLE_S = 3.0  # s without a message after which a stream is not there


@dataclass(frozen=True)
class Status:
    """One line of /diagnostics. level: one of DiagnosticStatus.OK, WARN, ERROR."""

    name: str
    level: bytes
    message: str
    values: Mapping[str, object]


def diagnostics(node: Any, statuses: list[Status]) -> DiagnosticArray:
    """A node's statuses, as of now by its clock."""
    own = node.get_fully_qualified_name().strip("/")
    return DiagnosticArray(
        header=Header(stamp=node.get_clock().now().to_msg()),
        status=[
            DiagnosticStatus(
                level=one.level,
                name=f"{own}: {one.name}",
                message=one.message,
                hardware_id=own,
                values=[KeyValue(key=key, value=_told(value)) for key, value in one.values.items()],
            )
            for one in statuses
        ],
    )


def stream_status(
    name: str,
    came: StreamStatistics,
    before: StreamStatistics,
    seconds: float,
    heard: AdaptiveSubscription,
    more: Mapping[str, object],
    concern: str = "",
) -> Status:
    """Of an input: what came, and how that differs from what had come so many seconds before.

    concern: what is wrong with what came, a sentence, though it can be used.
    """
    if came.idle is None:
        level, message = DiagnosticStatus.ERROR, heard.problem or "nothing has come yet"
    elif came.idle > IDLE_S:
        level, message = DiagnosticStatus.ERROR, heard.problem or f"nothing has come for {came.idle:.0f} s"
    elif came.refused > before.refused:
        level, message = DiagnosticStatus.ERROR, f"{came.refused - before.refused} left out: {came.problem}"
    elif came.still >= 30:
        level, message = DiagnosticStatus.WARN, "its stamps stand still"
    elif came.unstamped > before.unstamped:
        level, message = DiagnosticStatus.WARN, "its messages have no stamp"
    elif heard.problem or concern:
        level, message = DiagnosticStatus.WARN, heard.problem or concern
    else:
        level, message = DiagnosticStatus.OK, "comes"
    values = {
        "subscription": heard.offer.told if heard.offer else "none",
        "publishers": "" if heard.publishers is None else heard.publishers,
        "received": came.received,
        "rate_hz": (came.received - before.received) / seconds if seconds > 0 else 0.0,
        "refused": came.refused,
        "unstamped": came.unstamped,
        **more,
    }
    return Status(name, level, message, values)


def stream_problem(came: StreamStatistics, heard: AdaptiveSubscription) -> str:
    """What is wrong with an input as long as it is, for the log; empty where nothing is."""
    quiet = heard.age if came.idle is None else min(heard.age, came.idle)
    return heard.problem or ("it is published, and nothing comes" if quiet > IDLE_S else "")


def buffer_values(counts: Counts) -> dict[str, object]:
    """Of what the window buffer has met."""
    return {field.name: getattr(counts, field.name) for field in fields(counts)}


def work_status(work: WorkerStatistics, who: Mapping[str, object], missing: str, latency: float | None) -> Status:
    """Of the inference.

    who: its reasoner and model. missing: why there is no reasoner, if so. latency: s, of the last answer.
    """
    last = work.last
    if work.stalled is not None:
        level, message = DiagnosticStatus.ERROR, f"the reasoner is stuck for {work.stalled:.0f} s"
    elif missing:
        level, message = DiagnosticStatus.ERROR, missing
    elif last is not None and last.outcome.failed:
        level, message = DiagnosticStatus.ERROR, f"{last.outcome.value}: {last.detail}"
    elif last is not None and last.instead_of is not None:
        level, message = DiagnosticStatus.WARN, last.detail
    else:
        level, message = DiagnosticStatus.OK, "idle" if work.busy is None else "busy"
    values: dict[str, object] = {
        **who,
        "windows_offered": work.offered,
        "windows_answered": work.answered,
        "windows_dropped": work.dropped,
        "windows_gated": work.gated,
        "windows_waiting": work.waiting,
        "deadline_overruns": work.overruns,
        "fallbacks": work.fallbacks,
        "busy_s": work.busy or 0.0,
        "stalled_s": work.stalled or 0.0,
        "latency_s": "" if latency is None else latency,
        **{f"outcome_{outcome.value.lower()}": count for outcome, count in work.outcomes.items()},
    }
    return Status("inference", level, message, values)


def _told(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
