"""Message classes without ROS 2 behave as those of rclpy."""

from __future__ import annotations

import copy
import math
from array import array
from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.interfaces import InterfaceError, deserialize, serialize
from gar_ssl_ros.interfaces.library import Interfaces

EVERYTHING = """
# A comment, then a field of every kind.
bool flag true
byte small 7
char letter 100
int8 i8 -50
uint16 u16 0x10
float32 f32 1.125
float64 f64
string text "Hello 'world'"
string<=5 short
uint8[] data
float64[3] fixed [1, 2.5, -3]
float32[<=2] few
bool[] flags [true, false]
byte[2] pair
string[] names ["a", 'b']
string<=3[<=2] tags
Inner inner
Inner[2] both
Inner[] inners
builtin_interfaces/Time time
std_msgs/Header[<=1] headers
int32 A=-3
byte B=2
string C=three # words
float32 D=2
bool E=false
"""


@pytest.fixture(scope="module")
def interfaces(tmp_path_factory: pytest.TempPathFactory) -> Interfaces:
    folder = tmp_path_factory.mktemp("package")
    write(folder / "msg/Inner.msg", "int32 number 4\n")
    write(folder / "msg/Everything.msg", EVERYTHING)
    write(folder / "msg/Nothing.msg", "# only a comment\n")
    write(folder / "srv/Ask.srv", "uint8 HOW=1\nInner question\n---\n# said\nstring[] answers\n")
    write(folder / "action/Go.action", "Inner to\n---\nint8 OK=1\nbool there\n---\n# so far\nfloat32 left\n")
    return Interfaces({"some_msgs": folder})


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def made(interfaces: Interfaces, name: str):
    package, kind, base = name.split("/")
    return interfaces.class_in(f"{package}.{kind}", base)


@pytest.fixture(scope="module")
def everything(interfaces: Interfaces):
    return made(interfaces, "some_msgs/msg/Everything")


def test_fields_start_with_the_defaults_of_the_definition_or_zero(everything):
    message = everything()
    assert message.flag is True
    assert message.small == b"\x07"
    assert (message.letter, message.i8, message.u16, message.f32, message.f64) == (100, -50, 16, 1.125, 0.0)
    assert (message.text, message.short) == ("Hello 'world'", "")
    assert message.data == array("B")
    assert message.few == array("f")
    assert isinstance(message.fixed, np.ndarray)
    assert message.fixed.tolist() == [1, 2.5, -3]
    assert (message.flags, message.pair, message.names, message.tags) == ([True, False], [b"\0"] * 2, ["a", "b"], [])
    assert message.inner.number == 4
    assert [inner.number for inner in message.both] == [4, 4]
    assert message.both[0] is not message.both[1]
    assert (message.inners, message.headers) == ([], [])
    assert everything.TEXT__DEFAULT == "Hello 'world'"


def test_no_message_shares_its_values_with_another(everything):
    everything().names.append("c")
    everything().fixed[0] = 9
    everything().data.append(1)
    assert everything() == everything()
    assert everything().names == ["a", "b"]


def test_constants_are_attributes_that_stay(everything):
    assert (everything.A, everything.B, everything.C, everything.D, everything.E) == (-3, b"\x02", "three", 2.0, False)
    assert everything().A == -3
    for name in ("A", "TEXT__DEFAULT"):
        with pytest.raises(AttributeError):
            setattr(everything, name, 1)
    with pytest.raises(AttributeError):
        everything().A = 1


def test_types_are_named_as_rosidl_names_them(everything):
    assert everything.get_fields_and_field_types() == {
        "flag": "boolean",
        "small": "octet",
        "letter": "uint8",
        "i8": "int8",
        "u16": "uint16",
        "f32": "float",
        "f64": "double",
        "text": "string",
        "short": "string<5>",
        "data": "sequence<uint8>",
        "fixed": "double[3]",
        "few": "sequence<float, 2>",
        "flags": "sequence<boolean>",
        "pair": "octet[2]",
        "names": "sequence<string>",
        "tags": "sequence<string<3>, 2>",
        "inner": "some_msgs/Inner",
        "both": "some_msgs/Inner[2]",
        "inners": "sequence<some_msgs/Inner>",
        "time": "builtin_interfaces/Time",
        "headers": "sequence<std_msgs/Header, 1>",
    }
    assert everything.__slots__[:2] == ("_flag", "_small")


