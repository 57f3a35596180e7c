"""What others say of their nodes, in the form of Iron and later and in Humble's."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rmw_dds_common.msg import Gid, NodeEntitiesInfo, ParticipantEntitiesInfo

from gar_ssl_ros.embedded_ros import entities_info
from gar_ssl_ros.embedded_ros.entities_info import NodeTold, Told
from gar_ssl_ros.interfaces import serialize

GUID = st.binary(min_size=16, max_size=16)
NAME = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True)
GUIDS = st.frozensets(GUID, max_size=3)
TOLD = st.builds(
    Told, GUID, st.lists(st.builds(NodeTold, NAME, NAME.map("/{}".format), GUIDS, GUIDS), max_size=3).map(tuple)
)


def in_form(told: Told, id_length: int, order: str = "<") -> bytes:
    data = bytearray(b"\0\1\0\0" if order == "<" else b"\0\0\0\0")

    def count(number: int) -> None:
        data.extend(bytes(-len(data) % 4) + struct.pack(f"{order}I", number))

    def guid(one: bytes) -> None:
        data.extend(one.ljust(id_length, b"\0"))

    guid(told.participant)
    count(len(told.nodes))
    for node in told.nodes:
        for text in (node.namespace, node.name):
            count(len(text) + 1)
            data.extend(text.encode() + b"\0")
        for guids in (node.readers, node.writers):
            count(len(guids))
            for one in sorted(guids):
                guid(one)
    return bytes(data)


@pytest.mark.parametrize("id_length", [16, 24])
@pytest.mark.parametrize("order", ["<", ">"])
@given(told=TOLD)
def test_both_forms_are_read_in_either_byte_order(id_length, order, told):
    assert entities_info.read(in_form(told, id_length, order)) == told


@given(told=TOLD)
def test_what_we_say_is_read_as_it_was_meant(embedded, told):
    def gids(guids: frozenset[bytes]) -> list[Gid]:
        return [Gid(data=list(guid)) for guid in sorted(guids)]

    nodes = [
        NodeEntitiesInfo(
            node_name=n.name, node_namespace=n.namespace, reader_gid_seq=gids(n.readers), writer_gid_seq=gids(n.writers)
        )
        for n in told.nodes
    ]
    message = ParticipantEntitiesInfo(gid=Gid(data=list(told.participant)), node_entities_info_seq=nodes)
    assert entities_info.read(bytes(serialize(message))) == told


@given(data=st.binary(max_size=80))
def test_whatever_else_comes_is_no_message_or_one_that_explains_every_byte(data):
    told = entities_info.read(data)
    if told is not None:
        forms = [in_form(told, length, order) for length in (16, 24) for order in "<>"]
        assert any(abs(len(form) - len(data)) <= 6 for form in forms)
