"""Sockets kept to the loopback interface: Cyclone DDS 11.0 receives on all of a machine's addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LOOPBACK_INTERFACE = b"lo\0"
DESCRIPTORS_FOLDER = "/proc/self/fd"


@contextmanager
def on_loopback() -> Iterator[None]:
    """Have the UDP sockets that are opened meanwhile hear nobody outside this machine (Linux 5.7 or later)."""
    before = _sockets()
    yield
    for descriptor in _sockets() - before:
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as opened:
            if opened.family == socket.AF_INET and opened.type == socket.SOCK_DGRAM:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, LOOPBACK_INTERFACE)


def _sockets() -> set[int]:
    """Descriptors of this process's; none where the system does not tell."""
    found = set()
    with suppress(OSError):
        for name in os.listdir(DESCRIPTORS_FOLDER):  # noqa: PTH208  # numbers, not files
            with suppress(OSError):
                if os.readlink(f"{DESCRIPTORS_FOLDER}/{name}").startswith("socket:"):  # noqa: PTH115
                    found.add(int(name))
    return found
