"""Cyclone DDS's settings from the environment, as rmw_cyclonedds_cpp makes them of ROS 2's variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from .library import DDSError

MAX_MESSAGE_BYTES = 2**26  # none that arrives takes more, by itself or as what is made of it
DISCOVERY_RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")


def of(environment: Mapping[str, str]) -> str:
    """XML for Cyclone DDS: who is looked for, by ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_LOCALHOST_ONLY and
    ROS_STATIC_PEERS; then CYCLONEDDS_URI. Raises DDSError where a variable says nothing known.
    """
    reach, peers, uri = _reach(environment), _peers(environment), environment.get("CYCLONEDDS_URI", "")
    if reach == "LOCALHOST":
        peers.insert(0, "localhost")
    return uri if reach == "SYSTEM_DEFAULT" else f"{_domain(reach, peers)},{uri}"


def only_loopback(environment: Mapping[str, str]) -> bool:
    """True if they say that nobody outside this machine is to be heard. Raises DDSError as `of` does."""
    beyond = _peers(environment) or environment.get("CYCLONEDDS_URI")
    return _reach(environment) == "LOCALHOST" and not beyond


def _reach(environment: Mapping[str, str]) -> str:
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET"
    if environment.get("ROS_LOCALHOST_ONLY") == "1":
        reach = "LOCALHOST"
    if reach not in DISCOVERY_RANGES:
        raise DDSError(f"ROS_AUTOMATIC_DISCOVERY_RANGE is {reach!r}: give one of {', '.join(DISCOVERY_RANGES)}")
    return reach


def _peers(environment: Mapping[str, str]) -> list[str]:
    return [peer for peer in environment.get("ROS_STATIC_PEERS", "").split(";") if peer]


def _domain(reach: str, peers: list[str]) -> str:
    general = "" if reach == "SUBNET" else "<AllowMulticast>false</AllowMulticast>"
    if reach == "LOCALHOST":
        # Since Cyclone DDS 11, who does not use the loopback interface hears no peer that greets it there.
        general += '<Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces>'
    if reach == "OFF":
        # Nobody else has this tag, so nobody is found.
        discovery = f"<ParticipantIndex>none</ParticipantIndex><Tag>ros_discovery_off_{os.getpid()}</Tag>"
    else:
        found = "".join(f"<Peer address={quoteattr(peer)}/>" for peer in peers)
        discovery = "<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>"
        discovery += f"<Peers>{found}</Peers>" if found else ""
    internal = f"<MaxSampleSize>{MAX_MESSAGE_BYTES} B</MaxSampleSize>"
    parts = {"General": general, "Discovery": discovery, "Internal": internal}
    domain = "".join(f"<{name}>{part}</{name}>" for name, part in parts.items())
    return f"<CycloneDDS><Domain>{domain}</Domain></CycloneDDS>"
