"""Sessions as they are recorded: begun and ended from the page, each a rosbag2 of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.page.commands import CommandError
from gar_ssl_ros.page.live_node import Names
from gar_ssl_ros.work.surroundings import camera_info_beside

OF_LOCALIZER = ("sources", "detections", "markers", "directions", "level")


class RecorderProcess(Protocol):
    """A recorder that runs."""

    def ended(self) -> bool:
        """True if it has done its work. Raises UserError where it has broken."""


class Recordings:
    """At most one at a time. Thread-safe."""

    def __init__(
        self,
        start: Callable[[str, Mapping[str, object]], Any],
        stop: Callable[[Any], None],
        folder: Path,
        keep: float | None,
        names: Names,
    ) -> None:
        """start, stop: of a node's process. folder: in which each session is a folder. keep: s of it; None: all."""
        self._start, self._stop, self._folder, self._keep, self._names = start, stop, folder, keep, names
        self._guard = Lock()
        self._running: RecorderProcess | None = None
        self._path = folder
        self._since = 0.0
        self.problem = ""  # why the last one ended early

    def begin(self) -> str:
        """Where it is recorded, in words. Raises CommandError where one is being recorded."""
        with self._guard:
            if self._running is not None:
                raise CommandError(f"{self._path} is being recorded already")
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise CommandError(f"nothing can be recorded: {sentence(problem)}") from None
            self._path = self._folder / datetime.now().astimezone().strftime("session_%Y-%m-%d_%H-%M-%S")
            kept = {} if self._keep is None else {"keep": float(self._keep)}
            self._running = self._start("recorder", {"bag": self._path, "topics": " ".join(self._topics), **kept})
            self._since, self.problem = time.time_ns() / 1e6, ""
            return f"recording to {self._path}"

    def end(self) -> str:
        """Where it was recorded, in words. Raises CommandError where none is being recorded."""
        with self._guard:
            running, self._running = self._running, None
        if running is None:
            raise CommandError("nothing is being recorded")
        self._stop(running)
        return f"recorded to {self._path}"

    def look(self) -> dict[str, Any]:
        """How it is, for the page."""
        with self._guard:
            try:
                if self._running is not None and self._running.ended():
                    self._running = None
            except UserError as problem:
                self.problem, self._running = str(problem), None
            on = self._running is not None
            return {
                "on": on,
                "path": str(self._path) if on else "",
                "since": self._since if on else 0.0,
                "keep": self._keep,
                "bytes": _size(self._path) if on else 0,
                "problem": self.problem,
            }

    @property
    def _topics(self) -> list[str]:
        image, audio = self._names.image.removesuffix("/compressed"), self._names.audio
        own = [f"{self._names.localizer}/{topic}" for topic in OF_LOCALIZER]
        return [f"{image}/compressed", image, audio, f"{audio}_info", camera_info_beside(image), *own, "/diagnostics"]


def _size(path: Path) -> int:
    """Bytes of a session, of which the recorder may delete some meanwhile."""
    size = 0
    for file in path.rglob("*"):
        with suppress(OSError):
            size += file.stat().st_size if file.is_file() else 0
    return size
