"""Cyclone DDS's C library: where it is found, the functions used of it, and its records.

The functions and records are those of Cyclone DDS's public headers (dds/dds.h, dds/ddsi/ddsi_serdata.h), which are the
same in 0.10 and 11, but for one function.
"""

from __future__ import annotations

import ctypes as c
import functools
import os
from contextlib import suppress
from ctypes.util import find_library
from pathlib import Path
from typing import Any

INFINITE = 2**63 - 1  # DDS_INFINITY, ns
ANY_STATE = 0x7F  # read, new and alive or not
ALIVE = 16  # DDS_ALIVE_INSTANCE_STATE
BUILTIN_PARTICIPANTS, BUILTIN_WRITERS, BUILTIN_READERS = 0x7FFF0001, 0x7FFF0003, 0x7FFF0004
DATA = 2  # SDK_DATA: a sample, as opposed to only its key
OCTET_AT = 0x01010000  # DDS_OP_ADR, DDS_OP_TYPE_1BY: a byte at the offset that follows
TIMEOUT = -10  # DDS_RETCODE_TIMEOUT

Entity = c.c_int32  # a handle; below zero, an error
_entity, _return, _pointer, _bool, _size = Entity, c.c_int32, c.c_void_p, c.c_bool, c.c_size_t
_int, _duration, _handle, _string = c.c_int32, c.c_int64, c.c_uint64, c.c_char_p


class DDSError(RuntimeError):
    """Cyclone DDS refused."""


class SampleInfo(c.Structure):
    """What comes with a sample (dds_sample_info_t)."""

    _fields_ = [
        ("sample_state", c.c_uint32),
        ("view_state", c.c_uint32),
        ("instance_state", c.c_uint32),
        ("valid_data", c.c_bool),
        ("source_timestamp", c.c_int64),
        ("instance_handle", c.c_uint64),
        ("publication_handle", c.c_uint64),
        ("disposed_generation_count", c.c_uint32),
        ("no_writers_generation_count", c.c_uint32),
        ("sample_rank", c.c_uint32),
        ("generation_rank", c.c_uint32),
        ("absolute_generation_rank", c.c_uint32),
    ]


class Guid(c.Structure):
    """Who an entity is, in the whole network (dds_guid_t)."""

    _fields_ = [("bytes", c.c_ubyte * 16)]


class BuiltinParticipant(c.Structure):
    """A participant that was discovered (dds_builtintopic_participant_t)."""

    _fields_ = [("key", Guid), ("qos", c.c_void_p)]


class BuiltinEndpoint(c.Structure):
    """A reader or writer that was discovered (dds_builtintopic_endpoint_t)."""

    _fields_ = [
        ("key", Guid),
        ("participant_key", Guid),
        ("participant_instance_handle", c.c_uint64),
        ("topic_name", c.c_char_p),
        ("type_name", c.c_char_p),
        ("qos", c.c_void_p),
    ]


class Bytes(c.Structure):
    """A stretch of memory (ddsrt_iovec_t)."""

    _fields_ = [("base", c.c_void_p), ("length", c.c_size_t)]


class _TypeMeta(c.Structure):
    _fields_ = [("data", c.c_void_p), ("size", c.c_uint32)]


class TopicDescriptor(c.Structure):
    """What a topic's samples look like (dds_topic_descriptor_t)."""

    _fields_ = [
        ("size", c.c_uint32),
        ("align", c.c_uint32),
        ("flagset", c.c_uint32),
        ("nkeys", c.c_uint32),
        ("typename", c.c_char_p),
        ("keys", c.c_void_p),
        ("nops", c.c_uint32),
        ("ops", c.POINTER(c.c_uint32)),
        ("meta", c.c_char_p),
        ("type_information", _TypeMeta),
        ("type_mapping", _TypeMeta),
        ("restrict_data_representation", c.c_uint32),
    ]


class Serdata(c.Structure):
    """The beginning of a sample as it came over the wire (struct ddsi_serdata)."""

    _fields_ = [
        ("ops", c.c_void_p),
        ("hash", c.c_uint32),
        ("references", c.c_uint32),
        ("kind", c.c_int),
        ("type", c.c_void_p),
    ]


