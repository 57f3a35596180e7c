"""Nodes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from .. import arguments, names
from ..arguments import RosArguments
from ..classes import message_class
from ..graph import NodeName
from . import logging
from .clock import Clock, ROSClock
from .context import Context
from .exceptions import InvalidHandle, InvalidServiceNameException, InvalidTopicNameException
from .impl.rcutils_logger import RcutilsLogger
from .logging import LogRecord
from .node_entities import NodeEntities
from .node_graph import NodeGraph, NodeNameNonExistentError
from .node_parameters import NodeParameters
from .parameter import Parameter
from .parameter_service import ParameterService
from .qos import qos_profile_parameter_events, qos_profile_rosout_default
from .time_source import TimeSource
from .utilities import get_default_context
from .validate_full_topic_name import validate_full_topic_name
from .validate_namespace import validate_namespace
from .validate_node_name import validate_node_name
from .validate_topic_name import validate_topic_name

if TYPE_CHECKING:
    from .executors import Executor

__all__ = ["Node", "NodeNameNonExistentError"]


class Node(NodeEntities, NodeParameters, NodeGraph):
    """A node in the graph: makes publishers, subscriptions, services, clients and timers, and has parameters."""

    _clock: ROSClock

    def __init__(
        self,
        node_name: str,
        *,
        context: Context | None = None,
        cli_args: list[str] | None = None,
        namespace: str | None = None,
        use_global_arguments: bool = True,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        parameter_overrides: list[Parameter] | None = None,
        allow_undeclared_parameters: bool = False,
        automatically_declare_parameters_from_overrides: bool = False,
        enable_logger_service: bool = False,
    ) -> None:
        if enable_logger_service:
            raise NotImplementedError("embedded_ros has no logger service: enable_logger_service")
        self._context = context or get_default_context()
        graph = self._context.graph  # there is none before init and after shutdown
        self._rules = _rules(self._context, cli_args, use_global_arguments)
        self._name, self._namespace = _names(node_name, namespace, self._rules)
        self._destroyed = False
        self._executor: Callable[[], Executor | None] = lambda: None
        self._logger = logging.get_logger(self.get_fully_qualified_name().strip("/").replace("/", "."))
        self._clock = ROSClock()
        given = [rules.parameters_of(self.get_fully_qualified_name()) for rules in reversed(self._rules)]
        overrides = {name: Parameter(name, value=value) for values in given for name, value in values.items()}
        overrides |= {parameter.name: parameter for parameter in parameter_overrides or []}
        NodeEntities.__init__(self)
        NodeParameters.__init__(self, overrides, allow_undeclared_parameters)
        self._entry = graph.add(NodeName(self._name, self._namespace))
        try:
            self._join(enable_rosout, automatically_declare_parameters_from_overrides, start_parameter_services)
        except BaseException:
            self.destroy_node()
            raise

    @property
    def executor(self) -> Executor | None:
        """Who runs its callbacks."""
        return self._executor()

    @executor.setter
    def executor(self, new_executor: Executor | None) -> None:
        current = self.executor
        if current is new_executor:
            return
        if current is not None:
            current.remove_node(self)
        self._executor = (lambda: None) if new_executor is None else weakref.ref(new_executor)
        if new_executor is not None:
            new_executor.add_node(self)

    @property
    def context(self) -> Context:
        """What it belongs to."""
        return self._context

    def get_name(self) -> str:
        """Its name, after remaps."""
        return self._name

    def get_namespace(self) -> str:
        """Its namespace, after remaps."""
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        """Its whole name, after remaps."""
        return names.join(self._namespace, self._name)

    def get_clock(self) -> Clock:
        """Its clock: ROS time."""
        return self._clock

    def get_logger(self) -> RcutilsLogger:
        """Its logger."""
        return self._logger

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """A topic's whole name, after remaps."""
        return self._resolve(topic, "topic", only_expand)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """A service's whole name, after remaps."""
        return self._resolve(service, "service", only_expand)

    def destroy_node(self) -> None:
        """Take the node out of the graph, with all that it made."""
        if self._destroyed:
            return
        self._destroyed = True
        logging.remove_outlet(self._logger.name)
        for publisher in self._publishers:
            publisher.destroy()
        for entity in self._executables():
            entity.destroy()
        self._publishers.clear()
        self._entities.clear()
        if self._context.ok():
            self._context.graph.remove(self._entry)
        self._wake_executor()

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy_node()

    def _join(self, enable_rosout: bool, declare_overrides: bool, start_parameter_services: bool) -> None:
        """Make what every node has."""
        if enable_rosout and all(rules.rosout for rules in self._rules):
            log = message_class("rcl_interfaces/msg/Log")
            self._rosout = self.create_publisher(log, "/rosout", qos_profile_rosout_default)
            logging.add_outlet(self._logger.name, self._publish_log)
        self._parameter_event_publisher = self.create_publisher(
            message_class("rcl_interfaces/msg/ParameterEvent"), "/parameter_events", qos_profile_parameter_events
        )
        if declare_overrides:
            descriptor = message_class("rcl_interfaces/msg/ParameterDescriptor")
            given = [(name, p.value, descriptor()) for name, p in self._parameter_overrides.items()]
            self.declare_parameters("", given, ignore_override=True)
        self._time_source = TimeSource(node=self)
        self._time_source.attach_clock(self._clock)
        if start_parameter_services:
            self._parameter_service = ParameterService(self)

    def _wake_executor(self) -> None:
        if (executor := self.executor) is not None:
            executor.wake()

    def _resolve(self, name: str, kind: str, only_expand: bool = False) -> str:
        is_service = kind == "service"
        validate_topic_name(name, is_service=is_service)
        try:
            whole = names.expand(name, self._name, self._namespace)
        except ValueError as problem:
            raise (InvalidServiceNameException if is_service else InvalidTopicNameException)(
                name, str(problem), name.index("{")
            ) from None
        if not only_expand:
            rules = [remap for rules in self._rules for remap in rules.remaps]
            whole = names.remapped(whole, self._name, self._namespace, kind, rules)
        validate_full_topic_name(whole, is_service=is_service)
        return whole

    def _publish_log(self, record: LogRecord) -> None:
        if self._rosout is None or not self._context.ok():
            return
        seconds, nanoseconds = divmod(record.stamp, 10**9)
        message = message_class("rcl_interfaces/msg/Log")(
            stamp=message_class("builtin_interfaces/msg/Time")(sec=seconds, nanosec=nanoseconds),
            level=int(record.severity),
            name=record.name,
            msg=record.message,
            file=record.file,
            function=record.function,
            line=record.line,
        )
        with suppress(InvalidHandle):  # the node was destroyed meanwhile
            self._rosout.publish(message)


def _rules(context: Context, cli_args: list[str] | None, use_global_arguments: bool) -> list[RosArguments]:
    """What the node was told: by its own arguments first, then by the process's."""
    own = arguments.parse(["--ros-args", *(cli_args or [])])
    if own.others:
        raise RuntimeError(f"these are no ROS arguments: {own.others}")
    return [own, context.arguments] if use_global_arguments else [own]


def _names(name: str, namespace: str | None, rules: list[RosArguments]) -> tuple[str, str]:
    whole = f"/{(namespace or '').lstrip('/')}"
    validate_node_name(name)
    validate_namespace(whole)
    for given in reversed(rules):  # the node's own arguments have the last word
        name, whole = given.renamed(name, whole)
    return name, whole
