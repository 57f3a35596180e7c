"""The nodes as processes: `gar-ssl run NODE`, and `ros2 run gar_ssl_ros NODE`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from threading import Event, Thread
from time import monotonic
from typing import Any

from gar_ssl_ros.errors import DONE, FAILED, USAGE, UserError, discard_stdout, sentence
from gar_ssl_ros.interrupts import heeded, listen

NAMES = ("localizer", "player", "camera", "microphone", "recorder", "fuse")
FAREWELL_S = 0.3  # s: that there will be no answer is told in callbacks, too


def main(name: str, arguments: Sequence[str] = ()) -> int:
    """Run the node of that name, one of NAMES, until its work is done or it is told to stop; the exit status.

    arguments: as after the program's name, such as --ros-args -p clip:=talk.mp4.
    """
    try:
        import_module("gar_ssl_ros.messages.ros")  # makes rclpy importable
        return _run(name, arguments)
    except ImportError as problem:
        built = (problem.name or "").startswith(("gar_ssl_ros.msg", "gar_ssl_ros.srv", "gar_ssl_ros.action"))
        remedy = (
            "build this package with colcon and source its setup.bash" if built else "see Installing in docs/ros.md"
        )
        return _failed(name, f"{problem.name or 'a Python package'} is missing or too old ({problem}): {remedy}", USAGE)
    except BrokenPipeError:  # whoever read the output has enough of it, as `| head` has
        discard_stdout()
        return FAILED
    except (OSError, NotImplementedError) as problem:
        return _failed(name, sentence(problem), USAGE)
    except KeyboardInterrupt:  # a second one, while the first one was being heeded
        heeded()
        return DONE


def _run(name: str, arguments: Sequence[str]) -> int:
    import rclpy
    from rclpy.exceptions import ParameterException
    from rclpy.executors import ExternalShutdownException
    from rclpy.signals import SignalHandlerOptions

    from gar_ssl_ros.heap import one_arena

    one_arena()
    listen()  # until there is something to spin
    try:
        # rclpy's own handlers end the context at once: whoever waits for an answer would not be told that none comes.
        rclpy.init(args=[name, *arguments], signal_handler_options=SignalHandlerOptions.NO)
    except Exception as problem:  # of many types: what rcl makes of the arguments and the environment
        return _failed(name, str(problem), USAGE)
    try:
        runs: dict[str, Callable[[], int]] = {
            "localizer": _localizer,
            "player": _player,
            "camera": _camera,
            "microphone": _microphone,
            "recorder": _recorder,
            "fuse": _fuse,
        }
        return runs[name]()
    except (KeyboardInterrupt, ExternalShutdownException):
        return DONE
    except (UserError, ParameterException, LookupError, ValueError, RuntimeError) as problem:
        return _failed(name, str(problem), USAGE)
    finally:
        heeded()
        rclpy.try_shutdown()
        _on_stop(signal.SIG_IGN)  # a second one breaks nothing; the only handler that outlives the interpreter


def _localizer() -> int:
    import rclpy
    from rclpy.lifecycle import TransitionCallbackReturn

    from gar_ssl_ros.nodes.localizer import LocalizerNode

    node = LocalizerNode()
    _log_through(node)
    failed = Event()

    def start() -> None:
        try:
            if node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
                failed.set()
            else:
                node.trigger_activate()
        except Exception as problem:  # somebody on the graph was faster with a transition
            node.diagnostics.failed(problem)

    # Beside the executor, so that diagnostics go on and signals are heard while a model is loaded.
    starter = Thread(target=start, name="autostart", daemon=True)
    try:
        if node.autostart:
            node.check_choice()  # here, that wrong usage ends as wrong usage
            starter.start()
        _spin(node, failed, stop=node.stop)
    finally:
        ended = node.close() and not starter.is_alive()
        node.destroy_node()
        if not ended:  # a reasoner deaf to its cancel must neither keep the process nor break it on the way out
            rclpy.try_shutdown()
            sys.stderr.flush()
            os._exit(DONE)
    return FAILED if failed.is_set() else DONE


def _player() -> int:
    from gar_ssl_ros.nodes.player import PlayerNode

    node = PlayerNode()
    ended = Event()
    with _closing(node):
        node.play(ended.set)
        _spin(node, ended)
    return FAILED if node.broken else DONE


def _camera() -> int:
    from gar_ssl_ros.media.cameras import KIND, cameras
    from gar_ssl_ros.media.devices import listed
    from gar_ssl_ros.nodes.camera import CameraNode

    node = CameraNode()
    ended = Event()
    with _closing(node):
        if node.only_lists:
            sys.stdout.write(f"{listed(cameras(), KIND)}\n")
            return DONE
        node.look(ended.set)
        _spin(node, ended)
    return FAILED if node.broken else DONE


def _microphone() -> int:
    from gar_ssl_ros.media.devices import listed
    from gar_ssl_ros.nodes.microphone import KIND, MicrophoneNode, microphones

    node = MicrophoneNode()
    with _closing(node):
        if node.only_lists:
            sys.stdout.write(f"{listed(microphones(), KIND)}\n")
            return DONE
        node.record()
        _spin(node)
    return DONE


def _recorder() -> int:
    from gar_ssl_ros.nodes.recorder import RecorderNode

    node = RecorderNode()
    with _closing(node):
        _spin(node, node.ended)
    return _failed("recorder", node.broken, FAILED) if node.broken else DONE


def _fuse() -> int:
    from gar_ssl_ros.nodes.fuse import FuseNode

    node = FuseNode()
    with _closing(node):
        _spin(node)
    return DONE


@contextmanager
def _closing(node: Any) -> Iterator[None]:
    """In the end the node has stopped, and is off the graph."""
    try:
        yield
    finally:
        node.close()
        node.destroy_node()


def _spin(node: Any, ended: Event | None = None, stop: Callable[[], None] | None = None) -> None:
    """Until told to stop, or until `ended` is set. stop: lets callbacks that wait for something come to their end."""
    import rclpy
    from rclpy.executors import ExternalShutdownException

    from gar_ssl_ros.nodes.executor import SurvivingExecutor

    executor = SurvivingExecutor(node.diagnostics.failed)
    executor.add_node(node)
    told = Event()
    _on_stop(lambda *_: told.set())  # a second one, as ros2 launch sends it after a terminal's, breaks nothing
    try:
        while rclpy.ok() and not told.is_set() and not (ended is not None and ended.is_set()):
            executor.spin_once(timeout_sec=0.1)
    except ExternalShutdownException:
        pass
    if stop is not None:
        stop()
        end = monotonic() + FAREWELL_S
        while rclpy.ok() and monotonic() < end:
            executor.spin_once(timeout_sec=0.05)
    executor.shutdown(timeout_sec=0.5)


def _on_stop(handler: Any) -> None:
    """Have whoever tells the process to stop heard so."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _log_through(node: Any) -> None:
    """What the method logs goes where the node's own log goes, without a traceback."""

    class ToNode(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            problem = record.exc_info[1] if record.exc_info else None
            said, log = record.getMessage() + (f": {problem}" if problem is not None else ""), node.get_logger()
            if record.levelno >= logging.ERROR:  # a line each: rclpy holds a line to the level that it had first
                log.error(said)
            elif record.levelno >= logging.WARNING:
                log.warning(said)
            else:
                log.info(said)

    log = logging.getLogger("gar_ssl_ros")
    log.setLevel(logging.INFO)
    log.addHandler(ToNode())
    log.propagate = False


def _failed(name: str, problem: str, code: int) -> int:
    sys.stderr.write(f"{name}: {problem}\n")
    return code