class Status(c.Structure):
    """Any status record of a reader or writer that counts: counts and their changes, then a policy's number."""

    _fields_ = [("words", c.c_int32 * 8)]


# name: what it returns, then what it takes.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "dds_strretcode": (_string, _return),
    "dds_free": (None, _pointer),
    "dds_delete": (_return, _entity),
    "dds_create_domain": (_entity, c.c_uint32, _string),
    "dds_create_participant": (_entity, c.c_uint32, _pointer, _pointer),
    "dds_create_publisher": (_entity, _entity, _pointer, _pointer),
    "dds_create_subscriber": (_entity, _entity, _pointer, _pointer),
    "dds_create_topic": (_entity, _entity, c.POINTER(TopicDescriptor), _string, _pointer, _pointer),
    "dds_create_writer": (_entity, _entity, _entity, _pointer, _pointer),
    "dds_create_reader": (_entity, _entity, _entity, _pointer, _pointer),
    "dds_create_readcondition": (_entity, _entity, c.c_uint32),
    "dds_create_guardcondition": (_entity, _entity),
    "dds_set_guardcondition": (_return, _entity, _bool),
    "dds_take_guardcondition": (_return, _entity, c.POINTER(c.c_bool)),
    "dds_create_waitset": (_entity, _entity),
    "dds_waitset_attach": (_return, _entity, _entity, c.c_ssize_t),
    "dds_waitset_detach": (_return, _entity, _entity),
    "dds_waitset_wait": (_return, _entity, c.POINTER(c.c_ssize_t), _size, _duration),
    "dds_set_status_mask": (_return, _entity, c.c_uint32),
    "dds_get_status_changes": (_return, _entity, c.POINTER(c.c_uint32)),
    "dds_get_guid": (_return, _entity, c.POINTER(Guid)),
    "dds_get_instance_handle": (_return, _entity, c.POINTER(c.c_uint64)),
    "dds_get_entity_sertype": (_return, _entity, c.POINTER(c.c_void_p)),
    "dds_get_qos": (_return, _entity, _pointer),
    "dds_assert_liveliness": (_return, _entity),
    "dds_wait_for_acks": (_return, _entity, _duration),
    "dds_get_matched_subscriptions": (_return, _entity, c.POINTER(c.c_uint64), _size),
    "dds_get_matched_publications": (_return, _entity, c.POINTER(c.c_uint64), _size),
    "dds_get_matched_subscription_data": (c.POINTER(BuiltinEndpoint), _entity, _handle),
    "dds_get_matched_publication_data": (c.POINTER(BuiltinEndpoint), _entity, _handle),
    "dds_builtintopic_free_endpoint": (None, c.POINTER(BuiltinEndpoint)),
    "dds_read": (_return, _entity, c.POINTER(c.c_void_p), c.POINTER(SampleInfo), _size, c.c_uint32),
    "dds_return_loan": (_return, _entity, c.POINTER(c.c_void_p), _int),
    "dds_read_mask": (_return, _entity, c.POINTER(c.c_void_p), c.POINTER(SampleInfo), _size, c.c_uint32, c.c_uint32),
    "dds_takecdr": (_return, _entity, c.POINTER(c.c_void_p), c.c_uint32, c.POINTER(SampleInfo), c.c_uint32),
    "dds_write": (_return, _entity, _pointer),
    "dds_writecdr": (_return, _entity, _pointer),
    "ddsi_serdata_from_ser_iov": (_pointer, _pointer, c.c_int, _size, c.POINTER(Bytes), _size),
    "ddsi_serdata_size": (c.c_uint32, _pointer),
    "ddsi_serdata_to_ser_ref": (_pointer, _pointer, _size, _size, c.POINTER(Bytes)),
    "ddsi_serdata_to_ser_unref": (None, _pointer, c.POINTER(Bytes)),
    "ddsi_serdata_unref": (None, _pointer),
    "dds_create_qos": (_pointer,),
    "dds_delete_qos": (None, _pointer),
    "dds_qset_userdata": (None, _pointer, _string, _size),
    "dds_qset_history": (None, _pointer, c.c_int, _int),
    "dds_qset_reliability": (None, _pointer, c.c_int, _duration),
    "dds_qset_durability": (None, _pointer, c.c_int),
    "dds_qset_durability_service": (None, _pointer, _duration, c.c_int, _int, _int, _int, _int),
    "dds_qset_deadline": (None, _pointer, _duration),
    "dds_qset_lifespan": (None, _pointer, _duration),
    "dds_qset_liveliness": (None, _pointer, c.c_int, _duration),
    "dds_qset_writer_data_lifecycle": (None, _pointer, _bool),
    "dds_qset_ignorelocal": (None, _pointer, c.c_int),
    "dds_qget_userdata": (_bool, _pointer, c.POINTER(c.c_void_p), c.POINTER(_size)),
    "dds_qget_history": (_bool, _pointer, c.POINTER(c.c_int), c.POINTER(_int)),
    "dds_qget_reliability": (_bool, _pointer, c.POINTER(c.c_int), c.POINTER(_duration)),
    "dds_qget_durability": (_bool, _pointer, c.POINTER(c.c_int)),
    "dds_qget_deadline": (_bool, _pointer, c.POINTER(_duration)),
    "dds_qget_lifespan": (_bool, _pointer, c.POINTER(_duration)),
    "dds_qget_liveliness": (_bool, _pointer, c.POINTER(c.c_int), c.POINTER(_duration)),
    **{
        f"dds_get_{status}_status": (_return, _entity, c.POINTER(Status))
        for status in (
            "offered_deadline_missed",
            "offered_incompatible_qos",
            "publication_matched",
            "liveliness_lost",
            "requested_deadline_missed",
            "requested_incompatible_qos",
            "subscription_matched",
            "liveliness_changed",
            "sample_lost",
            "inconsistent_topic",
        )
    },
}

