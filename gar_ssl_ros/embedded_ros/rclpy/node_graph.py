"""The part of a node that asks about the graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..dds.discovery import RemoteEndpoint
from ..graph import REPLY_PREFIX, REQUEST_PREFIX, Graph, NodeName, ros_service, ros_topic, ros_type
from .expand_topic_name import expand_topic_name
from .qos_policies import profile_of_policies
from .topic_endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum
from .type_hash import TypeHash
from .validate_full_topic_name import validate_full_topic_name

if TYPE_CHECKING:
    from .context import Context

NamesAndTypes = list[tuple[str, list[str]]]


class NodeNameNonExistentError(RuntimeError):
    """There is no such node."""


class NodeGraph:
    """Lists nodes, topics and services, and who has them."""

    _context: Context

    def get_name(self) -> str:
        """The node's name."""
        raise NotImplementedError

    def get_namespace(self) -> str:
        """The node's namespace."""
        raise NotImplementedError

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """The topic's whole name, after remaps."""
        raise NotImplementedError

    def get_topic_names_and_types(self, no_demangle: bool = False) -> NamesAndTypes:
        """All topics, each with its types."""
        return _names_and_types(self._graph.readers() + self._graph.writers(), ros_topic, no_demangle)

    def get_service_names_and_types(self) -> NamesAndTypes:
        """All services, each with its types."""
        return _names_and_types(self._graph.readers() + self._graph.writers(), ros_service)

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> NamesAndTypes:
        """The topics that a node publishes on. Raises NodeNameNonExistentError."""
        return _names_and_types(self._of_node(node_name, node_namespace)[1], ros_topic, no_demangle)

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> NamesAndTypes:
        """The topics that a node subscribes to. Raises NodeNameNonExistentError."""
        return _names_and_types(self._of_node(node_name, node_namespace)[0], ros_topic, no_demangle)

    def get_service_names_and_types_by_node(self, node_name: str, node_namespace: str) -> NamesAndTypes:
        """The services that a node has. Raises NodeNameNonExistentError."""
        return _names_and_types(_starting(self._of_node(node_name, node_namespace)[0], REQUEST_PREFIX), ros_service)

    def get_client_names_and_types_by_node(self, node_name: str, node_namespace: str) -> NamesAndTypes:
        """The services that a node calls. Raises NodeNameNonExistentError."""
        return _names_and_types(_starting(self._of_node(node_name, node_namespace)[0], REPLY_PREFIX), ros_service)

    def get_node_names(self) -> list[str]:
        """The names of all nodes."""
        return [name for name, _ in self.get_node_names_and_namespaces()]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """All nodes, each as name and namespace."""
        return [(name.name, name.namespace) for name, _ in self._graph.nodes()]

    def get_node_names_and_namespaces_with_enclaves(self) -> list[tuple[str, str, str]]:
        """All nodes, each as name, namespace and enclave."""
        return [(*name, enclave) for name, enclave in self._graph.nodes()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """The whole names of all nodes."""
        return [f"{namespace.rstrip('/')}/{name}" for name, namespace in self.get_node_names_and_namespaces()]

    def count_publishers(self, topic_name: str) -> int:
        """How many publishers a topic has, ours among them."""
        return len(self._on_topic(self._graph.writers(), self._whole(topic_name)))

    def count_subscribers(self, topic_name: str) -> int:
        """How many subscriptions a topic has, ours among them."""
        return len(self._on_topic(self._graph.readers(), self._whole(topic_name)))

    def count_services(self, service_name: str) -> int:
        """How many nodes have the service."""
        return self._count_service(service_name, REQUEST_PREFIX)

    def count_clients(self, service_name: str) -> int:
        """How many clients the service has."""
        return self._count_service(service_name, REPLY_PREFIX)

    def get_publishers_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        """The publishers of a topic, with what they offer."""
        return self._infos(self._graph.writers(), topic_name, no_mangle, TopicEndpointTypeEnum.PUBLISHER)

    def get_subscriptions_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        """The subscriptions of a topic, with what they ask for."""
        return self._infos(self._graph.readers(), topic_name, no_mangle, TopicEndpointTypeEnum.SUBSCRIPTION)

    def wait_for_node(self, fully_qualified_node_name: str, timeout: float) -> bool:
        """Wait at most `timeout` s for a node. Return True if it is there."""
        wanted = f"/{fully_qualified_node_name.lstrip('/')}"
        end = time.monotonic() + timeout
        while not (found := wanted in self.get_fully_qualified_node_names()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    @property
    def _graph(self) -> Graph:
        return self._context.graph

    def _whole(self, name: str, is_service: bool = False) -> str:
        whole = expand_topic_name(name, self.get_name(), self.get_namespace())
        validate_full_topic_name(whole, is_service=is_service)
        return whole

    def _on_topic(self, endpoints: list[RemoteEndpoint], name: str) -> list[RemoteEndpoint]:
        return [endpoint for endpoint in endpoints if ros_topic(endpoint.topic) == name]

    def _count_service(self, service_name: str, prefix: str) -> int:
        whole = self._whole(service_name, is_service=True)
        return sum(ros_service(end.topic) == whole for end in _starting(self._graph.readers(), prefix))

    def _of_node(self, name: str, namespace: str) -> tuple[list[RemoteEndpoint], list[RemoteEndpoint]]:
        guids = self._graph.endpoints_of(NodeName(name, namespace))
        if guids is None:
            raise NodeNameNonExistentError(f"cannot get information of node {namespace}/{name}: there is no such node")
        return (
            [endpoint for endpoint in self._graph.readers() if endpoint.guid in guids[0]],
            [endpoint for endpoint in self._graph.writers() if endpoint.guid in guids[1]],
        )

    def _infos(
        self, endpoints: list[RemoteEndpoint], name: str, no_mangle: bool, kind: TopicEndpointTypeEnum
    ) -> list[TopicEndpointInfo]:
        if no_mangle:
            found = [endpoint for endpoint in endpoints if endpoint.topic == name]
        else:
            found = self._on_topic(endpoints, self.resolve_topic_name(self._whole(name)))
        owners = self._graph.owners()
        unknown = NodeName("_NODE_NAME_UNKNOWN_", "_NODE_NAMESPACE_UNKNOWN_")
        return [
            TopicEndpointInfo(
                *owners.get(endpoint.guid, unknown),
                endpoint.type_name if no_mangle else ros_type(endpoint.type_name),
                TypeHash.from_text(endpoint.type_hash),
                kind,
                list(endpoint.guid),
                profile_of_policies(endpoint.policies),
            )
            for endpoint in found
        ]


def _names_and_types(
    endpoints: Iterable[RemoteEndpoint], name_of: Callable[[str], str | None], no_demangle: bool = False
) -> NamesAndTypes:
    found: dict[str, set[str]] = {}
    for endpoint in endpoints:
        name = endpoint.topic if no_demangle else name_of(endpoint.topic)
        if name is not None:
            kind = endpoint.type_name if no_demangle else ros_type(endpoint.type_name)
            found.setdefault(name, set()).add(kind)
    return [(name, sorted(types)) for name, types in sorted(found.items())]


def _starting(endpoints: list[RemoteEndpoint], prefix: str) -> list[RemoteEndpoint]:
    return [endpoint for endpoint in endpoints if endpoint.topic.startswith(f"{prefix}/")]
