"""A clip through the live graph: player, localizer and recorder as processes that speak ROS 2 with each other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from types import FrameType

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.offline.observer import Observer

RECORDED_TOPICS = "image audio audio_info localizer/sources localizer/detections localizer/image_annotated /diagnostics"
MORE_TOPICS = "camera_info localizer/directions"  # where the camera and an array are known
START_S = 60.0  # that the nodes may take to be there
REST_S = 60.0  # that the clip's last windows may take after its end
STOP_S = 5.0  # that a process is given to stop by itself
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class LiveError(UserError):
    """The graph did not come to life, or broke: one sentence, with what the node said."""


def play(
    clip: Path,
    bag: Path,
    parameters: Mapping[str, object],
    tell: Callable[[str], None],
    pace: float = 1.0,
    calibration: Path | None = None,
) -> None:
    """Play a clip once to the localizer, `pace` times as fast as it was recorded, and record all that passes.

    bag: a new one. parameters: of the localizer. tell: given the answers in words, as they come. calibration: of the
    clip's camera. All processes have ended when it returns or raises. Raises LiveError.
    """
    with isolated(), graph() as start:
        localizer = start("localizer", {"overlay_rate": 0.0, **parameters})  # a bag need not hold each image twice
        topics = RECORDED_TOPICS if calibration is None else f"{RECORDED_TOPICS} {MORE_TOPICS}"
        recorder = start("recorder", {"bag": bag, "topics": topics})
        with closing(_observer(tell, localizer)) as observer:

            def look() -> None:
                observer.look()
                recorder.ended()  # for its error, as of the next
                localizer.ended()

            end = monotonic() + START_S
            while not observer.records:
                look()
                if localizer.ended() or monotonic() > end:
                    raise LiveError(f"the localizer was not there within {START_S:.0f} s: it said {localizer.told()}")
            played: dict[str, object] = {"clip": clip.absolute(), "wait": START_S, "listeners": 2, "rate": pace}
            if calibration is not None:
                played["calibration"] = calibration.absolute()
            player = start("player", played)
            while not player.ended():
                look()
            observer.forget()
            end = monotonic() + REST_S
            while not observer.idle and monotonic() < end:
                look()


def _observer(tell: Callable[[str], None], localizer: NodeProcess) -> Observer:
    """Raises LiveError where the graph cannot be joined; what the localizer says of that comes first."""
    try:
        return Observer(tell)
    except Exception as problem:  # of many types: what rcl makes of the environment
        with suppress(subprocess.TimeoutExpired):
            localizer.process.wait(START_S)
        localizer.ended()
        raise LiveError(f"the graph cannot be watched: {sentence(problem)}") from None


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


@contextmanager
def graph() -> Iterator[Callable[[str, Mapping[str, object]], NodeProcess]]:
    """A function that starts nodes, by name and parameters; all have stopped at the end. From the main thread only."""
    nodes: list[NodeProcess] = []

    def start(name: str, parameters: Mapping[str, object]) -> NodeProcess:
        nodes.append(NodeProcess(name, parameters))
        return nodes[-1]

    with _interrupted_once():
        try:
            yield start
        finally:
            _ignore(*STOP_SIGNALS)
            for node in reversed(nodes):
                node.interrupt()
            end = monotonic() + STOP_S
            for node in nodes:
                node.stop(end)


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
def _interrupted_once() -> Iterator[None]:
    """Let a Ctrl-C or SIGTERM through as KeyboardInterrupt, and no second one: it would leave processes behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        _ignore(*STOP_SIGNALS)
        raise KeyboardInterrupt

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
