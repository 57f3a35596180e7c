"""A network camera of the test's own: MJPEG over HTTP on loopback, which can be unplugged and plugged in again."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import cv2
import numpy as np


def jpeg(width: int, height: int, level: int = 0) -> bytes:
    """A grey picture with a ramp in it, lighter by `level`."""
    picture = np.full((height, width, 3), 40 + level % 100, np.uint8)
    picture[:, :, 0] = np.linspace(0, 255, width, dtype=np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


class NetworkCamera:
    """Plugged in from the start. images: as they are sent, one after another, without end."""

    def __init__(self, images: list[bytes], rate: float = 50.0) -> None:
        self._images, self._rate = images, rate
        self._port = 0
        self.plug_in()

    @property
    def address(self) -> str:
        return f"http://user:secret@127.0.0.1:{self._port}/stream"

    def plug_in(self) -> None:
        self._gone = gone = Event()
        images, period = self._images, 1 / self._rate

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=image")
                self.end_headers()
                index = 0
                while not gone.wait(period):
                    image = images[index % len(images)]
                    index += 1
                    head = f"--image\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + image + b"\r\n")
                    except OSError:  # whoever looked is gone
                        return

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = False
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def unplug(self) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
