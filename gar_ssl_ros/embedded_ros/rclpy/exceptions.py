"""What goes wrong in rclpy, by the names that rclpy has for it."""

from __future__ import annotations

from typing import Any


class InvalidHandle(RuntimeError):
    """Something was used after it was destroyed."""


class NotInitializedException(Exception):
    """rclpy was used before rclpy.init()."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__("rclpy.init() has not been called." + (f" {message}" if message else ""))


class ExternalShutdownException(Exception):
    """The context was shut down; programs import it from rclpy.executors."""


class ContextShutDown(NotInitializedException, ExternalShutdownException):
    """Something was made or asked after the context was shut down.

    rclpy raises the first of the two. The second lets a program that expects SIGTERM while it spins also end cleanly
    where that comes while it starts.
    """

    def __init__(self) -> None:
        super().__init__("or the context was shut down since")


class NoTypeSupportImportedException(Exception):
    """A type is neither a message nor a service."""

    def __init__(self) -> None:
        super().__init__("this type is neither a message nor a service")


class NameValidationException(ValueError):
    """A topic's, service's, node's or namespace's name is not allowed."""

    def __init__(self, name_type: str, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__(f"Invalid {name_type}: {error_msg}:\n  '{name}'\n   {' ' * invalid_index}^")


class InvalidNamespaceException(NameValidationException):
    """A namespace is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("namespace", name, error_msg, invalid_index)


class InvalidNodeNameException(NameValidationException):
    """A node's name is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("node name", name, error_msg, invalid_index)


class InvalidTopicNameException(NameValidationException):
    """A topic's name is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("topic name", name, error_msg, invalid_index)


class InvalidServiceNameException(NameValidationException):
    """A service's name is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("service name", name, error_msg, invalid_index)


class ParameterException(Exception):
    """Something about parameters."""

    def __init__(self, error_msg: str, parameters: str | list[str]) -> None:
        super().__init__(f"{error_msg}: {parameters}")


class ParameterNotDeclaredException(ParameterException):
    """A parameter that nobody declared."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__("Invalid access to undeclared parameter(s)", parameters)


class ParameterAlreadyDeclaredException(ParameterException):
    """A parameter was declared twice."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__("Parameter(s) already declared", parameters)


class InvalidParameterException(ParameterException):
    """A parameter's name is not allowed."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__("Invalid parameter name", parameter_name)


class InvalidParameterTypeException(ParameterException):
    """A parameter's value is of another type than declared."""

    def __init__(self, desired_parameter: Any, expected_type: Any) -> None:
        super().__init__(
            f"Trying to set parameter '{desired_parameter.name}' to '{desired_parameter.value}' of type "
            f"'{desired_parameter.type_.name}', expecting type '{expected_type}'",
            desired_parameter.name,
        )


class InvalidParameterValueException(ParameterException):
    """A callback or the descriptor refused a parameter's value."""

    def __init__(self, parameter: str, value: Any, reason: str) -> None:
        super().__init__(f"Invalid parameter value ({value}) for parameter. Reason: {reason}", parameter)


class ParameterImmutableException(ParameterException):
    """A read-only parameter was to be changed."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__("Attempted to modify read-only parameter", parameter_name)


class ParameterUninitializedException(ParameterException):
    """A parameter has no value yet."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__(f"The parameter '{parameter_name}' is not initialized", parameter_name)


class ROSInterruptException(Exception):
    """A wait was ended by shutdown."""

    def __init__(self) -> None:
        super().__init__("rclpy.shutdown() has been called")
