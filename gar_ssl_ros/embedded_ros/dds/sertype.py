"""What Cyclone DDS knows of a type (struct ddsi_sertype): how ready-made CDR is handed to it.

All that it is told of any type is its name and one octet: whatever CDR follows is then passed on unread.
"""

from __future__ import annotations

import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from .library import ANY_STATE, OCTET_AT, DDSError, SampleInfo, Serdata, TopicDescriptor, checked, library


@contextmanager
def octet_topic(participant: int, topic: str, type_name: str) -> Iterator[int]:
    """A handle of `topic`, for as long as the context lasts; readers and writers made with it keep what they need."""
    octet = (c.c_uint32 * 3)(OCTET_AT, 0, 0)
    descriptor = TopicDescriptor(size=1, align=1, typename=type_name.encode(), nops=2, ops=octet)
    made = checked(
        library().dds_create_topic(participant, c.byref(descriptor), topic.encode(), None, None),
        f"topic {topic} of type {type_name} could not be made",
    )
    try:
        yield made
    finally:
        library().dds_delete(made)


def sertype_of(writer: int, participant: int, type_name: str) -> c.c_void_p:
    """The type of a writer's samples; it lives as long as the writer. Raises DDSError."""
    if not hasattr(library(), "dds_get_entity_sertype"):
        return _sertype_by_sample(participant, type_name)
    found = c.c_void_p()
    checked(library().dds_get_entity_sertype(writer, c.byref(found)), "no type")
    return found


def _sertype_by_sample(participant: int, type_name: str) -> c.c_void_p:
    """The same on Cyclone DDS 0.10, which does not tell it of writers, but of each sample.

    A domain has one such type for all topics of a type name. So an octet goes to oneself, on a topic of one's own.
    """
    dds, taken, info, ends = library(), c.c_void_p(), SampleInfo(), []
    with octet_topic(participant, f"embedded_ros/{uuid4().hex}", type_name) as topic:
        try:
            for create in (dds.dds_create_reader, dds.dds_create_writer):
                ends.append(checked(create(participant, topic, None, None), "no type"))
            reader, writer = ends
            checked(dds.dds_write(writer, c.byref(c.c_ubyte())), "no type")
            if checked(dds.dds_takecdr(reader, c.byref(taken), 1, c.byref(info), ANY_STATE), "no type") != 1:
                raise DDSError(f"Cyclone DDS does not tell of the type {type_name}: install version 11")
            found = c.c_void_p(c.cast(taken, c.POINTER(Serdata)).contents.type)
            dds.ddsi_serdata_unref(taken)
            return found
        finally:
            for end in ends:
                dds.dds_delete(end)
