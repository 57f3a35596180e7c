"""A publisher of models on loopback, which misbehaves as it is told."""

from __future__ import annotations

import hashlib
import random
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gar_ssl_ros.perception.catalog import Model

CONTENT = random.Random(0).randbytes(300_000)


@dataclass
class Publisher:
    """What it does, and what it was asked."""

    address: str
    content: bytes = CONTENT
    ranges: bool = True  # whether it knows them
    shift: int = 0  # bytes by which its ranges are wrong
    length: bool = True  # whether it says how long its reply is
    status: int = 200
    ends_after: int | None = None  # bytes of a reply, then the connection ends
    breaks: bool = False  # whether it then ends with a reset
    holds_after: int | None = None  # bytes of a reply, then nothing comes any more
    holds: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range

    def model(self, **changes: object) -> Model:
        """A model of which `CONTENT` is the file."""
        facts = {"name": "yunet", "file": "model.onnx", "what": "faces", "licence": "MIT", "publisher": "Somebody"}
        told = {"url": f"{self.address}/model.onnx", "size": len(CONTENT), "sha256": (sha256_of(CONTENT),)}
        return Model(**{**facts, **told, **changes})  # type: ignore[arg-type]


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:  # as a proxy is asked for https
            told.asked.append((self.path, None))
            self.send_error(403)

        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            told.asked.append((self.path, wanted))
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and told.ranges else 0
            if told.status != 200 or start >= len(told.content):
                self.send_error(told.status if told.status != 200 else 416)
                return
            start -= told.shift
            body = told.content[start:]
            self.send_response(206 if wanted and told.ranges else 200)
            if wanted and told.ranges:
                self.send_header("Content-Range", f"bytes {start}-{len(told.content) - 1}/{len(told.content)}")
            if told.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: told.ends_after if told.holds_after is None else told.holds_after])
            if told.breaks:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            if told.holds_after is not None:
                told.holds.set()
                told.released.wait()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Publisher(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        told.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """The folder of models, which is not there yet; and an environment without proxies."""
    folder = tmp_path / "cache" / "models"
    monkeypatch.setenv("GAR_SSL_MODELS", str(folder))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return folder
