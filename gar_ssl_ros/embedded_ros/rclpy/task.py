"""What will be done, and what comes of it."""

from __future__ import annotations

import inspect
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .executors import Executor


class Future:
    """What will come of something. Thread-safe."""

    def __init__(self, *, executor: Executor | None = None) -> None:
        self._lock = threading.Lock()
        self._done = False
        self._cancelled = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._exception_fetched = False
        self._callbacks: list[Callable[[Any], Any]] = []
        self._resumed: list[Callable[[], None]] = []
        self._executor: Callable[[], Executor | None] = lambda: None
        self._set_executor(executor)

    def __del__(self) -> None:
        if self._exception is not None and not self._exception_fetched:
            print(f"The following exception was never retrieved: {self._exception}", file=sys.stderr)  # noqa: T201

    def __await__(self) -> Generator[Future, None, Any]:
        while not self.done():
            yield self
        return self.result()

    def cancel(self) -> None:
        """Ask that it not be done, where it is not done already."""
        with self._lock:
            if not self._done:
                self._cancelled = True
        self._tell()

    def cancelled(self) -> bool:
        """True if it was asked not to be done."""
        return self._cancelled

    def done(self) -> bool:
        """True if there is a result or an exception."""
        return self._done

    def result(self) -> Any:
        """The result, None before there is one. Raises what doing it raised."""
        if self._exception is not None:
            self._exception_fetched = True
            raise self._exception
        return self._result

    def exception(self) -> BaseException | None:
        """What doing it raised."""
        self._exception_fetched = True
        return self._exception

    def set_result(self, result: Any) -> None:
        """Say what came of it."""
        with self._lock:
            self._result = result
            self._done, self._cancelled = True, False
        self._tell()

    def set_exception(self, exception: BaseException) -> None:
        """Say what doing it raised."""
        with self._lock:
            self._exception = exception
            self._exception_fetched = False
            self._done, self._cancelled = True, False
        self._tell()

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call back with this future once it is done: in its executor, or else at once in the thread that did it."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
            executor = self._executor()
        if executor is not None:
            executor.create_task(callback, self)
        else:
            callback(self)

    def _when_done(self, resume: Callable[[], None]) -> None:
        """Call `resume` once it is done or cancelled, in the thread that did it."""
        with self._lock:
            if not self._done:
                self._resumed.append(resume)
                return
        resume()

    def _set_executor(self, executor: Executor | None) -> None:
        with self._lock:
            self._executor = (lambda: None) if executor is None else weakref.ref(executor)

    def _tell(self) -> None:
        with self._lock:
            executor = self._executor()
            callbacks, self._callbacks = self._callbacks, []
            resumed, self._resumed = self._resumed, []
        for resume in resumed:
            resume()
        for callback in callbacks:
            if executor is not None:
                executor.create_task(callback, self)
                continue
            try:
                callback(self)
            except Exception as problem:
                warnings.warn(f"Unhandled exception in done callback: {problem}", stacklevel=2)


class Task(Future):
    """A function or coroutine that an executor runs; a coroutine that awaits a future is resumed once that is done."""

    def __init__(
        self,
        handler: Callable[..., Any] | Coroutine[Any, Any, Any],
        args: Any = None,
        kwargs: Any = None,
        executor: Executor | None = None,
    ) -> None:
        super().__init__(executor=executor)
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._call: Callable[[], Any] | None = None
        if inspect.iscoroutine(handler):
            self._coroutine = handler
        elif callable(handler):
            function, given, named = handler, args or (), kwargs or {}
            self._call = lambda: function(*given, **named)
        self._executing = False
        self._running = threading.Lock()

    def __call__(self) -> None:
        """Run, or resume."""
        if self._done or not self._running.acquire(blocking=False):
            return
        try:
            self._executing = True
            if self._call is not None:
                call, self._call = self._call, None
                outcome = call()
                if not inspect.iscoroutine(outcome):
                    self.set_result(outcome)
                    return
                self._coroutine = outcome
            if self._coroutine is not None and not self._done:
                self._advance(self._coroutine)
        except Exception as problem:
            self.set_exception(problem)
        finally:
            self._executing = False
            self._running.release()

    def executing(self) -> bool:
        """True if it runs right now."""
        return self._executing

    def _advance(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            awaited = coroutine.send(None)
        except StopIteration as end:
            self.set_result(end.value)
            return
        executor = self._executor()
        if executor is None:
            return  # whoever has it calls it again
        if isinstance(awaited, Future):
            awaited._when_done(lambda: executor._schedule(self))
        else:
            executor._schedule(self)