def test_arguments_have_names_that_the_message_knows(everything):
    with pytest.raises(TypeError):
        everything(True)
    with pytest.raises(AssertionError, match="Invalid arguments passed to constructor: colour, flagg"):
        everything(flagg=True, colour=1)
    with pytest.raises(AttributeError):
        everything().colour = 1


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("flag", 1, "must be of type 'bool'"),
        ("small", 1, "'bytes'"),
        ("small", b"ab", "with length 1"),
        ("i8", 128, r"must be an integer in \[-128, 127\]"),
        ("i8", -129, r"must be an integer in \[-128, 127\]"),
        ("i8", 1.0, "must be of type 'int'"),
        ("i8", np.int8(1), "must be of type 'int'"),
        ("u16", -1, r"must be an unsigned integer in \[0, 65535\]"),
        ("f32", 1, "must be of type 'float'"),
        ("f32", 3.5e38, r"must be a float in"),
        ("text", b"x", "must be of type 'str'"),
        ("short", "sixsix", "must be string value not longer than 5"),
        ("data", [256], r"each unsigned integer in \[0, 255\]"),
        ("data", "abc", "must be a set or sequence"),
        ("data", [1.0], "each value of type 'int'"),
        ("data", array("b"), "type code of 'B'"),
        ("data", np.zeros(2, np.uint8), "must be a set or sequence"),
        ("fixed", [1.0, 2.0], "with length 3"),
        ("fixed", np.zeros(3, np.float32), "dtype of 'numpy.float64'"),
        ("fixed", np.zeros(4), "must have a size of 3"),
        ("few", [0.0] * 3, "with length <= 2"),
        ("few", array("f", [0] * 3), "must have a size <= 2"),
        ("flags", [1], "each value of type 'bool'"),
        ("pair", [b"a"], "with length 2"),
        ("pair", [b"a", b"bc"], "each value of type 'bytes'"),
        ("names", "ab", "must be a set or sequence"),
        ("tags", ["long"], "each string value not longer than 3"),
        ("tags", ["a", "b", "c"], "with length <= 2"),
        ("inner", 4, "must be a sub message of type 'Inner'"),
        ("both", [], "with length 2"),
        ("inners", [1], "each value of type 'Inner'"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_and_changes_nothing(everything, field, value, why):
    message = everything()
    with pytest.raises(AssertionError, match=f"The '{field}' .*{why}"):
        setattr(message, field, value)
    assert message == everything()


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("f32", math.inf, math.inf),
        ("data", b"\1\2", array("B", [1, 2])),
        ("data", bytearray(b"\1\2"), array("B", [1, 2])),
        ("data", memoryview(b"\1\2"), array("B", [1, 2])),
        ("data", [1, 2], array("B", [1, 2])),
        ("data", (1, 2), array("B", [1, 2])),
        ("data", range(3), array("B", [0, 1, 2])),
        ("few", (1.0,), array("f", [1])),
        ("names", ["x"], ["x"]),
        ("tags", {"abc"}, {"abc"}),
        ("pair", [b"a", b"b"], [b"a", b"b"]),
    ],
)
def test_what_a_field_can_hold_is_kept(everything, field, value, kept):
    message = everything()
    setattr(message, field, value)
    assert getattr(message, field) == kept
    assert type(getattr(message, field)) is type(kept)


def test_an_array_is_kept_and_not_copied(everything):
    message, data, fixed = everything(), array("B", [1]), np.zeros(3)
    message.data, message.fixed = data, fixed
    assert message.data is data
    assert message.fixed is fixed


def test_arrays_that_lie_apart_in_memory_become_bytes_too(everything):
    message = everything(fixed=[1.0, 2.0, 3.0])
    message.fixed = np.arange(6.0)[::2]
    assert deserialize(serialize(message), everything).fixed.tolist() == [0, 2, 4]


def test_constructors_take_numpy_arrays_for_numbers_and_copy_them(everything):
    data, fixed = np.arange(4, dtype=np.uint8), np.ones(3)
    message = everything(data=data[::2], fixed=fixed, few=np.array([0.5]))
    data[0] = fixed[0] = 9
    assert (message.data, message.few) == (array("B", [0, 2]), array("f", [0.5]))
    assert message.fixed.tolist() == [1, 1, 1]
    with pytest.raises(OverflowError):
        everything(data=[300])


