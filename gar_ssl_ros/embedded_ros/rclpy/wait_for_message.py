"""One message."""

from __future__ import annotations

import time
from typing import Any

from ...interfaces import deserialize
from ..dds.library import INFINITE
from ..dds.waiting import Guard, WaitSet
from .node import Node
from .qos import QoSProfile


def wait_for_message(
    msg_type: type[Any], node: Node, topic: str, *, qos_profile: QoSProfile | int = 1, time_to_wait: float = -1
) -> tuple[bool, Any]:
    """Wait at most `time_to_wait` s (below 0: no limit) for a message. Return (True, it) if one came."""
    context = node.context
    wait_set, guard = WaitSet(context.participant), Guard(context.participant)
    reader, _, _ = node._endpoint(context.participant.reader, msg_type, topic, qos_profile)
    context.on_shutdown(guard.trigger)
    end = None if time_to_wait < 0 else time.monotonic_ns() + int(time_to_wait * 1e9)
    try:
        while context.ok():
            left = INFINITE if end is None else max(0, end - time.monotonic_ns())
            wait_set.wait({reader.condition, guard.handle}, left)
            if context.ok() and (sample := reader.take()) is not None:
                return True, deserialize(sample.data, msg_type)
            if not left:
                break
    finally:
        for made in (reader, guard, wait_set):
            made.close()
    return False, None
