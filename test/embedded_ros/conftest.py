"""embedded_ros in place, a domain of one's own on loopback, and other processes that speak there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from domains import own_environment

from gar_ssl_ros import embedded_ros
from gar_ssl_ros.embedded_ros.rclpy.context import Context

ROOT = Path(__file__).parents[2]
EMBEDDED = embedded_ros.install({"gar_ssl_ros": ROOT})  # before any test imports a message
PRELUDE = f"""
from pathlib import Path
from gar_ssl_ros import embedded_ros
embedded_ros.install({{"gar_ssl_ros": Path({str(ROOT)!r})}})
import rclpy
"""


@pytest.fixture(scope="session")
def embedded() -> None:
    """Skips, by name, where a real rclpy would be used."""
    if not EMBEDDED:
        pytest.skip("needs a machine without ROS 2")


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of this process and of those it starts."""
    environment = own_environment()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def context(embedded: None, surroundings: dict[str, str]) -> Iterator[object]:
    """A context in a domain of its own."""
    made = Context()
    made.init([])
    yield made
    made.try_shutdown()


@pytest.fixture
def process(surroundings: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function that starts a Python process with rclpy in place; it has printed `ready` once it returns."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PRELUDE + code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=surroundings,
            cwd=ROOT,
        )
        started.append(child)
        assert child.stdout is not None
        said = []
        while "ready\n" not in said:
            said.append(child.stdout.readline())
            assert said[-1], "".join(said)
        return child

    yield start
    for child in started:
        with suppress(ProcessLookupError):
            child.kill()
        child.communicate()


def output(child: subprocess.Popen[str]) -> str:
    """What a process printed since it was ready, once it has ended by itself."""
    assert child.stdout is not None
    said = child.stdout.read()
    assert child.wait(timeout=20) == 0, said
    return said


def spin_until(executor: object, condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Spin until the condition holds; whether it does."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.05)  # type: ignore[attr-defined]
    return condition()