def test_checks_can_be_turned_off_for_a_message(everything):
    message = everything(i8=1000, check_fields=False)
    message.text = 3
    message.data = b"\1"
    assert (message.i8, message.text, message.data) == (1000, 3, array("B", [1]))


def test_equal_means_equal_in_every_value(everything):
    assert everything(fixed=[1.0, 2.0, 3.0]) == everything(fixed=np.array([1.0, 2.0, 3.0]))
    assert everything(fixed=[1.0, 2.0, 3.0]) != everything(fixed=[1.0, 2.0, 4.0])
    assert everything(data=b"a") != everything(data=b"b")
    assert everything(inner=type(everything().inner)(number=5)) != everything()
    assert everything() != 3
    with pytest.raises(TypeError):
        hash(everything())


def test_a_message_shows_itself_as_rosidls_do(interfaces):
    info = made(interfaces, "sensor_msgs/msg/CameraInfo")(d=[0.5], binning_x=2)
    nan, level = made(interfaces, "geometry_msgs/msg/Quaternion")(x=math.nan), b"\x02"
    status = made(interfaces, "diagnostic_msgs/msg/DiagnosticStatus")(level=level)
    assert repr(info) == (
        "sensor_msgs.msg.CameraInfo(header=std_msgs.msg.Header(stamp=builtin_interfaces.msg.Time(sec=0, nanosec=0), "
        "frame_id=''), height=0, width=0, distortion_model='', d=[0.5], "
        "k=array([0., 0., 0., 0., 0., 0., 0., 0., 0.]), r=array([0., 0., 0., 0., 0., 0., 0., 0., 0.]), "
        "p=array([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.]), binning_x=2, binning_y=0, "
        "roi=sensor_msgs.msg.RegionOfInterest(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False))"
    )
    assert repr(nan) == "geometry_msgs.msg.Quaternion(x=nan, y=0.0, z=0.0, w=1.0)"
    assert repr(status).startswith("diagnostic_msgs.msg.DiagnosticStatus(level=b'\\x02', name='', ")


def test_copies_are_equal_and_apart(everything):
    message = everything(data=b"abc", names=["x"])
    apart = copy.deepcopy(message)
    assert apart == message
    apart.names.append("y")
    apart.data[0] = 0
    assert (message.names, message.data) == (["x"], array("B", b"abc"))
    assert copy.copy(message) == message


def test_a_service_is_a_name_for_its_messages(interfaces):
    service = made(interfaces, "some_msgs/srv/Ask")
    assert service.Request.HOW == 1
    assert service.Request().question.number == 4
    assert service.Response(answers=["no"]).answers == ["no"]
    assert service.Request is made(interfaces, "some_msgs/srv/Ask_Request")
    assert service.Event.get_fields_and_field_types() == {
        "info": "service_msgs/ServiceEventInfo",
        "request": "sequence<some_msgs/Ask_Request, 1>",
        "response": "sequence<some_msgs/Ask_Response, 1>",
    }
    assert (service.__module__, service.Request.__module__) == ("some_msgs.srv._ask",) * 2
    with pytest.raises(NotImplementedError):
        service()


def test_an_action_is_a_name_for_its_messages_and_for_what_carries_them(interfaces):
    action = made(interfaces, "some_msgs/action/Go")
    assert (action.Goal().to.number, action.Result.OK, action.Feedback(left=0.5).left) == (4, 1, 0.5)
    assert action.Goal is made(interfaces, "some_msgs/action/Go_Goal")
    sent = action.Impl.SendGoalService
    assert sent is made(interfaces, "some_msgs/action/Go_SendGoal")
    assert type(sent.Request().goal) is action.Goal
    carriers = (
        sent.Request,
        sent.Response,
        action.Impl.GetResultService.Request,
        action.Impl.GetResultService.Response,
    )
    assert [list(one.get_fields_and_field_types().items()) for one in (*carriers, action.Impl.FeedbackMessage)] == [
        [("goal_id", "unique_identifier_msgs/UUID"), ("goal", "some_msgs/Go_Goal")],
        [("accepted", "boolean"), ("stamp", "builtin_interfaces/Time")],
        [("goal_id", "unique_identifier_msgs/UUID")],
        [("status", "int8"), ("result", "some_msgs/Go_Result")],
        [("goal_id", "unique_identifier_msgs/UUID"), ("feedback", "some_msgs/Go_Feedback")],
    ]
    assert action.Impl.CancelGoalService is made(interfaces, "action_msgs/srv/CancelGoal")
    assert action.Impl.GoalStatusMessage is made(interfaces, "action_msgs/msg/GoalStatusArray")
    assert (action.__module__, action.Goal.__module__, sent.Request.__module__) == ("some_msgs.action._go",) * 3
    with pytest.raises(NotImplementedError):
        action()


