"""The part of a node that is about its parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..classes import message_class
from .exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from .parameter import PARAMETER_SEPARATOR_STRING, Parameter, parameter_value_to_python
from .parameter_checks import refusal
from .validate_parameter_name import validate_parameter_name

if TYPE_CHECKING:
    from .clock import Clock
    from .publisher import Publisher


class NodeParameters:
    """Declares, gets, sets and describes parameters, and tells /parameter_events."""

    _clock: Clock
    _parameter_event_publisher: Publisher

    def __init__(self, overrides: dict[str, Parameter], allow_undeclared: bool) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, Any] = {}
        self._parameter_overrides = overrides
        self._allow_undeclared_parameters = allow_undeclared
        self._pre_set_parameters_callbacks: list[Callable[[list[Parameter]], list[Parameter]]] = []
        self._on_set_parameters_callbacks: list[Callable[[list[Parameter]], Any]] = []
        self._post_set_parameters_callbacks: list[Callable[[list[Parameter]], None]] = []

    def get_fully_qualified_name(self) -> str:
        """The node's whole name."""
        raise NotImplementedError

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: Any = None, ignore_override: bool = False
    ) -> Parameter:
        """Have a parameter: its value is the command line's or constructor's, else `value` (or none, of a Type)."""
        given = (name,) if value is None and descriptor is None else (name, value, descriptor or _descriptor())
        return self.declare_parameters("", [given], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: Sequence[tuple[Any, ...]], ignore_override: bool = False
    ) -> list[Parameter]:
        """Have several parameters, each given as name, or name and value or Type, or those and a descriptor."""
        declared: list[tuple[Parameter, Any]] = []
        for given in parameters:
            if not 1 <= len(given) <= 3:
                raise TypeError(f"Invalid parameter tuple length: {given}; expecting length between 1 and 3")
            name, value, descriptor = (*given, None, None)[:3]
            if not isinstance(name, str):
                raise TypeError(f"{name} in parameters list is not a str.")
            descriptor = _descriptor() if descriptor is None else descriptor
            if not isinstance(descriptor, message_class("rcl_interfaces/msg/ParameterDescriptor")):
                raise TypeError(f"{descriptor} in parameters list is not a ParameterDescriptor.")
            if namespace:
                name = f"{namespace}.{name}"
            validate_parameter_name(name)
            if len(given) == 1:
                warnings.warn(
                    f"when declaring parameter named '{name}', declaring a parameter only providing its name is "
                    "deprecated: give a default value, a type, or a descriptor with dynamic_typing=True",
                    stacklevel=3,
                )
                descriptor.dynamic_typing = True
            value = self._typed(name, value, descriptor)
            if not ignore_override and name in self._parameter_overrides:
                value = self._parameter_overrides[name].value
            declared.append((Parameter(name, value=value), descriptor))
        if twice := [parameter.name for parameter, _ in declared if parameter.name in self._parameters]:
            raise ParameterAlreadyDeclaredException(twice)
        for parameter, descriptor in declared:
            result = self._set([parameter], {parameter.name: descriptor}, allow_not_set=True)
            if not result.successful and result.reason.startswith("Wrong parameter type"):
                raise InvalidParameterTypeException(parameter, Parameter.Type(descriptor.type).name)
            if not result.successful:
                raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)
        return [self._parameters[parameter.name] for parameter, _ in declared]

    def undeclare_parameter(self, name: str) -> None:
        """Have a parameter no more."""
        if not self.has_parameter(name):
            raise ParameterNotDeclaredException(name)
        if self._descriptors[name].read_only:
            raise ParameterImmutableException(name)
        del self._parameters[name], self._descriptors[name]

    def has_parameter(self, name: str) -> bool:
        """True if there is such a parameter."""
        return name in self._parameters

    def get_parameter(self, name: str) -> Parameter:
        """A parameter."""
        if not self.has_parameter(name):
            if self._allow_undeclared_parameters:
                return Parameter(name, Parameter.Type.NOT_SET, None)
            raise ParameterNotDeclaredException(name)
        parameter = self._parameters[name]
        if parameter.type_ is Parameter.Type.NOT_SET and not self._descriptors[name].dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def get_parameters(self, names: list[str]) -> list[Parameter]:
        """Several parameters."""
        return [self.get_parameter(name) for name in _strings(names)]

    def get_parameter_or(self, name: str, alternative_value: Parameter | None = None) -> Parameter:
        """A parameter, or the alternative where it is not there or not set."""
        found = self._parameters.get(name)
        if found is None or found.type_ is Parameter.Type.NOT_SET:
            return alternative_value or Parameter(name, Parameter.Type.NOT_SET)
        return found

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """The parameters that begin with `prefix` and a dot, by the rest of their names; all of them for ""."""
        start = prefix + PARAMETER_SEPARATOR_STRING if prefix else ""
        return {name[len(start) :]: parameter for name, parameter in self._parameters.items() if name.startswith(start)}

    def get_parameter_type(self, name: str) -> Any:
        """A parameter's type, by its number."""
        if self.has_parameter(name):
            return self._parameters[name].type_.value
        if self._allow_undeclared_parameters:
            return Parameter.Type.NOT_SET
        raise ParameterNotDeclaredException(name)

    def get_parameter_types(self, names: list[str]) -> list[Any]:
        """Several parameters' types."""
        return [self.get_parameter_type(name) for name in _strings(names)]

    def set_parameters(self, parameter_list: list[Parameter]) -> list[Any]:
        """Set parameters one by one; a rcl_interfaces/msg/SetParametersResult for each."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> Any:
        """Set all parameters or none; a rcl_interfaces/msg/SetParametersResult."""
        if self._pre_set_parameters_callbacks:
            parameter_list = [p for call in self._pre_set_parameters_callbacks for p in call(parameter_list)]
            if not parameter_list:
                return _result("parameter list cannot be empty, this might be due to pre_set_parameters_callback "
                               "modifying the original parameters list.")  # fmt: skip
        if not all(isinstance(parameter, Parameter) for parameter in parameter_list):
            raise TypeError(f"parameter must be instance of type '{Parameter!r}'")
        unknown = [parameter.name for parameter in parameter_list if parameter.name not in self._parameters]
        if unknown and not self._allow_undeclared_parameters:
            raise ParameterNotDeclaredException(unknown)
        return self._set(parameter_list, None, allow_not_set=False)

    def list_parameters(self, prefixes: list[str], depth: int) -> Any:
        """The names that begin with one of the prefixes (none: all), at most `depth` parts deep (0: any)."""
        if not isinstance(prefixes, list | tuple):
            raise TypeError("The prefixes argument must be a list")
        _strings(list(prefixes))
        if depth < 0:
            raise ValueError("The depth must be greater than or equal to zero")
        result = message_class("rcl_interfaces/msg/ListParametersResult")()
        for name in self._parameters:
            rests = [name] if not prefixes else [name[len(p) + 1 :] for p in prefixes if f"{name}.".startswith(f"{p}.")]
            if any(not depth or rest.count(PARAMETER_SEPARATOR_STRING) < depth for rest in rests):
                result.names.append(name)
                prefix = name.rpartition(PARAMETER_SEPARATOR_STRING)[0]
                if prefix and prefix not in result.prefixes:
                    result.prefixes.append(prefix)
        return result

    def describe_parameter(self, name: str) -> Any:
        """A parameter's rcl_interfaces/msg/ParameterDescriptor."""
        if name not in self._descriptors and not self._allow_undeclared_parameters:
            raise ParameterNotDeclaredException(name)
        return self._descriptors.get(name) or _descriptor()

    def describe_parameters(self, names: list[str]) -> list[Any]:
        """Several parameters' descriptors."""
        return [self.describe_parameter(name) for name in names]

    def set_descriptor(self, name: str, descriptor: Any, alternative_value: Any = None) -> Any:
        """Describe a parameter anew; where its value does not fit, it takes the alternative. The value it then has."""
        if not self.has_parameter(name):
            if not self._allow_undeclared_parameters:
                raise ParameterNotDeclaredException(name)
            return self.get_parameter(name).get_parameter_value()
        if self.describe_parameter(name).read_only:
            raise ParameterImmutableException(name)
        current = self.get_parameter(name)
        choices = [current]
        if alternative_value is not None:
            message = message_class("rcl_interfaces/msg/Parameter")(name=name, value=alternative_value)
            choices.append(Parameter.from_parameter_msg(message))
        reasons = [refusal(choice, descriptor, declared=True, check_read_only=False) for choice in choices]
        if None not in reasons:
            raise InvalidParameterValueException(name, choices[-1].value, str(reasons[-1]))
        self._parameters[name] = choices[reasons.index(None)]
        self._descriptors[name] = descriptor
        return self.get_parameter(name).get_parameter_value()

    def add_pre_set_parameters_callback(self, callback: Callable[[list[Parameter]], list[Parameter]]) -> None:
        """Let `callback` change what is to be set, before it is checked."""
        self._pre_set_parameters_callbacks.insert(0, callback)

    def add_on_set_parameters_callback(self, callback: Callable[[list[Parameter]], Any]) -> None:
        """Let `callback` refuse what is to be set, by a rcl_interfaces/msg/SetParametersResult."""
        self._on_set_parameters_callbacks.insert(0, callback)

    def add_post_set_parameters_callback(self, callback: Callable[[list[Parameter]], None]) -> None:
        """Let `callback` know what was set."""
        self._post_set_parameters_callbacks.insert(0, callback)

    def remove_pre_set_parameters_callback(self, callback: Callable[[list[Parameter]], list[Parameter]]) -> None:
        """Take back `add_pre_set_parameters_callback`."""
        self._pre_set_parameters_callbacks.remove(callback)

    def remove_on_set_parameters_callback(self, callback: Callable[[list[Parameter]], Any]) -> None:
        """Take back `add_on_set_parameters_callback`."""
        self._on_set_parameters_callbacks.remove(callback)

    def remove_post_set_parameters_callback(self, callback: Callable[[list[Parameter]], None]) -> None:
        """Take back `add_post_set_parameters_callback`."""
        self._post_set_parameters_callbacks.remove(callback)

    def _typed(self, name: str, value: Any, descriptor: Any) -> Any:
        """The default value, after its type or the one that stands for it is noted in the descriptor."""
        if isinstance(value, message_class("rcl_interfaces/msg/ParameterValue")):
            value = parameter_value_to_python(value)
        if isinstance(value, Parameter.Type):
            if value is Parameter.Type.NOT_SET:
                raise ValueError(f"Cannot declare parameter {{{name}}} as statically typed of type NOT_SET")
            if descriptor.dynamic_typing:
                raise ValueError(f"parameter {{{name}}} has a type, so it cannot have dynamic_typing=True")
            descriptor.type = value.value
            return None
        if not descriptor.dynamic_typing:
            descriptor.type = Parameter.Type.from_parameter_value(value).value
            if not descriptor.type:
                raise ValueError(
                    "Cannot declare a statically typed parameter with default value of type PARAMETER_NOT_SET"
                )
        return value

    def _set(self, parameters: list[Parameter], descriptors: dict[str, Any] | None, allow_not_set: bool) -> Any:
        for parameter in parameters:
            descriptor = (self._descriptors if descriptors is None else descriptors).get(parameter.name)
            if descriptor is None:
                continue
            declared = self.has_parameter(parameter.name)
            if reason := refusal(parameter, descriptor, declared=declared, check_read_only=descriptors is None):
                return _result(reason)
        for callback in self._on_set_parameters_callbacks:
            if not (result := callback(parameters)).successful:
                return result
        event = message_class("rcl_interfaces/msg/ParameterEvent")(node=self.get_fully_qualified_name())
        for parameter in parameters:
            if parameter.type_ is Parameter.Type.NOT_SET and not allow_not_set:
                event.deleted_parameters.append(parameter.to_parameter_msg())
                self._parameters.pop(parameter.name, None)
                self._descriptors.pop(parameter.name, None)
                continue
            if descriptors is not None:
                self._descriptors[parameter.name] = descriptors[parameter.name]
            elif parameter.name not in self._descriptors:
                self._descriptors[parameter.name] = _descriptor(dynamic_typing=True)
            is_new = self.get_parameter_or(parameter.name).type_ is Parameter.Type.NOT_SET
            (event.new_parameters if is_new else event.changed_parameters).append(parameter.to_parameter_msg())
            self._parameters[parameter.name] = parameter
        event.stamp = self._clock.now().to_msg()
        self._parameter_event_publisher.publish(event)
        for told in self._post_set_parameters_callbacks:
            told(parameters)
        return _result()


def _descriptor(**fields: Any) -> Any:
    return message_class("rcl_interfaces/msg/ParameterDescriptor")(**fields)


def _result(reason: str | None = None) -> Any:
    return message_class("rcl_interfaces/msg/SetParametersResult")(successful=reason is None, reason=reason or "")


def _strings(names: list[str]) -> list[str]:
    if not all(isinstance(name, str) for name in names):
        raise TypeError("All names must be instances of type str")
    return names