# Cyclone DDS tells its version by nothing but what is in it.
_SINCE_0_10, _SINCE_11 = "dds_create_topic_descriptor", "dds_get_entity_sertype"


@functools.cache
def library() -> Any:
    """The library, loaded once; its functions give up the interpreter lock while they run.

    It is the one in the `cyclonedds` wheel, or else CYCLONEDDS_HOME's or the system's. Raises DDSError where there is
    none, or one before 0.10.
    """
    loaded = _from_wheel() or _from_system()
    if loaded is None:
        raise DDSError(
            "Cyclone DDS is not here: `pip install cyclonedds`; where PyPI has no wheel for this machine (Linux on "
            "ARM, Python after 3.13), install the system's (Debian: `apt install cyclonedds-dev`), or build version 11 "
            "and let CYCLONEDDS_HOME say where, or install ROS 2"
        )
    if not hasattr(loaded, _SINCE_0_10):
        raise DDSError(f"{loaded._name} is a Cyclone DDS before 0.10, or none: install 0.10 or 11")
    for name, (returned, *taken) in _FUNCTIONS.items():
        if name == _SINCE_11 and not hasattr(loaded, name):
            continue
        try:
            function = getattr(loaded, name)
        except AttributeError:
            raise DDSError(f"{loaded._name}, a Cyclone DDS, has no function {name}: install 0.10 or 11") from None
        function.restype, function.argtypes = returned, taken
    return loaded


def checked(code: int, what: str) -> int:
    """`code`, where it is no error. Raises DDSError saying that `what` was refused, and why."""
    if code < 0:
        raise DDSError(f"{what}: {library().dds_strretcode(code).decode()}")
    return code


def _from_wheel() -> Any:
    try:
        from cyclonedds.internal import load_cyclonedds  # noqa: PLC0415 (loading it loads the library)
    except ImportError:
        return None
    return load_cyclonedds()


def _from_system() -> Any:
    home = os.environ.get("CYCLONEDDS_HOME")
    at_home = [found for folder in ("lib", "lib/*") for found in Path(home).glob(f"{folder}/libddsc.*")] if home else []
    for path in (*map(str, at_home), find_library("ddsc")):
        with suppress(OSError):
            if path:
                return c.CDLL(path)
    return None
