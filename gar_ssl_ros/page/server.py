"""The page's server, on a thread of its own."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

from gar_ssl_ros.errors import UserError, sentence

MAX_MESSAGE_BYTES = 2**22  # of a WebSocket, as of a picture of a page's own camera
GRACE_S = 1  # that pages are given to take the end in
STOP_S = 5.0


class ServerError(UserError):
    """Why the page cannot be served: one sentence."""


class Server:
    """A context: it serves from its start to its end. Raises ServerError where the address cannot be had."""

    def __init__(self, app: ASGIApp, host: str, port: int, certificate: tuple[Path, Path] | None = None) -> None:
        """port: 0 for any that is free. certificate: and its key, for https."""
        self._socket = _bound(host, port)
        self.port = int(self._socket.getsockname()[1])
        self._started = Event()
        chain, key = certificate or (None, None)
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",  # the one that waits for a slow client
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_max_queue=4,
            ws_per_message_deflate=False,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            ssl_certfile=chain,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._serve, name="page", daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_S)
        self._socket.close()

    def _serve(self) -> None:
        self._started.set()  # whoever connects now waits in the socket's queue
        self._server.run([self._socket])


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(64)
        except OSError:
            made.close()
            raise
    except OSError as problem:
        why = problem.strerror or sentence(problem)
        raise ServerError(f"the page cannot be served at {host} port {port} ({why}): choose another --port") from None
    return made
