"""rclpy: init, nodes, spin, shutdown."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from . import signals
from .context import Context
from .parameter import Parameter
from .signals import SignalHandlerOptions, install_signal_handlers, uninstall_signal_handlers
from .task import Future
from .utilities import (
    get_default_context,
    get_rmw_implementation_identifier,
    ok,
)
from .utilities import shutdown as _shutdown
from .utilities import try_shutdown as _try_shutdown

if TYPE_CHECKING:
    from .executors import Executor
    from .node import Node

__all__ = [
    "Context",
    "Future",
    "InitContextManager",
    "Parameter",
    "SignalHandlerOptions",
    "create_node",
    "get_default_context",
    "get_global_executor",
    "get_rmw_implementation_identifier",
    "init",
    "ok",
    "shutdown",
    "spin",
    "spin_once",
    "spin_until_future_complete",
    "try_shutdown",
]


class InitContextManager:
    """What `init` gives: at the end of a `with`, the context is shut down."""

    def __init__(self, context: Context, uninstall_handlers: bool) -> None:
        self.context = context
        self._uninstall_handlers = uninstall_handlers

    def __enter__(self) -> InitContextManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        context = None if self.context is get_default_context() else self.context
        try_shutdown(context=context, uninstall_handlers=self._uninstall_handlers)


def init(
    *,
    args: Sequence[str] | None = None,
    context: Context | None = None,
    domain_id: int | None = None,
    signal_handler_options: SignalHandlerOptions | None = None,
) -> InitContextManager:
    """Join the graph; SIGINT and SIGTERM then end the default context, unless told otherwise."""
    chosen = get_default_context() if context is None else context
    if signal_handler_options is None:
        is_default = chosen is get_default_context()
        signal_handler_options = SignalHandlerOptions.ALL if is_default else SignalHandlerOptions.NO
    chosen.init(args, domain_id=domain_id)
    signals.end_on_signal(chosen)
    install_signal_handlers(signal_handler_options)
    return InitContextManager(chosen, signal_handler_options != SignalHandlerOptions.NO)


def shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Leave the graph. Raises RuntimeError where that is done already."""
    is_default = context is None or context is get_default_context()
    _forget_global_executor(context)
    _shutdown(context=context)
    if uninstall_handlers or (uninstall_handlers is None and is_default):
        uninstall_signal_handlers()


def try_shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Leave the graph, where that is not done already."""
    is_default = context is None or context is get_default_context()
    _forget_global_executor(context)
    _try_shutdown(context=context)
    if uninstall_handlers or (uninstall_handlers is None and is_default):
        uninstall_signal_handlers()


def create_node(node_name: str, **kwargs: object) -> Node:
    """A node; see `rclpy.node.Node`."""
    from .node import Node  # noqa: PLC0415 (which not every program needs)

    return Node(node_name, **kwargs)  # type: ignore[arg-type] # which Node itself checks


_executors: dict[Context, Executor] = {}  # the one of who names none, for each context


def get_global_executor() -> Executor:
    """The executor of who names none."""
    from .executors import SingleThreadedExecutor  # noqa: PLC0415 (which needs this module's neighbours)

    context = get_default_context()
    if context not in _executors:
        _executors.clear()
        _executors[context] = SingleThreadedExecutor()
    return _executors[context]


def spin_once(node: Node, *, executor: Executor | None = None, timeout_sec: float | None = None) -> None:
    """Run one callback of a node, waiting for it at most `timeout_sec`."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin_once(timeout_sec=timeout_sec)
    finally:
        executor.remove_node(node)


def spin(node: Node, executor: Executor | None = None) -> None:
    """Run a node's callbacks until shutdown. Raises ExternalShutdownException where that comes while waiting."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        while executor.context.ok():
            executor.spin_once()
    finally:
        executor.remove_node(node)


def spin_until_future_complete(
    node: Node, future: Future, executor: Executor | None = None, timeout_sec: float | None = None
) -> None:
    """Run a node's callbacks until a future is done, at most `timeout_sec`."""
    executor = executor or get_global_executor()
    added = executor.add_node(node)
    try:
        executor.spin_until_future_complete(future, timeout_sec)
    finally:
        if added:
            executor.remove_node(node)


def _forget_global_executor(context: Context | None) -> None:
    _executors.pop(context or get_default_context(), None)
