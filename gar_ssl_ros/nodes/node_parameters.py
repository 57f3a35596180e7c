"""The declared parameters of a node: put on it with descriptor and range, checked when set, read as one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult

from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.parameters import Change, ParameterError, ParameterSpec
from gar_ssl_ros.options import Value


class NodeParameters:
    """Parameters of a node from here on. Raises rclpy's ParameterException where an override cannot be."""

    def __init__(
        self,
        node: Any,
        declared: Sequence[ParameterSpec],
        configured: Callable[[], bool] = lambda: True,
        refusal: Callable[[str, Any], str] = lambda *_: "",
    ) -> None:
        """
        configured: True if a parameter that may only change before that may not. refusal: of a parameter's name and the
        value that it is to have after the start, why it may not; empty where it may.
        """
        self._declared = {name: one for one in declared for name in (one.name, one.was) if name}
        self._configured = configured
        self._refusal = refusal
        self._warn = NodeLog(node).warning
        told = {
            name: _value(one, node.declare_parameter(name, one.default, _descriptor(one, name)).value)
            for name, one in self._declared.items()
        }
        for name, value in told.items():
            self._declared[name].check(value)
        renamed = {one.was: told.pop(one.was) for one in declared if one.was}
        said = {name: value for name, value in renamed.items() if value != self._declared[name].default}
        self._values: Mapping[str, Value] = {**told, **self._current(said)}
        node.add_on_set_parameters_callback(self._on_set)

    @property
    def values(self) -> Mapping[str, Any]:
        """A snapshot."""
        return self._values

    def _on_set(self, parameters: Sequence[Any]) -> SetParametersResult:
        changed = self._current({one.name: one.value for one in parameters if one.name in self._declared})
        try:
            for name, value in changed.items():
                declared = self._declared[name]
                declared.check(value)
                if declared.change is Change.UNCONFIGURED and value != self._values[name] and self._configured():
                    raise ParameterError(f"{name} can be changed only {declared.change.value}: clean the node up first")
                if reason := self._refusal(name, value):
                    raise ParameterError(reason)
        except ParameterError as problem:
            return SetParametersResult(successful=False, reason=str(problem))
        self._values = {**self._values, **changed}
        return SetParametersResult(successful=True)

    def _current(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """By the names of this release; of older ones it warns."""
        values = {}
        for name, value in given.items():
            one = self._declared[name]
            if name != one.name:
                self._warn(f"the parameter {name} is {one.name} now, and will go: set that")
            values[one.name] = value
        return values


def _value(one: ParameterSpec, given: Any) -> Any:
    return str(given) if one.or_number and type(given) is int else given


def _descriptor(one: ParameterSpec, name: str) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=one.help if name == one.name else f"{one.name}, as it was called before",
        additional_constraints=one.span if one.choices or one.fits else "",
        read_only=one.change is Change.NEVER,
        dynamic_typing=one.or_number,
    )
    if one.least is not None and one.most is not None:
        if isinstance(one.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(one.least), to_value=float(one.most), step=0.0)
            ]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(one.least), to_value=int(one.most), step=1)]
    return descriptor
