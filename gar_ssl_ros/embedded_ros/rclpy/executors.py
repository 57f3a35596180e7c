"""Who runs callbacks, and in which threads."""

from __future__ import annotations

import inspect
import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..dds.library import INFINITE, DDSError
from ..dds.waiting import Guard, WaitSet
from .context import Context
from .exceptions import ExternalShutdownException
from .executable import Executable
from .task import Future, Task
from .utilities import get_default_context

if TYPE_CHECKING:
    from .node import Node

__all__ = [
    "ConditionReachedException",
    "Executor",
    "ExternalShutdownException",
    "MultiThreadedExecutor",
    "ShutdownException",
    "SingleThreadedExecutor",
    "TimeoutException",
    "await_or_execute",
]


class TimeoutException(Exception):
    """Nothing was to do in the time given."""


class ShutdownException(Exception):
    """The executor was shut down."""


class ConditionReachedException(Exception):
    """What was waited for is done."""


async def await_or_execute(callback: Callable[..., Any], *args: Any) -> Any:
    """What a callback gives, awaited where it is a coroutine."""
    outcome = callback(*args)
    return await outcome if inspect.iscoroutine(outcome) else outcome


class Executor:
    """Runs the callbacks of nodes. One thread at a time may spin it."""

    def __init__(self, *, context: Context | None = None) -> None:
        self._context = context or get_default_context()
        self._nodes: list[Node] = []
        self._tasks: deque[Task] = deque()
        self._lock = threading.RLock()
        self._guard = Guard(self._context.participant)
        self._wait_set = WaitSet(self._context.participant)
        self._is_shutdown = False
        self._working: list[int] = []  # the threads that run callbacks
        self._idle = threading.Condition(self._lock)
        self._context.on_shutdown(self.wake)

    @property
    def context(self) -> Context:
        """The context whose nodes it serves."""
        return self._context

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> Task:
        """Run a function or coroutine when spinning; what will come of it."""
        task = Task(callback, args, kwargs, executor=self)
        self._schedule(task)
        return task

    def add_node(self, node: Node) -> bool:
        """Serve a node; False where it is served already."""
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes.append(node)
        node.executor = self
        self.wake()
        return True

    def remove_node(self, node: Node) -> None:
        """Serve a node no more."""
        with self._lock:
            if node in self._nodes:
                self._nodes.remove(node)
        self.wake()

    def get_nodes(self) -> list[Node]:
        """The nodes served."""
        with self._lock:
            return list(self._nodes)

    def wake(self) -> None:
        """Look again at what there is to do."""
        self._guard.trigger()

    def spin(self) -> None:
        """Run callbacks until shutdown."""
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run callbacks until a future is done, at most `timeout_sec` (None or below 0: no limit)."""
        future._when_done(self.wake)
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not future.cancelled() and not self._is_shutdown:
            left = None if end is None else max(0.0, end - time.monotonic())
            self._spin_once(left, lambda: future.done() or future.cancelled())
            if end is not None and time.monotonic() >= end:
                return

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run one callback, waiting for it at most `timeout_sec` (None or below 0: no limit)."""
        self._spin_once(timeout_sec, lambda: False)

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Like `spin_once`, but come back when the future is done."""
        future._when_done(self.wake)
        self._spin_once(timeout_sec, future.done)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Run no more callbacks, once those that run are through; False where they are not after `timeout_sec`."""
        self._is_shutdown = True
        self.wake()
        with self._idle:
            limit = None if timeout_sec is None or timeout_sec < 0 else timeout_sec
            mine = threading.get_ident()  # a callback that calls this does not wait for itself
            if not self._idle.wait_for(lambda: all(thread == mine for thread in self._working), limit):
                return False
            self._nodes = []
        self._guard.close()
        self._wait_set.close()
        return True

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        raise NotImplementedError("spin a SingleThreadedExecutor or MultiThreadedExecutor")

    def _schedule(self, task: Task) -> None:
        with self._lock:
            self._tasks.append(task)
        self.wake()

    def _next_task(self, timeout_sec: float | None, condition: Callable[[], bool]) -> Task:
        """The next thing to do. Raises one of the exceptions above where there is none."""
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic_ns() + int(timeout_sec * 1e9)
        looked = False
        while True:
            if self._is_shutdown:
                raise ShutdownException
            if not self._context.ok():
                raise ExternalShutdownException
            with self._lock:
                while self._tasks:
                    if not (task := self._tasks.popleft()).done():
                        return task
            if condition():
                raise ConditionReachedException
            if looked and end is not None and time.monotonic_ns() >= end:
                raise TimeoutException
            try:
                self._wait(end)
            except DDSError:
                if self._context.ok():
                    raise
            looked = True

    def _wait(self, end: int | None) -> None:
        """Wait until something is ready or it is `end` (ns of the steady clock), and make tasks of all that is."""
        waiting = [
            entity
            for node in self.get_nodes()
            for entity in node._executables()
            if not (entity._executor_event or entity._destroyed) and entity.callback_group.can_execute(entity)
        ]
        delays = [delay for entity in waiting if (delay := entity._delay()) is not None]
        if end is not None:
            delays.append(max(0, end - time.monotonic_ns()))
        handles = {handle for entity in waiting for handle in entity._handles()}
        handles.add(self._guard.handle)
        triggered = self._wait_set.wait(handles, min(delays, default=INFINITE))
        if self._guard.handle in triggered:
            self._guard.take()
        for entity in waiting:
            if entity._is_ready(triggered):
                entity._executor_event = True
                with self._lock:
                    self._tasks.append(Task(self._execute, (entity,), executor=self))

    async def _execute(self, entity: Executable) -> None:
        if self._is_shutdown or entity._destroyed or not entity.callback_group.beginning_execution(entity):
            entity._executor_event = False
            self._taken()
            return
        try:
            try:
                work = entity._take()
            finally:
                entity._executor_event = False
                self._taken()
            if work is not None:
                await await_or_execute(work)
        except DDSError:
            if self._context.ok() and not entity._destroyed:
                raise  # else it went meanwhile, and nothing of it is left
        finally:
            entity.callback_group.ending_execution(entity)
            self._taken()

    def _taken(self) -> None:
        """Something changed in what can run."""

    def _run(self, task: Task) -> None:
        with self._lock:
            self._working.append(threading.get_ident())
        try:
            task()
        finally:
            with self._idle:
                self._working.remove(threading.get_ident())
                self._idle.notify_all()


