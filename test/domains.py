"""A ROS domain of one's own, so that tests that run at the same time do not hear each other."""

from __future__ import annotations

import functools
import os
import socket

_LOCK_PORT = 200  # of the 250 ports of a domain, one that no participant takes


@functools.cache
def own_domain(purpose: str = "") -> int:
    """This process's domain for a purpose (1..100); nobody else who asks here gets it while this process lives."""
    for at in range(100):
        domain = 1 + (os.getpid() + at) % 100
        lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            lock.bind(("127.0.0.1", 7400 + 250 * domain + _LOCK_PORT))
        except OSError:
            lock.close()
            continue
        _held.append(lock)
        return domain
    raise RuntimeError("all domains are taken")


def own_environment() -> dict[str, str]:
    """The environment of a process in that domain, on loopback."""
    ours = {"ROS_DOMAIN_ID": str(own_domain()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("ROS_", "CYCLONEDDS_", "RCUTILS"))
    }
    return {**others, **ours, "PYTHONUNBUFFERED": "1"}


_held: list[socket.socket] = []
