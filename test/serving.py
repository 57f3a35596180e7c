"""The stand-in for inference engines (reasoners/engines.py), started as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ENGINES = Path(__file__).parent / "reasoners" / "engines.py"
PATIENCE_S = 60.0


@dataclass
class Serving:
    """One that listens."""

    url: str

    @property
    def log(self) -> list[dict[str, Any]]:
        with urlopen(self.url.removesuffix("/v1") + "/_log", timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def fault(self, *faults: str) -> None:
        data = json.dumps({"faults": faults}).encode()
        with urlopen(Request(self.url.removesuffix("/v1") + "/_fault", data), timeout=PATIENCE_S):
            pass

    def until(self, true: Callable[[list[dict[str, Any]]], Any]) -> list[dict[str, Any]]:
        """The log, once that is true of it."""
        end = time.monotonic() + PATIENCE_S
        while not true(log := self.log):
            assert time.monotonic() < end, f"{len(log)} requests"
            time.sleep(0.02)
        return log


@contextmanager
def serving(*told: str) -> Iterator[Serving]:
    """One, until the end. told: as on its command line."""
    command = [sys.executable, str(ENGINES), *told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}) as it:
        assert it.stdout is not None
        try:
            yield Serving(json.loads(it.stdout.readline())["url"])
        finally:
            it.kill()
