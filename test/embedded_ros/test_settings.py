"""What Cyclone DDS is told of ROS's environment variables."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from processes import output

from gar_ssl_ros.embedded_ros.dds import settings
from gar_ssl_ros.embedded_ros.dds.library import DDSError
from gar_ssl_ros.embedded_ros.dds.policies import key_values


def told(**environment):
    text, _, rest = settings.of(environment).partition("</CycloneDDS>,")
    return ET.fromstring(text + "</CycloneDDS>"), rest


def test_by_default_everybody_on_the_network_is_looked_for():
    xml, _ = told()
    assert xml.find(".//AllowMulticast") is None
    assert xml.find(".//Peers") is None
    assert xml.findtext(".//ParticipantIndex") == "auto"


@pytest.mark.parametrize("environment", [{"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, {"ROS_LOCALHOST_ONLY": "1"}])
def test_on_loopback_nobody_else_is_looked_for(environment):
    xml, _ = told(**environment)
    assert xml.findtext(".//AllowMulticast") == "false"
    assert [peer.get("address") for peer in xml.iter("Peer")] == ["localhost"]
    assert [one.get("address") for one in xml.iter("NetworkInterface")] == ["127.0.0.1"]


def test_static_peers_are_looked_for_beside():
    xml, _ = told(ROS_STATIC_PEERS="192.0.2.7;robot<&>")
    assert [peer.get("address") for peer in xml.iter("Peer")] == ["192.0.2.7", "robot<&>"]


def test_switched_off_nobody_is_found():
    xml, _ = told(ROS_AUTOMATIC_DISCOVERY_RANGE="OFF")
    assert (xml.findtext(".//Tag") or "").startswith("ros_discovery_off_")


def test_cyclone_dds_own_settings_come_last_or_alone():
    assert told(CYCLONEDDS_URI="file:///x.xml")[1] == "file:///x.xml"
    alone = settings.of({"CYCLONEDDS_URI": "file:///x.xml", "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT"})
    assert alone == "file:///x.xml"


def test_a_range_that_there_is_not_is_refused():
    with pytest.raises(DDSError, match="give one of SUBNET, LOCALHOST"):
        settings.of({"ROS_AUTOMATIC_DISCOVERY_RANGE": "GALAXY"})


def test_user_data_is_read_whatever_it_holds():
    assert key_values(b"enclave=/;typehash=RIHS01_ab;") == {"enclave": "/", "typehash": "RIHS01_ab"}
    assert key_values(b"\xff\x00;no pair;a=b=c") == {"a": "b=c"}


BROKEN = """
print("ready", flush=True)
try:
    rclpy.init()
except RuntimeError as problem:
    print(problem)
"""


def test_settings_that_cyclone_dds_cannot_read_are_shown(process, surroundings):
    surroundings["CYCLONEDDS_URI"] = "<CycloneDDS><Domain><Nonsense/></Domain></CycloneDDS>"
    said = output(process(BROKEN))
    assert "domain" in said
    assert "CYCLONEDDS_URI" in said
    assert "<Nonsense/>" in said
