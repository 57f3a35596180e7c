"""Messages become the bytes that every ROS 2 writes, and only such bytes become messages."""

from __future__ import annotations

import json
from array import array
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from any_message import messages
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rosbags.typesys.store import Typestore

from gar_ssl_ros.interfaces import (
    CdrError,
    Message,
    dds_type_name,
    deserialize,
    ros_type_name,
    serialize,
    type_hash,
)
from gar_ssl_ros.interfaces.library import Interfaces

HERE = Path(__file__).parent
INTERFACES = Interfaces({"gar_ssl_ros": HERE.parents[1]})
MODULES = sorted(
    module
    for module in INTERFACES.modules()
    if module.endswith((".msg", ".srv", ".action")) and INTERFACES.classes(module)
)
# Large messages are slow to draw and slower to shrink, and each module's are many.
FEW = settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def made(name: str):
    package, kind, base = name.split("/")
    return INTERFACES.class_in(f"{package}.{kind}", base)


def message_classes(module: str) -> list[type[Message]]:
    every = [INTERFACES.class_in(module, name) for name in sorted(INTERFACES.classes(module))]
    return [cls for cls in every if isinstance(cls, type) and issubclass(cls, Message)]


def plain_store(name: str) -> Typestore:
    store = Typestore()
    store.register(INTERFACES.fields(name))
    return store


@pytest.fixture(scope="module")
def plain_stores() -> dict[bool, Typestore]:
    """Rosbags' own messages, to compare with; True: those of mgonzs13's audio_common_msgs."""
    return {False: plain_store(""), True: plain_store("audio_common_msgs/msg/AudioStamped")}


@pytest.mark.parametrize("module", MODULES)
@FEW
@given(data=st.data())
def test_every_message_comes_back_from_its_bytes_and_from_those_of_rosbags(plain_stores, module, data):
    for cls in message_classes(module):
        message, name = data.draw(messages(cls)), ros_type_name(cls)
        store = plain_stores[cls.__qualname__.endswith("_mgonzs13") or name.endswith(("/Audio", "/AudioStamped"))]
        ours = serialize(message)
        theirs = store.deserialize_cdr(ours, name)
        assert deserialize(ours, cls) == message
        assert store.serialize_cdr(theirs, name, little_endian=True) == ours
        assert deserialize(store.serialize_cdr(theirs, name, little_endian=False), cls) == message


def test_the_bytes_are_those_that_ros_2_jazzy_writes():
    samples = json.loads((HERE / "jazzy_samples.json").read_text())
    for sample in samples:
        cls = made(sample["type"])
        message = deserialize(bytes.fromhex(sample["cdr"]), cls)
        assert repr(message) == sample["repr"]
        assert padded(serialize(message)).hex() == padded(bytes.fromhex(sample["cdr"])).hex()
    assert len(samples) >= 100


def padded(data: bytes) -> bytes:
    """To a multiple of four bytes, as some writers do and some do not."""
    return data + bytes(-len(data) % 4)


def test_type_hashes_are_those_of_ros_2_jazzy():
    expected = json.loads((HERE / "type_hashes.json").read_text())
    ours = {}
    for module in MODULES:
        for name in INTERFACES.classes(module):
            cls = INTERFACES.class_in(module, name)
            if not cls.__qualname__.endswith("_mgonzs13"):
                ours[ros_type_name(cls)] = type_hash(cls)
    both = expected.keys() & ours.keys()
    assert {name: ours[name] for name in both} == {name: expected[name] for name in both}
    assert len(both) >= 230
    assert "std_srvs/srv/SetBool" in both  # a service's own hash, beside its messages'


