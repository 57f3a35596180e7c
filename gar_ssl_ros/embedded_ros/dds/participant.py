"""A process's part in a domain, by which it makes readers and writers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from .entities import Endpoint, Reader, Thing, Writer
from .gate import Gate
from .library import checked, library
from .loopback import on_loopback
from .policies import Policies, participant_record, record_of
from .sertype import octet_topic, sertype_of

_CLOSE_TIMEOUT_S = 1.0  # that leaving a domain waits for calls that are under way
_E = TypeVar("_E", bound=Endpoint)


class Participant(Thing):
    """A process's part in a domain."""

    def __init__(self, domain: int, settings: str, user_data: bytes, only_loopback: bool = False) -> None:
        """Join `domain` (0..232) with Cyclone DDS's `settings` (XML). Raises DDSError.

        only_loopback: True if nobody outside this machine is to be heard.
        """
        self._domain = domain
        _domains.enter(domain, settings, only_loopback)
        try:
            with participant_record(user_data) as qos:
                handle = library().dds_create_participant(domain, qos, None)
            super().__init__(Gate(), checked(handle, f"domain {domain} cannot be joined"))
        except BaseException:
            _domains.leave(domain)
            raise
        self._publisher = checked(library().dds_create_publisher(handle, None, None), "no publisher")
        self._subscriber = checked(library().dds_create_subscriber(handle, None, None), "no subscriber")

    def close(self) -> None:
        """Leave the domain. Whoever waits on a wait set should have been woken before."""
        all_out = self.gate.close(_CLOSE_TIMEOUT_S)
        library().dds_delete(self.handle)
        if all_out:
            _domains.leave(self._domain)

    def writer(self, topic: str, type_name: str, policies: Policies) -> Writer:
        """A writer of `topic`, whose samples are of the type named."""

        def writer(gate: Gate, handle: int) -> Writer:
            return Writer(gate, handle, sertype_of(handle, self.handle, type_name))

        return self._endpoint(writer, library().dds_create_writer, self._publisher, topic, type_name, policies)

    def reader(self, topic: str, type_name: str, policies: Policies) -> Reader:
        """A reader of `topic`, whose samples are of the type named."""
        return self._endpoint(Reader, library().dds_create_reader, self._subscriber, topic, type_name, policies)

    def _endpoint(
        self,
        kind: Callable[[Gate, int], _E],
        create: Callable[..., int],
        parent: int,
        topic: str,
        type_name: str,
        policies: Policies,
    ) -> _E:
        with self.gate, record_of(policies) as qos, octet_topic(self.handle, topic, type_name) as made:
            return kind(self.gate, checked(create(parent, made, qos, None), f"{topic} could not be opened"))


class _Domains:
    """The domains of this process, each made with its settings when first used and taken down after its last use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[int, tuple[int, int]] = {}  # id: handle, users

    def enter(self, domain: int, settings: str, only_loopback: bool) -> None:
        with self._lock:
            handle, users = self._users.get(domain, (0, 0))
            if not users:
                with on_loopback() if only_loopback else nullcontext():
                    made = library().dds_create_domain(domain, settings.encode())
                handle = checked(
                    made,
                    f"domain {domain} could not be made with these settings (what Cyclone DDS says above is wrong in "
                    f"CYCLONEDDS_URI, or the network is not there): {settings}",
                )
            self._users[domain] = handle, users + 1

    def leave(self, domain: int) -> None:
        with self._lock:
            handle, users = self._users.pop(domain)
            if users > 1:
                self._users[domain] = handle, users - 1
            else:
                library().dds_delete(handle)


_domains = _Domains()  # Cyclone DDS itself knows each domain once a process
