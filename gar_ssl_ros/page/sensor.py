"""A page's own camera and microphone as the robot's: one page at a time, checked, and onto the graph."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from starlette.websockets import WebSocket, WebSocketDisconnect

from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.page.commands import CommandError, Look, Ping, read_command
from gar_ssl_ros.page.feed import Feed, Picture
from gar_ssl_ros.page.sensor_messages import SenseError, read_sense
from gar_ssl_ros.page.sensor_publisher import SensorPublisher
from gar_ssl_ros.work.complaints import Complaints

CLOCK_OFF_NS = 5 * SECOND  # from this clock's time, further than which a page's clock is wrong
REORDER_NS = SECOND // 2  # back in time by at most this, a message is late and of no use; by more, time has jumped
SILENT_S = 5.0  # after which a page is taken to be gone, and another may be the sensor
IDLE_S = 3.0  # after which it is told that nothing comes
TAKEN = 4409  # code with which a WebSocket is closed
TAKEN_TOLD = "another page is the robot's camera and microphone already: stop it there"
CLOCK_TOLD = "the page's clock is off: times are those of arrival"


@dataclass
class _Page:
    """The page that is the sensor. looks: False while it is hidden. newest: of pictures and sound, ns: the last
    stamp, and the last end.
    """

    websocket: WebSocket
    replies: list[dict[str, Any]] = field(default_factory=list)
    heard_of: float = field(default_factory=monotonic)
    came: float = field(default_factory=monotonic)
    looks: bool = True
    newest: dict[type, tuple[int, int]] = field(default_factory=dict)


class Sensor:
    """Takes in what a page sees and hears, by its WebSocket. How it goes is in /diagnostics."""

    def __init__(self, node: Any, feed: Feed) -> None:
        """node: on whose graph it is published. feed: told whether a page is the sensor."""
        self._feed = feed
        self._publisher = SensorPublisher(node)
        self._page: _Page | None = None
        self._counts = {"refused": 0, "late": 0, "clock_off": 0}
        self._reported: dict[str, int] = {}
        self._diagnostics = DiagnosticUpdater(node, self._statuses)
        feed.tell("sensor", on=False)

    def close(self) -> None:
        """Take in nothing more."""
        self._publisher.close()

    async def serve(self, websocket: WebSocket) -> None:
        """Until that page leaves, or another takes its place since it was silent for SILENT_S."""
        await websocket.accept()
        if self._page is not None and monotonic() - self._page.heard_of < SILENT_S:
            return await _refuse(websocket)
        page = self._page = _Page(websocket)
        complaints = Complaints(lambda told: page.replies.append(_told(-1, False, told)))
        self._feed.tell("sensor", on=True)
        try:
            while self._page is page:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect" or self._page is not page:
                    break
                page.heard_of = monotonic()
                try:
                    self._take(page, message, complaints)
                except (SenseError, CommandError) as problem:
                    self._counts["refused"] += 1
                    complaints.tell(str(problem))
                for reply in page.replies:
                    await websocket.send_text(json.dumps(reply))
                page.replies.clear()
        except (WebSocketDisconnect, RuntimeError, OSError):  # it has left already
            pass
        finally:
            if self._page is page:
                self._page = None
                self._feed.tell("sensor", on=False)
            else:
                await _refuse(websocket)

    def _take(self, page: _Page, message: Any, complaints: Complaints) -> None:
        if message.get("text") is not None:
            command = read_command(message["text"])
            if isinstance(command, Ping):
                page.replies.append({"type": "pong", "id": command.id, "now": time.time_ns() / 1e6})
            elif isinstance(command, Look):
                page.looks = command.on
            else:
                raise CommandError("a camera and microphone ask for nothing: ask by /stream")
            return
        taken = read_sense(message.get("bytes") or b"")
        page.came = monotonic()
        stamp = self._stamp(page, taken, complaints)
        if stamp is None:
            self._counts["late"] += 1
        elif isinstance(taken, Audio):
            self._publisher.hear(Audio(stamp, taken.samples, taken.rate))
        else:
            self._publisher.see(Picture(stamp, taken.width, taken.height, taken.jpeg))

    def _stamp(self, page: _Page, taken: Picture | Audio, complaints: Complaints) -> int | None:
        """The time of it, ns; that of its arrival where the page's clock is off, None where it comes too late."""
        now, stamp = time.time_ns(), taken.stamp
        length = taken.end - stamp if isinstance(taken, Audio) else 0
        before, end = page.newest.get(type(taken), (0, 0))
        if abs(now - stamp - length) > CLOCK_OFF_NS:
            self._counts["clock_off"] += 1
            complaints.tell(CLOCK_TOLD)
            stamp = now - length
            if length and abs(stamp - end) < REORDER_NS:  # sound comes in one piece, messages in bursts
                stamp = end
        if 0 <= before - stamp <= REORDER_NS:
            return None
        page.newest[type(taken)] = (stamp, stamp + length)
        return stamp

    def _statuses(self) -> list[Status]:
        counts = {**self._publisher.counts, **self._counts}
        more = {name: count - self._reported.get(name, 0) for name, count in counts.items()}
        self._reported = counts
        page, dropped = self._page, 4 * more["dropped_pictures"] > more["pictures"] or more["dropped_chunks"] > 0
        problem = ""
        if page is None:
            problem = "no page is the camera and microphone: start it on one"
        elif monotonic() - page.came > IDLE_S:
            problem = "nothing comes from the page: look at what it says of its camera and microphone"
        elif more["clock_off"]:
            problem = CLOCK_TOLD
        elif more["refused"]:
            problem = f"{more['refused']} messages of the page were of no use: it was told why"
        elif more["late"]:
            problem = f"{more['late']} messages of the page went back in time, and were left out"
        elif not page.looks:
            problem = "the page is hidden, so its camera rests: show it"
        elif dropped:
            problem = "more comes from the page than can be sent on: this machine is too busy"
        level = DiagnosticStatus.WARN if problem else DiagnosticStatus.OK
        return [Status("sensor", level, problem or "comes", counts)]


def _told(number: int, ok: bool, text: str) -> dict[str, Any]:
    return {"type": "told", "id": number, "ok": ok, "text": text}


async def _refuse(websocket: WebSocket) -> None:
    """Tell it that another page is the sensor."""
    with suppress(WebSocketDisconnect, RuntimeError, OSError):
        await websocket.send_text(json.dumps(_told(-1, False, TAKEN_TOLD)))
        await websocket.close(TAKEN, TAKEN_TOLD)
