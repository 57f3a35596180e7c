"""The services by which others see and set a node's parameters."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..classes import message_class, service_class
from .exceptions import ParameterNotDeclaredException, ParameterUninitializedException
from .parameter import Parameter
from .qos import qos_profile_parameters

if TYPE_CHECKING:
    from .node import Node


MAX_REQUEST_BYTES = 2**17  # so that none takes more than a few tenths of a second


class ParameterService:
    """Has the six services of a node."""

    def __init__(self, node: Node) -> None:
        self._node = weakref.proxy(node)
        for kind, name, callback in (
            ("DescribeParameters", "describe_parameters", self._describe),
            ("GetParameters", "get_parameters", self._get),
            ("GetParameterTypes", "get_parameter_types", self._types),
            ("ListParameters", "list_parameters", self._list),
            ("SetParameters", "set_parameters", self._set),
            ("SetParametersAtomically", "set_parameters_atomically", self._set_atomically),
        ):
            service = service_class(f"rcl_interfaces/srv/{kind}")
            made = node.create_service(service, f"~/{name}", callback, qos_profile=qos_profile_parameters)
            made.max_request = MAX_REQUEST_BYTES

    def _describe(self, request: Any, response: Any) -> Any:
        try:
            response.descriptors = self._node.describe_parameters(request.names)
        except ParameterNotDeclaredException:
            response.descriptors = []
        return response

    def _get(self, request: Any, response: Any) -> Any:
        try:
            response.values = [
                parameter.get_parameter_value() for parameter in self._node.get_parameters(request.names)
            ]
        except (ParameterNotDeclaredException, ParameterUninitializedException):
            response.values = []
        return response

    def _types(self, request: Any, response: Any) -> Any:
        try:
            types = self._node.get_parameter_types(request.names)
            response.types = [getattr(kind, "value", kind) for kind in types]
        except ParameterNotDeclaredException:
            response.types = []
        return response

    def _list(self, request: Any, response: Any) -> Any:
        response.result = self._node.list_parameters(request.prefixes, request.depth)
        return response

    def _set(self, request: Any, response: Any) -> Any:
        response.results = [self._set_all([message]) for message in request.parameters]
        return response

    def _set_atomically(self, request: Any, response: Any) -> Any:
        response.result = self._set_all(request.parameters)
        return response

    def _set_all(self, messages: Any) -> Any:
        try:
            return self._node.set_parameters_atomically([Parameter.from_parameter_msg(message) for message in messages])
        except (ParameterNotDeclaredException, TypeError, ValueError) as problem:
            return message_class("rcl_interfaces/msg/SetParametersResult")(successful=False, reason=str(problem))
