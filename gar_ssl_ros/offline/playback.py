"""A clip through the live graph: player, localizer and recorder as processes that speak ROS 2 with each other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from types import FrameType

from gar_ssl_ros.errors import UserError

TOPICS = "image audio audio_info localizer/sources localizer/detections localizer/image_annotated /diagnostics"
READY = "recording /localizer/sources"  # said by the recorder: the localizer is there
START = 60.0  # s that the nodes may take to be there
REST = 2.0  # s after the clip's end in which its last window is answered
STOP = 5.0  # s that a process is given to stop by itself
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class LiveError(UserError):
    """The graph did not come to life, or broke: one sentence, with what the node said."""


def play(
    clip: Path, bag: Path, parameters: Mapping[str, object], tell: Callable[[str], None], pace: float = 1.0
) -> None:
    """Play a clip once to the localizer, `pace` times as fast as it was recorded, and record all that passes.

    bag: a new one. parameters: of the localizer. tell: given each line of the recorder's, which are the answers as they
    come. All processes have ended when it returns or raises. Raises LiveError.
    """
    with graph() as start:
        localizer = start("localizer", parameters)
        recorder = start("recorder", {"bag": bag, "topics": TOPICS})
        end = monotonic() + START
        while not (recorder.line(0.1) or "").startswith(READY):
            if localizer.ended() or monotonic() > end:
                raise LiveError(f"the localizer was not there within {START:.0f} s: it said {localizer.told()}")
        player = start("player", {"clip": clip.absolute(), "wait": START, "listeners": 2, "rate": pace})
        rest: float | None = None
        while rest is None or monotonic() < rest:
            line = recorder.line(0.1)
            if line is not None and not line.startswith("recording "):
                tell(line)
            localizer.ended()  # for its error
            if rest is None and player.ended():
                rest = monotonic() + REST


class NodeProcess:
    """A node of ours as a process."""

    def __init__(self, name: str, parameters: Mapping[str, object], environment: Mapping[str, str]) -> None:
        self.name = name
        given = [part for key, value in parameters.items() for part in ("-p", f"{key}:={_yaml(value)}")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gar_ssl_ros.cli", "run", name, "--ros-args", *given],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to pass on, once
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._said: list[str] = []
        self._reader = Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    def line(self, seconds: float) -> str | None:
        """What it says next, waiting so long. Raises LiveError where it has broken."""
        self.ended()  # for its error
        try:
            return self._lines.get(timeout=seconds)
        except Empty:
            return None

    def ended(self) -> bool:
        """Whether it has done its work. Raises LiveError where it has broken."""
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
            self._lines.put(line.rstrip("\n"))


def _yaml(value: object) -> str:
    """A parameter's value as --ros-args takes it, whatever a path holds."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


@contextmanager
def graph(environment: Mapping[str, str] | None = None) -> Iterator[Callable[[str, Mapping[str, object]], NodeProcess]]:
    """A function that starts nodes, by name and parameters; all have stopped at the end.

    environment: of the nodes; by default ours, on a domain of their own and on this machine only. From the
    main thread only. Raises LiveError where no domain is free.
    """
    chosen = isolated() if environment is None else environment
    nodes: list[NodeProcess] = []

    def start(name: str, parameters: Mapping[str, object]) -> NodeProcess:
        nodes.append(NodeProcess(name, parameters, chosen))
        return nodes[-1]

    with _interrupted_once():
        try:
            yield start
        finally:
            _ignore(*SIGNALS)
            for node in reversed(nodes):
                node.interrupt()
            end = monotonic() + STOP
            for node in nodes:
                node.stop(end)


def isolated() -> dict[str, str]:
    """The environment, but for a domain that nobody else uses, on this machine only. Raises LiveError."""
    reach = {"ROS_DOMAIN_ID": str(free_domain()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return {**os.environ, **reach, "PYTHONUNBUFFERED": "1"}


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Let a Ctrl-C or SIGTERM through as KeyboardInterrupt, and no second one: it would leave processes behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        _ignore(*SIGNALS)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(*numbers: int) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


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