def test_messages_without_fields_are_equal(interfaces):
    nothing = made(interfaces, "some_msgs/msg/Nothing")
    assert nothing() == nothing()
    assert nothing.get_fields_and_field_types() == {}
    assert repr(nothing()) == "some_msgs.msg.Nothing()"


def test_both_packages_named_audio_common_msgs_are_there(interfaces):
    stamped = made(interfaces, "audio_common_msgs/msg/AudioStamped")()
    stamped.audio.audio_data.int16_data = [1, -2]
    stamped.audio.info.rate = 16000
    assert type(stamped.audio.audio_data) is made(interfaces, "audio_common_msgs/msg/AudioData_mgonzs13")
    assert type(stamped.audio.info) is made(interfaces, "audio_common_msgs/msg/AudioInfo_mgonzs13")
    data = made(interfaces, "audio_common_msgs/msg/AudioData")
    assert type(data(int16_data=[1, -2])) is type(stamped.audio.audio_data)
    stamped.audio.audio_data = data(int16_data=[1, -2])
    assert list(stamped.audio.audio_data.int16_data) == [1, -2]
    assert type(data()) is type(data(data=b"")) is data
    with pytest.raises(AssertionError, match="constructor: int16_data"):
        data(data=b"", int16_data=[])
    other = made(interfaces, "audio_common_msgs/msg/AudioDataStamped")(audio=data(data=b"ab"))
    assert type(other.header) is type(stamped.header)
    assert list(made(interfaces, "audio_common_msgs/msg/AudioInfo").get_fields_and_field_types()) == [
        "channels",
        "sample_rate",
        "sample_format",
        "bitrate",
        "coding_format",
    ]


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("msg/Bad.msg", "uint8\n", "bad_msgs/msg/Bad"),
        ("msg/Bad.msg", "uint8 x y\n", "bad_msgs/msg/Bad: 'y' is no default for x, which is uint8"),
        ("msg/Bad.msg", "uint8 x 300\n", "300 is no default for x"),
        ("msg/Bad.msg", "uint8 x 1.5\n", "1.5 is no default for x"),
        ("msg/Bad.msg", "bool x maybe\n", "'maybe' is no default for x"),
        ("msg/Bad.msg", "uint8[2] x 1\n", "1 is no default for x"),
        ("msg/Bad.msg", "uint8 x [1]\n", "is no default for x"),
        ("msg/Bad.msg", "string<=2 x abc\n", "is no default for x, which is string<2>"),
        ("msg/Bad.msg", "Missing x\n", "bad_msgs/msg/Missing: there is no such message"),
        ("msg/Bad.msg", "wstring x\n", "bad_msgs/msg/Bad: .*wstring"),
        ("msg/Bad.msg", "uint8 class\n", "bad_msgs/msg/Bad: .*class"),
        ("msg/Bad.msg", "Bad again\n", "bad_msgs/msg/Bad: it holds itself"),
        ("srv/Bad.srv", "uint8 x\n", "bad_msgs/srv/Bad: one line of --- parts request and response, and here are 0"),
        (
            "action/Bad.action",
            "uint8 x\n---\n",
            "bad_msgs/action/Bad: 2 lines of --- part goal, result and feedback, .* 1",
        ),
    ],
)
def test_a_definition_that_makes_no_message_is_named(tmp_path, file, text, why):
    write(tmp_path / file, text)
    with pytest.raises(InterfaceError, match=why):
        made(Interfaces({"bad_msgs": tmp_path}), f"bad_msgs/{file[:-4]}")


def test_a_definition_that_is_no_text_is_named(tmp_path):
    write(tmp_path / "msg/Bad.msg", "")
    (tmp_path / "msg/Bad.msg").write_bytes(b"\xff\xfe")
    with pytest.raises(InterfaceError, match=r"Bad\.msg cannot be read"):
        Interfaces({"bad_msgs": tmp_path})
