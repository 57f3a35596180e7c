"""embedded_ros in place, a domain of one's own on loopback, and other processes that speak there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from domains import own_environment
from processes import PRELUDE, ROOT

from gar_ssl_ros import embedded_ros
from gar_ssl_ros.embedded_ros.rclpy.context import Context

EMBEDDED = embedded_ros.install({"gar_ssl_ros": ROOT})  # before any test imports a message


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
