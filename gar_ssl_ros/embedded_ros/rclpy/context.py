"""From init to shutdown."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Sequence
from inspect import ismethod
from types import TracebackType
from weakref import WeakMethod, WeakSet

from .. import arguments
from ..arguments import RosArguments
from ..dds import settings
from ..dds.participant import Participant
from ..graph import Graph
from . import logging
from .exceptions import ContextShutDown, NotInitializedException

_joined: WeakSet[Context] = WeakSet()  # to leave before the interpreter ends, so that others need not miss us first


class Context:
    """A process's part in a ROS graph, from `init` to `shutdown`. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._leaving = threading.RLock()  # held until the graph is left
        self._callbacks: list[Callable[[], Callable[[], object] | None]] = []
        self._participant: Participant | None = None
        self._graph: Graph | None = None
        self._arguments = RosArguments()
        self._domain_id = 0
        self._ok = False
        self._left = False

    def init(
        self, args: Sequence[str] | None = None, *, initialize_logging: bool = True, domain_id: int | None = None
    ) -> None:
        """Join the graph: `domain_id`, else ROS_DOMAIN_ID, else 0, with what `args` (sys.argv) say after --ros-args."""
        with self._lock:
            if self._participant is not None:
                raise RuntimeError("Context.init() must only be called once")
            if domain_id is not None and domain_id < 0:
                raise RuntimeError(f"Domain id ({domain_id}) should not be lower than zero.")
            self._arguments = arguments.parse(sys.argv if args is None else args)
            self._domain_id = arguments.domain_id() if domain_id is None else domain_id
            if initialize_logging:
                logging.configure(self._arguments.levels, self._arguments.stdout)
            self._participant = Participant(
                self._domain_id, settings.of(os.environ), b"enclave=/;", settings.only_loopback(os.environ)
            )
            self._graph = Graph(self._participant)
            self._ok = True
            _joined.add(self)
            atexit.unregister(_leave)
            atexit.register(_leave)
        for ignored in self._arguments.ignored:
            logging.get_logger("rclpy").warning(f"{ignored}: embedded_ros has no such thing, so it is ignored")

    def ok(self) -> bool:
        """True if it is between init and shutdown."""
        return self._ok

    def shutdown(self) -> None:
        """Leave the graph. Raises RuntimeError where this was done already or init never was."""
        if self._participant is None:
            raise RuntimeError("Context must be initialized before it can be shutdown")
        if not self._shut_down():
            raise RuntimeError("Context has been shut down already")

    def end(self) -> None:
        """Be no longer ok; whoever knows of that calls `try_shutdown` soon."""
        self._ok = False

    def try_shutdown(self) -> None:
        """Leave the graph, where that is not done already."""
        self._shut_down()

    def on_shutdown(self, callback: Callable[[], object]) -> None:
        """Call back at shutdown: at once where that has been."""
        if not callable(callback):
            raise TypeError(f"callback should be a callable, got {type(callback)}")
        with self._lock:
            if self._participant is None or self._ok:
                living = [weak for weak in self._callbacks if weak() is not None]
                self._callbacks = [*living, WeakMethod(callback) if ismethod(callback) else lambda: callback]
                return
        callback()

    def get_domain_id(self) -> int:
        """The domain."""
        if self._participant is None:
            raise RuntimeError("Context must be initialized before it can have a domain id")
        return self._domain_id

    def destroy(self) -> None:
        """Leave the graph, where that is not done already."""
        self._shut_down()

    @property
    def participant(self) -> Participant:
        """What stands for this process in the graph. Raises NotInitializedException before init and after shutdown."""
        if self._participant is None:
            raise NotInitializedException
        if not self._ok:
            raise ContextShutDown
        return self._participant

    @property
    def graph(self) -> Graph:
        """The graph of nodes. Raises NotInitializedException before init and after shutdown."""
        assert self.participant is not None  # or it raises
        assert self._graph is not None
        return self._graph

    @property
    def arguments(self) -> RosArguments:
        """What the command line said."""
        return self._arguments

    def __enter__(self) -> Context:
        if self._participant is None:
            self.init()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.try_shutdown()

    def _shut_down(self) -> bool:
        with self._leaving:
            with self._lock:
                if self._left or self._participant is None:
                    return False
                self._ok, self._left = False, True
                callbacks, self._callbacks = self._callbacks, []
            for weak in callbacks:
                if callback := weak():
                    callback()
            self._participant.close()
            return True


def _leave() -> None:
    for context in list(_joined):
        context.try_shutdown()
