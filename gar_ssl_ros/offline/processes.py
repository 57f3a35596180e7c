"""Nodes of ours as processes, on a graph of their own where that is wanted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, current_thread, main_thread
from time import monotonic
from types import FrameType

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.interrupts import Interrupted

STOP_S = 5.0  # that a process is given to stop by itself
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class LiveError(UserError):
    """The graph did not come to life, or broke: one sentence, with what the node said."""


class NodeProcess:
    """A node of ours as a process."""

    def __init__(self, name: str, parameters: Mapping[str, object]) -> None:
        self.name = name
        given = [part for key, value in parameters.items() for part in ("-p", f"{key}:={_yaml(value)}")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gar_ssl_ros.cli", "run", name, "--ros-args", *given],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to pass on, once
        )
        self._said: list[str] = []
        self._reader = Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    def ended(self) -> bool:
        """True if it has done its work. Raises LiveError where it has broken."""
        code = self.process.poll()
        if code:
            self._reader.join(1.0)
            raise LiveError(f"the {self.name} ended with exit status {code}: it said {self.told()}")
        return code == 0

    def told(self) -> str:
        """The last that it said."""
        return " / ".join(self._said) or "nothing"

    def interrupt(self) -> None:
        """Have it stop."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def stop(self, end: float) -> None:
        """Be sure that it has, by that time."""
        try:
            self.process.wait(max(0.0, end - monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said = [*self._said[-4:], line.rstrip()]


def _yaml(value: object) -> str:
    """A parameter's value as --ros-args takes it, whatever a path holds."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


class Processes:
    """Those that were started, by calling it."""

    def __init__(self) -> None:
        self._nodes: list[NodeProcess] = []
        self._starting = self._interrupted = False

    def __call__(self, name: str, parameters: Mapping[str, object]) -> NodeProcess:
        """Start a node, by name and parameters."""
        self._starting = current_thread() is main_thread()  # where signals are heard
        try:
            node = NodeProcess(name, parameters)
            self._nodes.append(node)
        finally:
            self._starting = False
        if self._interrupted:
            self.interrupt()
        return node

    def interrupt(self) -> None:
        """Raises Interrupted, once: after a node that is being started, which would be left behind."""
        self._interrupted = True
        if not self._starting:
            _ignore(*STOP_SIGNALS)
            raise Interrupted

    def stop(self, *nodes: NodeProcess) -> None:
        """Have these, or all, stop, the newest first, and wait for it."""
        stopping = nodes or tuple(self._nodes)
        for node in reversed(stopping):
            node.interrupt()
        end = monotonic() + STOP_S
        for node in stopping:
            node.stop(end)
        self._nodes = [one for one in self._nodes if one not in stopping]


@contextmanager
def graph() -> Iterator[Processes]:
    """What starts nodes; all have stopped at the end. From the main thread only."""
    nodes = Processes()
    with _interrupted_once(nodes):
        try:
            yield nodes
        finally:
            _ignore(*STOP_SIGNALS)
            nodes.stop()


@contextmanager
def isolated() -> Iterator[None]:
    """The environment, and with it rclpy's and all processes' that are started meanwhile, as of a graph of our own.

    It has a domain that nobody else uses, on this machine only. Raises LiveError where none is free.
    """
    before = dict(os.environ)
    reach = {"ROS_DOMAIN_ID": str(free_domain()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    os.environ.update(reach, PYTHONUNBUFFERED="1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _interrupted_once(nodes: Processes) -> Iterator[None]:
    """Let a Ctrl-C or SIGTERM through as Interrupted, and no second one: it would leave processes behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nodes.interrupt()

    before = {number: signal.signal(number, interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(*numbers: int) -> None:
    """By a handler: of a signal that is on its way while SIG_IGN is set, Python prints a traceback."""
    for number in numbers:
        signal.signal(number, lambda *_: None)


def free_domain() -> int:
    """A ROS domain that nobody on this machine uses: its ports are free (DDSI-RTPS 2.5, 9.6.2.3)."""
    for step in range(100):
        domain = 1 + (os.getpid() + 37 * step) % 100  # up to 101 is safe on all systems
        if all(_free(7400 + 250 * domain + offset) for offset in (0, 10, 11, 200)):  # 200: a reservation, as of tests
            return domain
    raise LiveError("every ROS domain from 1 to 100 is in use on this machine: stop some nodes")


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