class SingleThreadedExecutor(Executor):
    """Runs callbacks in the thread that spins."""

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        try:
            task = self._next_task(timeout_sec, condition)
        except (ShutdownException, TimeoutException, ConditionReachedException):
            return
        self._run(task)
        if task.done():
            task.result()  # raises what the callback raised


class MultiThreadedExecutor(Executor):
    """Runs callbacks in a pool of threads, as their groups allow."""

    def __init__(self, num_threads: int | None = None, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        if num_threads is None:
            num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
        if num_threads == 1:
            warnings.warn(
                "MultiThreadedExecutor is used with a single thread.\nUse the SingleThreadedExecutor instead.",
                stacklevel=2,
            )
        self._running: list[Task] = []
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix="rclpy executor")

    def shutdown(self, timeout_sec: float | None = None, *, wait_for_threads: bool = True) -> bool:
        """Run no more callbacks, and end the threads."""
        done = super().shutdown(timeout_sec)
        self._pool.shutdown(wait=wait_for_threads)
        return done

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        try:
            task = self._next_task(timeout_sec, condition)
        except (ExternalShutdownException, ShutdownException, TimeoutException, ConditionReachedException):
            return
        self._running.append(task)
        self._pool.submit(self._run, task)
        for running in [task for task in self._running if task.done()]:
            self._running.remove(running)
            running.result()  # raises what the callback raised

    def _taken(self) -> None:
        self.wake()
