"""The declared parameters of a node: put on it with descriptor and range, checked when set, read as one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult

from gar_ssl_ros.nodes.parameters import Change, ParameterError, ParameterSpec, Value


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
        configured: whether a parameter that may only change before that may not. refusal: of a parameter's name and the
        value that it is to have after the start, why it may not; empty where it may.
        """
        self._declared = {one.name: one for one in declared}
        self._configured = configured
        self._refusal = refusal
        self._values: Mapping[str, Value] = {
            one.name: node.declare_parameter(one.name, one.default, _descriptor(one)).value for one in declared
        }
        for name, value in self._values.items():
            self._declared[name].check(value)
        node.add_on_set_parameters_callback(self._on_set)

    @property
    def values(self) -> Mapping[str, Any]:
        """A snapshot."""
        return self._values

    def _on_set(self, parameters: Sequence[Any]) -> SetParametersResult:
        changed = {one.name: one.value for one in parameters if one.name in self._declared}
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


def _descriptor(one: ParameterSpec) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=one.description,
        additional_constraints=one.span if one.choices else "",
        read_only=one.change is Change.NEVER,
    )
    if one.least is not None and one.most is not None:
        if isinstance(one.default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=one.least, to_value=one.most, step=0.0)]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(one.least), to_value=int(one.most), step=1)]
    return descriptor
