"""The page over HTTP and WebSocket: what it is made of, what goes to it, what it asks for."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.page.access import Access
from gar_ssl_ros.page.commands import Behind, Command, CommandError, Look, Ping, read_command

STATIC = Path(__file__).parent / "static"
MOST_CLIENTS = 16
MOST_IN_HAND = 4  # commands of one client that are being carried out
MOST_REPLIES = 64  # that wait for a client, the newest
PROTECTION = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cache-Control": "no-cache",
}
REFUSED, FULL = 4403, 4429  # codes with which a WebSocket is closed (4000 on are the application's own, RFC 6455)

log = logging.getLogger(__name__)

Sense = Callable[[WebSocket], Awaitable[None]]


def application(behind: Behind, access: Access, sense: Sense | None = None) -> ASGIApp:
    """The page of what stands behind it. sense: takes in a page's own camera and microphone, where it may have them."""
    clients: set[_Client] = set()

    async def page(request: Request) -> Response:
        response = FileResponse(STATIC / "index.html")
        if not access.open and access.knows(request.query_params.get("token", "")):
            response.headers["Set-Cookie"] = access.cookie
        return response

    async def picture(request: Request) -> Response:
        stamp = _time(request, "stamp")
        found = None if stamp is None else await to_thread.run_sync(behind.picture, stamp)
        if found is None:
            return PlainTextResponse("there is no picture of that time", 404)
        return Response(found.jpeg, media_type="image/jpeg", headers={"X-Stamp": repr(found.stamp / 1e6)})

    async def sound(request: Request) -> Response:
        begin, end = _time(request, "begin"), _time(request, "end")
        if begin is None or end is None:
            return PlainTextResponse("begin and end are times in ms", 400)
        found = await to_thread.run_sync(behind.sound, begin, end)
        return Response(found, media_type="application/octet-stream")

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        if len(clients) >= MOST_CLIENTS:
            await websocket.close(FULL, f"{MOST_CLIENTS} pages look already: close one")
            return
        client = _Client(websocket, behind)
        clients.add(client)
        try:
            behind.feed.tell("clients", count=len(clients), most=MOST_CLIENTS)
            await client.serve()
        finally:
            clients.discard(client)
            behind.feed.tell("clients", count=len(clients), most=MOST_CLIENTS)

    routes = [
        Route("/", page),
        Route("/picture", picture),
        Route("/sound", sound),
        WebSocketRoute("/stream", stream),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    if sense is not None:
        routes.append(WebSocketRoute("/sense", sense))
    return _Guarded(Starlette(routes=routes), access)


class _Guarded:
    """Lets through who may look, and tells browsers what a page of ours may do."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        asked = HTTPConnection(scope)
        token = asked.query_params.get("token", "")
        refusal = self._access.refusal(asked.headers, token, page=scope["type"] == "websocket")

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(PROTECTION)
            await send(message)

        if not refusal:
            return await self._app(scope, receive, protected)
        if scope["type"] == "http":
            return await PlainTextResponse(refusal, 403)(scope, receive, protected)
        websocket = WebSocket(scope, receive, send)
        await websocket.accept()  # so that the page is told why
        await websocket.close(REFUSED, refusal)
        return None


class _Client:
    """A page that looks. What it cannot take is not kept for it."""

    def __init__(self, websocket: WebSocket, behind: Behind) -> None:
        self._websocket, self._behind = websocket, behind
        self._looking = True
        self._replies: deque[str] = deque(maxlen=MOST_REPLIES)
        self._news = asyncio.Event()
        self._in_hand: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until it leaves."""
        loop = asyncio.get_running_loop()

        def notify() -> None:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(self._news.set)

        end = self._behind.feed.listen(notify)
        sender = asyncio.create_task(self._send())
        try:
            while True:
                await self._take(await self._websocket.receive_text())
        except (WebSocketDisconnect, KeyError, RuntimeError):  # bytes in place of text; it has left already
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._websocket.close()
        finally:
            end()
            sender.cancel()
            for task in self._in_hand:
                task.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, OSError):
                await sender

    async def _send(self) -> None:
        await self._websocket.send_text(json.dumps({"type": "hello", **self._behind.hello}))
        cursor = 0
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            while self._replies:
                await self._websocket.send_text(self._replies.popleft())
            found = self._behind.feed.news(cursor, self._looking)
            cursor = found.cursor
            for message in found.messages:
                if isinstance(message, str):
                    await self._websocket.send_text(message)
                else:
                    await self._websocket.send_bytes(message)

    async def _take(self, text: str) -> None:
        try:
            command = read_command(text)
        except CommandError as problem:
            return self._reply({"type": "told", "id": -1, "ok": False, "text": str(problem)})
        if isinstance(command, Ping):
            return self._reply({"type": "pong", "id": command.id, "now": time.time_ns() / 1e6})
        if isinstance(command, Look):
            self._looking = command.on
            return self._reply({"type": "told", "id": command.id, "ok": True, "text": ""})
        if len(self._in_hand) >= MOST_IN_HAND:
            told = "too much was asked for at once: wait for what is being done"
            return self._reply({"type": "told", "id": command.id, "ok": False, "text": told})
        task = asyncio.create_task(self._do(command))
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        return None

    async def _do(self, command: Command) -> None:
        try:
            ok, told = True, await to_thread.run_sync(self._behind.do, command)
        except UserError as problem:
            ok, told = False, str(problem)
        except Exception as problem:
            ok, told = False, sentence(problem)
            log.exception("a page's command failed")
        self._reply({"type": "told", "id": command.id, "ok": ok, "text": told})

    def _reply(self, message: dict[str, Any]) -> None:
        self._replies.append(json.dumps(message))
        self._news.set()


def _time(request: Request, name: str) -> int | None:
    """A time, ns, of the address, where it is in ms."""
    try:
        milliseconds = float(request.query_params.get(name, ""))
        return round(milliseconds * 1e6)
    except (ValueError, OverflowError):  # no number, or none that is finite
        return None
