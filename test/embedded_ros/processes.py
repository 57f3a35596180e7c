"""What tests share that speak with other processes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0  # s: what should happen has happened by then, on any machine
PRELUDE = f"""
from pathlib import Path
from gar_ssl_ros import embedded_ros
embedded_ros.install({{"gar_ssl_ros": Path({str(ROOT)!r})}})
import rclpy
"""


def output(child: subprocess.Popen[str]) -> str:
    """What a process printed since it was ready, once it has ended by itself."""
    assert child.stdout is not None
    said = child.stdout.read()
    assert child.wait(timeout=PATIENCE) == 0, said
    return said


def spin_until(executor: object, condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Spin until the condition holds; whether it does."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.05)  # type: ignore[attr-defined]
    return condition()