def test_the_type_hashes_of_an_action_are_those_of_ros_2_jazzy(tmp_path):
    files = {
        "msg/ShortVaried.msg": "bool BOOL_CONST=true\nbool bool_value\nbool[<=3] bool_values\n",
        "msg/ShortVariedNested.msg": "ShortVaried short_varied\n",
        "action/ShortVariedMultiNested.action": "ShortVariedNested short_varied_nested\n---\n"
        "bool bool_value\n---\nbool[3] bool_values\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    package = "ros2cli_test_interfaces"
    interfaces = Interfaces({package: tmp_path})
    expected = json.loads((HERE / "type_hashes.json").read_text())
    ours = {
        f"{package}/action/{name}": type_hash(interfaces.class_in(f"{package}.action", name))
        for name in interfaces.classes(f"{package}.action")
    }
    assert ours == {name: value for name, value in expected.items() if name.startswith(f"{package}/action/")}
    assert len(ours) == 13


def test_type_hashes_of_packages_that_the_image_of_jazzy_lacks_are_those_of_its_generator():
    # as rosidl_generator_type_description of Jazzy computes them
    expected = {
        "audio_common_msgs/msg/AudioStamped": "f6ad36427cfe3e7132f91509dca5a3be31b9b681f182db6e606e95e781b21611",
        "audio_common_msgs/msg/AudioData_mgonzs13": "28873bc02f2963cbc2e6e7dbadd149384f99daddba98ddc2a7cd2550a0b9b5c3",
        "audio_common_msgs/msg/AudioInfo_mgonzs13": "2418e6f9b3639c2844652701c489705b045d5b970c0674573a0f668d6af3b58b",
        "audio_utils_msgs/msg/AudioFrame": "6387433d3f05359ca98ae5fac6f7e783e869d0e4599610abec162d98a583dbb0",
        "hri_msgs/msg/IdsList": "7e0812d1ac945c98fd3e393568d581ad0ab567f37b24eff633eab778c1bfe62d",
        "hri_msgs/msg/NormalizedRegionOfInterest2D": "2e50c93f1ca166ee77af9a5424dc951ae4e452b740162a7f83c082d917dcaff5",
    }
    assert {name: type_hash(made(name)) for name in expected} == {k: f"RIHS01_{v}" for k, v in expected.items()}


def test_a_type_has_the_names_that_ros_2_and_dds_give_it():
    image, request = made("sensor_msgs/msg/Image"), made("std_srvs/srv/SetBool").Request
    assert (ros_type_name(image), dds_type_name(image)) == ("sensor_msgs/msg/Image", "sensor_msgs::msg::dds_::Image_")
    assert dds_type_name(request) == "std_srvs::srv::dds_::SetBool_Request_"
    assert ros_type_name(made("std_srvs/srv/SetBool")) == "std_srvs/srv/SetBool"
    other = made("audio_common_msgs/msg/AudioData_mgonzs13")
    assert ros_type_name(other) == "audio_common_msgs/msg/AudioData"
    assert type_hash(other) != type_hash(made("audio_common_msgs/msg/AudioData"))


def test_a_header_looks_as_the_standard_says():
    stamp = made("builtin_interfaces/msg/Time")(sec=1, nanosec=2)
    data = serialize(made("std_msgs/msg/Header")(stamp=stamp, frame_id="cam"))
    assert data == b"\0\1\0\0\1\0\0\0\2\0\0\0\4\0\0\0cam\0"
    swapped = b"\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\4cam\0"
    assert deserialize(swapped, made("std_msgs/msg/Header")).stamp.nanosec == 2


def test_a_message_does_not_share_memory_with_the_bytes_it_came_from():
    image, info = made("sensor_msgs/msg/Image"), made("sensor_msgs/msg/CameraInfo")
    data = serialize(image(data=b"abc"))
    message = deserialize(data, image)
    data[:] = bytes(len(data))
    assert message.data == array("B", b"abc")
    message.data[0] = 0
    calibration = deserialize(memoryview(serialize(info())), info)
    calibration.k[0] = 1.0
    assert calibration.k.dtype == np.float64


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_bytes_that_are_no_such_message_are_refused_by_name(data):
    name = data.draw(
        st.sampled_from(
            ["sensor_msgs/msg/Image", "gar_ssl_ros/msg/SoundSourceArray", "rcl_interfaces/msg/ParameterEvent"]
        )
    )
    cls = made(name)
    good = bytes(serialize(data.draw(messages(cls))))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(
        st.one_of(
            st.just(good[:at]),
            st.just(good + b"abcd"),
            st.binary(max_size=64),
            st.binary(min_size=1, max_size=8).map(lambda piece: good[:at] + piece + good[at + len(piece) :]),
        )
    )
    with suppress(CdrError):  # and nothing else
        assert isinstance(deserialize(bad, cls), cls)  # another message, by chance


@pytest.mark.parametrize("cut", [0, 3, 4, 8, -1])
def test_bytes_cut_short_are_refused(cut):
    cls = made("sensor_msgs/msg/Image")
    data = serialize(cls(encoding="rgb8", data=bytes(8)))
    with pytest.raises(CdrError, match="bytes are no sensor_msgs/msg/Image"):
        deserialize(data[:cut], cls)


def test_a_length_that_cannot_be_is_refused_before_memory_is_taken():
    cls = made("sensor_msgs/msg/Image")
    data = serialize(cls())
    data[-4:] = b"\xff\xff\xff\x7f"
    with pytest.raises(CdrError, match="Invalid sequence length 2147483647"):
        deserialize(data, cls)


def test_more_than_a_bounded_sequence_holds_is_refused():
    cls = made("rcl_interfaces/msg/ParameterDescriptor")
    message = cls(check_fields=False, integer_range=[made("rcl_interfaces/msg/IntegerRange")() for _ in range(2)])
    with pytest.raises(CdrError, match="integer_range holds at most 1 values, not 2"):
        deserialize(serialize(message), cls)


@pytest.mark.parametrize(("field", "value"), [("sec", 2**40), ("sec", "x"), ("nanosec", None)])
def test_a_value_that_was_never_checked_is_refused_when_it_becomes_bytes(field, value):
    message = made("builtin_interfaces/msg/Time")(check_fields=False, **{field: value})
    with pytest.raises(CdrError, match="this builtin_interfaces/msg/Time cannot be serialized"):
        serialize(message)
